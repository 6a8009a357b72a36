using Unweave.Autoencoders;

namespace Unweave.Checkpoints.Dialects;

/// <summary>The dialects, and how a checkpoint's is told.</summary>
internal static class Dialect
{
    private const int DeepestFolder = 4, MostFolders = 10_000;

    /// <summary>Every dialect.</summary>
    public static IReadOnlyList<IDialect> All { get; } =
    [
        new SaeLensDialect(),
        new SaeLensFlatDialect(),
        new SparsifyDialect(),
        new DictionaryLearningDialect(),
        new CrosscoderLearningDialect(),
        new OpenAIDialect(),
        new SentenceTransformersDialect(),
        new CsrDialect(),
        new GemmaScopeDialect(),
        new CircuitTracerDialect(),
        new LlamaScopeDialect(),
        new LmSaesDialect(),
        new LlamaScopiumDialect(),
        new OvercompleteDialect(),
        new LinearPairDialect("goodfire", "Goodfire", "encoder_linear", "decoder_linear"),
        new LinearPairDialect("deepseek_r1", "DeepSeek-R1 autoencoders", "encoder", "decoder"),
        new ConnorRobDialect(),
    ];

    /// <summary>The dialect of a name, or null.</summary>
    public static IDialect? Find(string name) => All.FirstOrDefault(dialect => string.Equals(dialect.Name, name, StringComparison.Ordinal));

    /// <summary>Reads the autoencoder in a folder or file, whatever its dialect.</summary>
    /// <param name="path">
    /// A file, or a folder; when a folder holds no checkpoint itself, the one in its folders is read, unless there are several.
    /// </param>
    /// <param name="given">What its files do not say, by key; null for nothing.</param>
    /// <exception cref="InputException">None or several dialects recognize it, or it cannot be read; the message says which.</exception>
    public static SparseAutoencoder Read(string path, IReadOnlyDictionary<string, string>? given = null)
    {
        if (!File.Exists(path) && !Directory.Exists(path)) throw new InputException($"{path}: there is no such file or folder.");
        using CheckpointFiles files = Locate(path, given, out IDialect dialect);
        return dialect.Read(files);
    }

    /// <summary>The dialect of a folder or file, told without reading weights; null where it is none of them.</summary>
    /// <exception cref="InputException">Several dialects recognize it, or a file of it is damaged.</exception>
    public static IDialect? Tell(string path)
    {
        if (!File.Exists(path) && !Directory.Exists(path)) return null;
        using CheckpointFiles? files = TryOpen(path, given: null, out IDialect? dialect, out _);
        return files is null ? null : dialect;
    }

    private static CheckpointFiles Locate(string path, IReadOnlyDictionary<string, string>? given, out IDialect dialect)
    {
        InputException? damage;
        try
        {
            if (TryOpen(path, given, out dialect!, out damage) is { } here) return here;
            string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
            if (File.Exists(path) && Path.GetFileName(folder) is CheckpointFiles.Inner && Path.GetDirectoryName(folder) is { } around
                && TryOpen(around, given, out dialect!, out _) is { } outer)
                return outer;
            if (Directory.Exists(path))
            {
                string[] found = [.. Folders(path).Where(Holds).Take(4)];
                if (found.Length == 1) return TryOpen(found[0], given, out dialect!, out _)!;
                if (found.Length > 1)
                {
                    throw new InputException($"{path}: holds more than one checkpoint; name one of "
                        + $"{string.Join(", ", found.Take(3))}{(found.Length > 3 ? ", …" : "")}.");
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }

        string cause = damage is null ? "" : $" ({damage.Message.TrimEnd('.')})";
        throw new InputException($"{path}: holds no autoencoder of a known kind{cause}; looked for "
            + $"{AutoencoderFile.FileName} (Unweave), {string.Join("; ", All.Select(known => $"{known.Signature} ({known.Title})"))}.");
    }

    private static CheckpointFiles? TryOpen(
        string path, IReadOnlyDictionary<string, string>? given, out IDialect? dialect, out InputException? damage)
    {
        var files = new CheckpointFiles(path, given);
        try
        {
            IDialect[] of = [.. All.Where(known => known.Recognizes(files))];
            if (of.Length > 1)
            {
                throw new InputException($"{path}: looks like {string.Join(" and like ", of.Select(known => $"{known.Title} "
                    + $"({known.Signature})"))}; keep the files of one of them alone in a folder, or name the file.");
            }

            dialect = of.FirstOrDefault();
            damage = files.Damage;
            if (dialect is not null) return files;
            if (files.Refusal is { } refusal) throw refusal;
            files.Dispose();
            return null;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    private static bool Holds(string folder)
    {
        using CheckpointFiles? files = TryOpen(folder, given: null, out _, out _);
        return files is not null;
    }

    private static IEnumerable<string> Folders(string path) => Directory
        .EnumerateDirectories(path, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = DeepestFolder - 1 })
        .Take(MostFolders)
        .Order(StringComparer.Ordinal);
}
