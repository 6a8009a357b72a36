using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

/// <summary>Harvests made up for tests.</summary>
internal static class Made
{
    /// <summary>Two hooks, of widths 3 and 5, in 32-bit floats.</summary>
    public static HarvestManifest Manifest(int rowsPerShard) => new()
    {
        Model = new("model.onnx", "11"),
        Tokenizer = new("tokenizer.json", "22"),
        Corpus = new("corpus/", "33"),
        Hooks = [new("blocks.2", 3), new("layer/5:out", 5)],
        ElementType = ElementType.Float32,
        ContextLength = 64,
        KeepsStart = false,
        RowsPerShard = rowsPerShard,
        Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["precision"] = "float32", ["batch"] = "8" },
    };

    /// <summary>All files below a folder with their content, but for the lock of a writer.</summary>
    public static SortedDictionary<string, string> Tree(string folder) => new(
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(path => !path.EndsWith(".lock", StringComparison.Ordinal))
            .ToDictionary(path => Path.GetRelativePath(folder, path), path => Convert.ToHexString(File.ReadAllBytes(path)),
                StringComparer.Ordinal),
        StringComparer.Ordinal);

    /// <summary>Copies a folder as it is now: what a killed writer would leave.</summary>
    public static void Copy(string from, string to)
    {
        if (Directory.Exists(to)) Directory.Delete(to, recursive: true);
        Directory.CreateDirectory(to);
        foreach (string sub in Directory.GetDirectories(from)) Copy(sub, Path.Combine(to, Path.GetFileName(sub)));
        foreach (string file in Directory.GetFiles(from))
            if (!file.EndsWith(".lock", StringComparison.Ordinal)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    /// <summary>A row with what belongs to it.</summary>
    public sealed record Row(long Document, int Token, int Position, float[][] Activations);

    /// <summary>Documents of given lengths, whose values follow from their numbers.</summary>
    public sealed class Documents
    {
        private readonly HarvestManifest manifest;
        private readonly (long Number, Row[] Rows)[] all;

        public Documents(HarvestManifest manifest, int[] lengths, long first = 0, int step = 1)
        {
            this.manifest = manifest;
            all =
            [
                .. lengths.Select((length, i) =>
                    (Number: first + (i * step),
                        Rows: Enumerable.Range(0, length).Select(position => Make(first + (i * step), position)).ToArray())),
            ];
        }

        /// <summary>All rows, in order.</summary>
        public IReadOnlyList<Row> Rows => [.. all.SelectMany(document => document.Rows)];

        /// <summary>Appends all documents from the writer's next one on, completes the harvest and disposes the writer.</summary>
        public void Write(HarvestWriter writer, int piece = int.MaxValue, Action<HarvestWriter>? before = null, bool fromKept = false)
        {
            using (writer)
            {
                foreach ((long number, Row[] rows) in all)
                {
                    if (number < writer.NextDocument) continue;
                    Append(writer, number, rows, fromKept && number == writer.NextDocument ? (int)writer.NextDocumentRows : 0, piece,
                        before);
                }

                before?.Invoke(writer);
                writer.Complete();
            }
        }

        /// <summary>Appends some documents.</summary>
        public void Append(HarvestWriter writer, int from, int to)
        {
            foreach ((long number, Row[] rows) in all[from..to]) Append(writer, number, rows, 0, int.MaxValue, null);
        }

        private void Append(HarvestWriter writer, long number, Row[] rows, int first, int piece, Action<HarvestWriter>? before)
        {
            for (int at = first; at == first || at < rows.Length; at += piece)
            {
                Row[] some = rows[at..(int)Math.Min(rows.Length, (long)at + piece)];
                Matrix[] activations =
                [
                    .. manifest.Hooks.Select((hook, i) =>
                        new Matrix(some.Length, hook.Width, some.SelectMany(row => row.Activations[i]).ToArray())),
                ];
                before?.Invoke(writer);
                writer.Append(number, $"document {number}.txt", some.Select(row => row.Token).ToArray(),
                    some.Select(row => row.Position).ToArray(), activations, at);
                foreach (Matrix matrix in activations) matrix.Dispose();
                if (piece == int.MaxValue) break;
            }
        }

        private Row Make(long document, int position)
        {
            var rng = new Rng((ulong)document, (ulong)position);
            return new(document, (int)rng.NextBelow(50_000), position % manifest.ContextLength,
                [.. manifest.Hooks.Select(hook => Enumerable.Range(0, hook.Width).Select(_ => (float)rng.NextNormal()).ToArray())]);
        }
    }
}
