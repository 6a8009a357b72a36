using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of several files of vectors or harvests, one after the other, as one source.</summary>
public sealed class ActivationFiles : IActivationSource
{
    private readonly IReadOnlyList<IRowSource> files;
    private readonly long[] starts;

    private ActivationFiles(IReadOnlyList<IRowSource> files)
    {
        this.files = files;
        starts = new long[files.Count];
        for (int i = 0; i < files.Count; i++)
        {
            starts[i] = Rows;
            Rows = checked(Rows + files[i].Rows);
            if (files[i].Width != files[0].Width)
                throw new InputException(
                    $"{files[0].Name} has vectors of width {files[0].Width}, but {files[i].Name} of width {files[i].Width}; train on "
                    + "files of one model and layer.");
        }

        Name = files.Count == 1 ? files[0].Name : $"{files[0].Name} … {files[^1].Name} ({files.Count} files)";
    }

    /// <inheritdoc/>
    public int Width => files[0].Width;

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The targets of the rows, as many of them; null where the rows are their own.</summary>
    public ActivationFiles? Target { get; private init; }

    IActivationSource? IActivationSource.Target => Target;

    /// <summary>The files, in the order of their rows.</summary>
    public IReadOnlyList<string> Paths => [.. files.Select(file => file.Name)];

    /// <summary>The harvests among them.</summary>
    public IReadOnlyList<HarvestSource> Harvests => [.. files.OfType<HarvestSource>()];

    /// <summary>The synthetic model whose rows these are; null of files.</summary>
    internal SyntheticModel? Synthetic => files[0] as SyntheticModel;

    /// <summary>True where rows are made without end, so that nothing can go through all of them.</summary>
    internal bool IsEndless => Synthetic is { Options.Rows: null };

    /// <summary>Refuses rows without end, for what goes through all of them.</summary>
    /// <exception cref="InputException">They have none.</exception>
    internal ActivationFiles Ended() => !IsEndless ? this
        : throw new InputException($"{Name} has rows without end; say how many: {Name},rows=100000.");

    /// <summary>What names the same data from any working folder: a full path; a synthetic model keeps its name.</summary>
    internal static string FullName(string item) => SyntheticModelOptions.IsSource(item) ? item : Path.GetFullPath(item);

    /// <summary>Opens files of vectors.</summary>
    /// <param name="pathsOrGlobs">
    /// Paths, or patterns with <c>*</c>, <c>?</c> and <c>**</c> (any number of folders), whose files are taken in ordinal order. A file
    /// named twice is read once. A folder that is a harvest may be named too, with <c>#</c> and one of its hooks after it; or, alone,
    /// <c>synth:</c> and the name of a synthetic model, whose rows are made as they are read.
    /// </param>
    /// <param name="tensor">The tensor, column or hook to read from each; null takes the only one that holds vectors.</param>
    /// <param name="targets">Files of the rows' targets, named as they are; null or empty where the rows are their own.</param>
    /// <exception cref="InputException">
    /// A path or pattern names nothing, a file cannot be used, widths differ, or targets are not as many as rows.
    /// </exception>
    public static ActivationFiles Open(
        IReadOnlyList<string> pathsOrGlobs, string? tensor = null, IReadOnlyList<string>? targets = null)
    {
        ArgumentNullException.ThrowIfNull(pathsOrGlobs);
        if (targets is { Count: > 0 })
        {
            ActivationFiles? input = null, target = null;
            try
            {
                (input, target) = (Open(pathsOrGlobs, tensor), Open(targets, tensor));
                using var pair = new PairedSource(input, target); // which refuses other numbers of rows
                return new ActivationFiles(input.files) { Target = target };
            }
            catch
            {
                input?.Dispose();
                target?.Dispose();
                throw;
            }
        }

        if (pathsOrGlobs.Count == 0) throw new InputException("No data is named; give a file of vectors or a pattern such as data/*.npy.");
        if (pathsOrGlobs.FirstOrDefault(SyntheticModelOptions.IsSource) is { } synthetic)
        {
            return pathsOrGlobs.Count == 1 ? new ActivationFiles([new SyntheticModel(SyntheticModelOptions.Parse(synthetic))])
                : throw new InputException($"{synthetic} has rows without end, so that other data beside it would not be seen; name it "
                    + "alone.");
        }

        var opened = new List<IRowSource>();
        try
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (string item in pathsOrGlobs)
            {
                if (HarvestSource.Find(item, tensor) is not { } harvest)
                {
                    foreach (string path in FilePattern.Expand([item]))
                        if (seen.Add(Path.GetFullPath(path))) opened.Add(ActivationFile.Open(path, tensor));
                }
                else if (seen.Add(Path.GetFullPath(harvest.Name)))
                {
                    opened.Add(harvest);
                }
                else
                {
                    harvest.Dispose();
                }
            }

            return new ActivationFiles(opened);
        }
        catch
        {
            foreach (IRowSource file in opened) file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        if (Synthetic is { } model)
        {
            model.Read(rows, destination);
            return;
        }

        for (int i = 0; i < rows.Length; i++)
        {
            int found = Array.BinarySearch(starts, rows[i]);
            int file = found >= 0 ? found : ~found - 1;
            files[file].ReadRow(rows[i] - starts[file], destination.Row(i));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IRowSource file in files) file.Dispose();
        Target?.Dispose();
    }
}
