using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of several files of vectors, one file after the other, as one source.</summary>
public sealed class ActivationFiles : IActivationSource
{
    private readonly IReadOnlyList<ActivationFile> files;
    private readonly long[] starts;

    private ActivationFiles(IReadOnlyList<ActivationFile> files)
    {
        this.files = files;
        starts = new long[files.Count];
        for (int i = 0; i < files.Count; i++)
        {
            starts[i] = Rows;
            Rows = checked(Rows + files[i].Rows);
            if (files[i].Width != files[0].Width) throw new InputException($"{files[0].Name} has vectors of width {files[0].Width}, but {files[i].Name} of width {files[i].Width}; train on files of one model and layer.");
        }

        Name = files.Count == 1 ? files[0].Name : $"{files[0].Name} … {files[^1].Name} ({files.Count} files)";
    }

    /// <inheritdoc/>
    public int Width => files[0].Width;

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The files, in the order of their rows.</summary>
    public IReadOnlyList<string> Paths => [.. files.Select(file => file.Name)];

    /// <summary>Opens files of vectors.</summary>
    /// <param name="pathsOrGlobs">
    /// Paths, or patterns with <c>*</c>, <c>?</c> and <c>**</c> (any number of folders), whose files are taken in ordinal order. A file named
    /// twice is read once.
    /// </param>
    /// <param name="tensor">The tensor or column to read from each; null takes the only one that holds vectors.</param>
    /// <exception cref="InputException">A path or pattern names nothing, a file cannot be used, or widths differ.</exception>
    public static ActivationFiles Open(IReadOnlyList<string> pathsOrGlobs, string? tensor = null)
    {
        ArgumentNullException.ThrowIfNull(pathsOrGlobs);
        if (pathsOrGlobs.Count == 0) throw new InputException("No data is named; give a file of vectors or a pattern such as data/*.npy.");
        var opened = new List<ActivationFile>();
        try
        {
            foreach (string path in FilePattern.Expand(pathsOrGlobs)) opened.Add(ActivationFile.Open(path, tensor));
            return new ActivationFiles(opened);
        }
        catch
        {
            foreach (ActivationFile file in opened) file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
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
        foreach (ActivationFile file in files) file.Dispose();
    }
}
