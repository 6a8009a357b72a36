using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;
using Unweave.Cli.Rendering;
using Unweave.Evaluation;
using Unweave.Formats;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave inspect</c>: what is in a checkpoint, an array or a file of vectors.</summary>
internal static class InspectCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Files: safetensors, npy, npz, torch or Parquet; or the folder or file of an autoencoder of any library.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("inspect", "Shows the tensors of a file, and what an autoencoder is.\n\n"
            + "Names, types, shapes and statistics of tensors, and where there are NaNs; of another library's autoencoder whose it is, "
            + "what it computes, what was folded into its weights and what its files say of where it comes from.")
        {
            paths,
        };
        var set = new SetFlag(command);
        var probe = new ProbeFlag(command);
        help.AddExamples(command, "unweave inspect vectors.npy", "unweave inspect sae/", "unweave inspect gemma-scope/");
        command.SetAction((parsed, cancellationToken) =>
        {
            bool asJson = parsed.GetValue(json);
            var results = new JsonArray();
            foreach (string path in parsed.GetValue(paths) ?? [])
            {
                if (Autoencoder(path, set.Read(parsed)) is { } autoencoder)
                {
                    using (autoencoder)
                    {
                        LoadProbe? measured = probe.Run(parsed, autoencoder, cancellationToken);
                        if (asJson) results.Add(ToJson(autoencoder, path, measured, cancellationToken));
                        else Write(autoencoder, path, measured, cancellationToken);
                    }

                    continue;
                }

                string file = Directory.Exists(path) ? Path.Combine(path, AutoencoderFile.FileName) : path;
                if (asJson) results.Add(ToJson(file, cancellationToken));
                else Write(file, cancellationToken);
            }

            if (asJson) Screen.WriteJson(new JsonObject { ["files"] = results });
            return Task.CompletedTask;
        });
        return command;

        // One of our own is asked for only where it is to be measured: its file says the rest.
        SparseAutoencoder? Autoencoder(string path, IReadOnlyDictionary<string, string> given)
        {
            bool own = File.Exists(Path.Combine(path, AutoencoderFile.FileName));
            if (own) return null;
            if (Directory.Exists(path) || given.Count > 0 || Dialect.Tell(path) is not null) return ForeignAutoencoder.Open(path, given);
            return null;
        }
    }

    private static void Write(SparseAutoencoder autoencoder, string path, LoadProbe? measured, CancellationToken cancellationToken)
    {
        Screen.Results.MarkupLine($"[bold]{Markup.Escape(path)}[/]");
        ForeignAutoencoder.Write(autoencoder);
        ProbeFlag.Write(measured);
        foreach (string file in Files(path)) Write(file, cancellationToken);
    }

    private static JsonObject ToJson(SparseAutoencoder autoencoder, string path, LoadProbe? measured, CancellationToken cancellationToken)
    {
        JsonObject json = ForeignAutoencoder.ToJson(autoencoder);
        json["path"] = path;
        json["probe"] = ProbeFlag.ToJson(measured);
        json["files"] = new JsonArray([.. Files(path).Select(file => (JsonNode)ToJson(file, cancellationToken))]);
        return json;
    }

    // The files of tensors; in folders below only where there are none in the folder itself.
    private static IEnumerable<string> Files(string path)
    {
        if (!Directory.Exists(path)) return [path];
        string[] here = [.. Tensors(SearchOption.TopDirectoryOnly)];
        return here.Length > 0 ? here : Tensors(SearchOption.AllDirectories);

        IEnumerable<string> Tensors(SearchOption option) => Directory.EnumerateFiles(path, "*", option)
            .Where(file => Path.GetExtension(file) is ".safetensors" or ".pt" or ".pth" or ".bin" or ".npz").Order(StringComparer.Ordinal);
    }

    private static void Write(string path, CancellationToken cancellationToken)
    {
        using TensorFile file = TensorFile.Open(path);
        Screen.Results.MarkupLine($"[bold]{Markup.Escape(path)}[/]  {file.Format}, {Figures.Bytes(new FileInfo(path).Length)}");
        foreach ((string key, string value) in file.Metadata.Where(entry => !entry.Key.Contains("sha256", StringComparison.Ordinal)))
            Console.Out.WriteLine(Cut($"  {key}: {value}"));
        if (Verified(file)) Console.Out.WriteLine("  checksum: matches the data");
        Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("tensor")).AddColumn(Heading.Words("type"))
            .AddColumn(Heading.Words("shape").NoWrap());
        foreach (string heading in (string[])["min", "max", "mean", "std", "row norm", "zeros"])
            table.AddColumn(new TableColumn(heading).RightAligned().NoWrap());
        var bad = new List<string>();
        foreach (TensorInfo tensor in file.Tensors)
        {
            var figures = TensorStatistics.Measure(file, tensor, cancellationToken);
            table.AddRow([
                new Text(tensor.Name.Length == 0 ? "(array)" : tensor.Name), new Text(tensor.Type.ToString()),
                new Text($"[{string.Join(", ", tensor.Shape)}]"),
                new Text(Figures.Short(figures.Minimum)), new Text(Figures.Short(figures.Maximum)), new Text(Figures.Short(figures.Mean)),
                new Text(Figures.Short(figures.StandardDeviation)),
                new Text(figures.MeanRowNorm is { } norm ? Figures.Short(norm) : ""),
                new Text(figures.Count == 0 ? "" : Figures.Percent((double)figures.Zeros / figures.Count))]);
            if (figures.FirstNonFinite is { } first)
                bad.Add(
                    $"{(tensor.Name.Length == 0 ? "The array" : tensor.Name)} has {Figures.Count(figures.NaNs)} NaNs and "
                    + $"{Figures.Count(figures.Infinities)} infinities; the first is {Position(tensor, first)}.");
        }

        Screen.Results.Write(table);
        foreach (string line in bad) Screen.Results.MarkupLine($"[yellow]{Markup.Escape(line)}[/]");
    }

    /// <summary>Checks the data against their checksum, where the file has one.</summary>
    /// <returns>True when it has one.</returns>
    /// <exception cref="InputException">They differ.</exception>
    private static bool Verified(TensorFile file)
    {
        if (file is not SafetensorsFile { HasChecksum: true } checkable) return false;
        checkable.Verify();
        return true;
    }

    /// <summary>A line no longer than the screen is wide.</summary>
    private static string Cut(string line)
    {
        line = line.ReplaceLineEndings(" ");
        return line.Length <= Screen.Results.Profile.Width ? line : line[..(Screen.Results.Profile.Width - 1)] + "…";
    }

    private static JsonObject ToJson(string path, CancellationToken cancellationToken)
    {
        using TensorFile file = TensorFile.Open(path);
        var metadata = new JsonObject();
        foreach ((string key, string value) in file.Metadata) metadata[key] = value;
        var tensors = new JsonArray();
        foreach (TensorInfo tensor in file.Tensors) tensors.Add(ToJson(tensor, TensorStatistics.Measure(file, tensor, cancellationToken)));
        return new JsonObject
        {
            ["path"] = path,
            ["format"] = file.Format,
            ["bytes"] = new FileInfo(path).Length,
            ["metadata"] = metadata,
            ["checksum"] = Verified(file) ? "matches" : null,
            ["tensors"] = tensors,
        };
    }

    private static JsonObject ToJson(TensorInfo tensor, TensorStatistics figures) => new()
    {
        ["name"] = tensor.Name,
        ["type"] = tensor.Type.ToString(),
        ["shape"] = new JsonArray([.. tensor.Shape.Select(length => JsonValue.Create(length))]),
        ["min"] = Number(figures.Minimum),
        ["max"] = Number(figures.Maximum),
        ["mean"] = Number(figures.Mean),
        ["std"] = Number(figures.StandardDeviation),
        ["meanRowNorm"] = figures.MeanRowNorm,
        ["zeros"] = figures.Zeros,
        ["nans"] = figures.NaNs,
        ["infinities"] = figures.Infinities,
        ["firstNonFinite"] = figures.FirstNonFinite,
    };

    /// <summary>A number, or null for NaN, which JSON does not have.</summary>
    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static string Position(TensorInfo tensor, long element) => tensor.Shape.Count == 2
        ? $"in row {Figures.Count(element / tensor.Shape[1])}, column {Figures.Count(element % tensor.Shape[1])} (from 0)"
        : $"element {Figures.Count(element)} (from 0)";
}
