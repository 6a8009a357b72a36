using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;
using Unweave.Cli.Rendering;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Onnx.Export;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave convert</c>: an autoencoder from the files of one library into those of another.</summary>
internal static class ConvertCommand
{
    private const string Native = "native", Onnx = "onnx";

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var from = new Argument<string>("IN")
        {
            Description = "Autoencoder of any library that is known: its folder or file, told by its content.",
        };
        var output = new Option<string>("--output", "-o") { HelpName = "FOLDER", Description = "Folder to write.", Required = true };
        var to = new Option<string>("--to")
        {
            HelpName = "NAME",
            Description = $"Whose files to write: {string.Join(", ", Targets)}.",
            DefaultValueFactory = _ => Native,
        };
        to.CompletionSources.Add([.. Targets]);
        var force = new Option<bool>("--force") { Description = "Write over files of the same names in the folder." };
        var command = new Command("convert",
            "Converts an autoencoder of one library into files of another.\n\nWhat was written is read again and must give the same codes "
            + "and reconstructions. What the other library cannot say is refused by its name.")
        {
            from, output, to, force,
        };
        var set = new SetFlag(command);
        var probe = new ProbeFlag(command);
        help.AddExamples(command, "unweave convert gemma-scope/ -o gemma/", "unweave convert sae/ --to sparsify -o shared/",
            "unweave convert shared/ --probe vectors.npy -o again/", "unweave convert sae/ --to onnx -o graphs/");
        command.SetAction((parsed, cancellationToken) =>
        {
            Run(parsed.GetValue(from)!, parsed.GetValue(output)!, parsed.GetValue(to)!, parsed.GetValue(force), set.Read(parsed),
                probe, parsed,
                parsed.GetValue(json), cancellationToken);
            return Task.CompletedTask;
        });
        return command;
    }

    private static IEnumerable<string> Targets => [Native, .. Dialect.All.Select(dialect => dialect.Name), Onnx];

    private static void Run(string from, string output, string to, bool force, IReadOnlyDictionary<string, string> given, ProbeFlag probe,
        ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        IDialect? dialect = Dialect.Find(to);
        if (dialect is null && to is not (Native or Onnx))
            throw new InputException($"--to is {to}; give one of {string.Join(", ", Targets)}.");
        using SparseAutoencoder autoencoder = ForeignAutoencoder.Open(from, given);
        LoadProbe? measured = probe.Run(parsed, autoencoder, cancellationToken);
        string made = Path.TrimEndingDirectorySeparator(Path.GetFullPath(output)) + $".partial-{Environment.ProcessId}";
        string[] files;
        double error;
        try
        {
            Directory.CreateDirectory(made);
            error = to is Onnx ? Exported(autoencoder, made) : Written(autoencoder, dialect, made, given);
            cancellationToken.ThrowIfCancellationRequested();
            files = Put(made, output, force);
        }
        finally
        {
            if (Directory.Exists(made)) Directory.Delete(made, recursive: true);
        }

        if (json)
        {
            JsonObject result = ForeignAutoencoder.ToJson(autoencoder);
            result["output"] = output;
            result["to"] = to;
            result["files"] = new JsonArray([.. files.Select(file => (JsonNode)file)]);
            result["largestDifference"] = error;
            result["probe"] = ProbeFlag.ToJson(measured);
            Screen.WriteJson(result);
            return;
        }

        ForeignAutoencoder.Write(autoencoder);
        ProbeFlag.Write(measured);
        string form = dialect?.Title ?? (to is Onnx ? "ONNX graphs" : "Unweave");
        Console.Out.WriteLine($"Written to {output} as {form}: {string.Join(", ", files)}.");
        Console.Out.WriteLine($"{(to is Onnx ? "In ONNX Runtime" : "Read again")} it gives the same codes and reconstructions "
            + $"(largest difference {Figures.Short(error)} of their scale).");
    }

    private static double Written(SparseAutoencoder autoencoder, IDialect? dialect, string made, IReadOnlyDictionary<string, string> given)
    {
        if (dialect is null) autoencoder.Save(made);
        else dialect.Write(autoencoder, made);
        using SparseAutoencoder written = dialect is null ? SparseAutoencoder.Load(made) : Dialect.Read(made, given);
        return Difference(autoencoder, x =>
        {
            SparseCodes codes = written.Encode(x);
            using var reconstruction = new Matrix(x.Rows, written.OutputWidth);
            written.Decode(codes, x, reconstruction);
            return (Dense(codes), reconstruction.AsSpan().ToArray());
        });
    }

    private static double Exported(SparseAutoencoder autoencoder, string made)
    {
        AutoencoderExport.Write(autoencoder, made);
        return Difference(autoencoder, x => ExportedAutoencoder.Run(made, x));
    }

    /// <summary>
    /// How far codes and reconstructions of made-up rows of several scales are from those of what was written. Sums in another order may
    /// decide a latent otherwise that is at its threshold within rounding: a few rows may have one or two such latents.
    /// </summary>
    private static double Difference(SparseAutoencoder autoencoder, Func<Matrix, (float[] Codes, float[] Reconstruction)> written)
    {
        const int Rows = 64, MostUndecided = 4, LatentsUndecided = 2;
        const double Allowed = 1e-3; // far above rounding, far below what a lost norm, threshold or bias does
        float[] lengths = [0.3f, 1, 3, 10];
        using Matrix x = new(Rows, autoencoder.InputWidth), expected = new(Rows, autoencoder.OutputWidth);
        var rng = new Rng(1);
        for (int row = 0; row < Rows; row++)
        {
            float length = lengths[row % lengths.Length] / autoencoder.InputScale;
            foreach (ref float value in x.Row(row)) value = (float)rng.NextNormal() * length;
        }

        SparseCodes codes = autoencoder.Encode(x);
        autoencoder.Decode(codes, x, expected);
        float[] dense = Dense(codes);
        (float[] foundCodes, float[] found) = written(x);
        if (foundCodes.Length != dense.Length || found.Length != expected.AsSpan().Length) throw Differs(double.PositiveInfinity);
        double codeScale = Largest(dense), scale = Largest(expected.AsSpan()), error = 0;
        int undecided = 0;
        for (int row = 0; row < Rows; row++)
        {
            int first = row * codes.DictionarySize;
            ReadOnlySpan<float> own = dense.AsSpan(first, codes.DictionarySize);
            ReadOnlySpan<float> other = foundCodes.AsSpan(first, codes.DictionarySize);
            double rowError = Math.Max(Error(own, other, codeScale),
                Error(expected.Row(row), found.AsSpan(row * autoencoder.OutputWidth, autoencoder.OutputWidth), scale));
            int others = 0;
            for (int i = 0; i < own.Length; i++)
                if (own[i] == 0 != (other[i] == 0)) others++;
            if (rowError > Allowed && others is > 0 and <= LatentsUndecided && ++undecided <= MostUndecided) continue;
            error = Math.Max(error, rowError);
        }

        return error <= Allowed ? error : throw Differs(error);

        static InvalidOperationException Differs(double error) => new(
            $"What was written gives other codes or reconstructions (by {error:G3} of their scale), so it is not kept.");
    }

    private static float[] Dense(SparseCodes codes)
    {
        float[] dense = new float[(long)codes.Rows * codes.DictionarySize];
        for (int row = 0; row < codes.Rows; row++)
            for (int i = 0; i < codes.RowCount(row); i++)
                dense[((long)row * codes.DictionarySize) + codes.Latents(row)[i]] = codes.Values(row)[i];
        return dense;
    }

    private static double Largest(ReadOnlySpan<float> values)
    {
        double largest = 0;
        foreach (float value in values) largest = Math.Max(largest, Math.Abs(value));
        return largest;
    }

    private static double Error(ReadOnlySpan<float> one, ReadOnlySpan<float> other, double scale)
    {
        double error = 0;
        for (int i = 0; i < one.Length; i++) error = Math.Max(error, Math.Abs(one[i] - other[i]));
        return scale == 0 ? error : error / scale;
    }

    /// <summary>Moves what was written into the folder; nothing that is there is lost unasked.</summary>
    private static string[] Put(string made, string output, bool force)
    {
        string[] files = [.. Directory.EnumerateFiles(made, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(made, file)).Order(StringComparer.Ordinal)];
        if (File.Exists(output)) throw new InputException($"{output} is a file; name a folder with -o.");
        string? there = files.Select(file => Path.Combine(output, file)).FirstOrDefault(File.Exists);
        if (there is not null && !force)
            throw new InputException($"{there} is there already; choose another folder with -o, or write over it with --force.");
        foreach (string file in files)
        {
            string target = Path.Combine(output, file);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
            File.Move(Path.Combine(made, file), target, overwrite: true);
        }

        return files;
    }
}
