using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave synth</c>: synthetic models, whose true features are known, and what is counted in their rows.</summary>
internal static class SynthCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "The model, NAME or NAME,seed=N; left out, those that there are.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var rows = new Option<long>("--rows")
        {
            HelpName = "N",
            Description = "Rows to count in, or to write.",
            DefaultValueFactory = _ => 100_000,
        };
        var save = new Option<string?>("--save")
        {
            HelpName = "FOLDER",
            Description = "Write the rows, their true codes and the features: rows.npy, codes.npz, features.npy and bias.npy.",
        };
        var command = new Command("synth",
            "Shows synthetic models, whose true features are known.\n\n"
            + "Their rows are made as they are read: synth:NAME can be named wherever files of vectors can. What is counted in their rows "
            + "is shown beside what their definition says.")
        {
            name, rows, save,
        };
        help.AddExamples(command, "unweave synth", "unweave synth synth-1k --rows 20000",
            "unweave train synth:synth-1k --latents 256 --k 4 -o known/", "unweave eval known/");
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(name) is { } model)
            {
                Check(model, parsed.GetValue(rows), parsed.GetValue(save), parsed.GetValue(json), cancellationToken);
            }
            else
            {
                if (parsed.GetValue(save) is not null) throw new InputException("--save writes rows of a model; name one.");
                List(parsed.GetValue(json));
            }

            return Task.CompletedTask;
        });
        return command;
    }

    private static void List(bool json)
    {
        if (json)
        {
            Screen.WriteJson(new JsonObject { ["models"] = new JsonArray([.. SyntheticModelOptions.Named.Select(Describe)]) });
            return;
        }

        var table = new Table { Border = TableBorder.Simple };
        foreach (string title in (string[])["name", "features", "width", "trees", "levels", "children"]) table.AddColumn(title);
        table.AddColumn("scaled by parent");
        foreach (SyntheticModelOptions options in SyntheticModelOptions.Named)
        {
            table.AddRow(options.Name, Figures.Count(options.Features), Figures.Count(options.Width), Figures.Count(options.Roots),
                Figures.Count(options.Depth), Figures.Count(options.Branching), options.ScaledByParent ? "yes" : "no");
        }

        Screen.Results.Write(table);
        Console.Out.WriteLine("Train on one: unweave train synth:NAME --latents N --k K -o sae/");
    }

    private static JsonObject Describe(SyntheticModelOptions options) => new()
    {
        ["name"] = options.Name,
        ["seed"] = options.Seed,
        ["features"] = options.Features,
        ["width"] = options.Width,
        ["roots"] = options.Roots,
        ["branching"] = options.Branching,
        ["depth"] = options.Depth,
        ["scaledByParent"] = options.ScaledByParent,
    };

    private static void Check(string name, long rows, string? save, bool json, CancellationToken cancellationToken)
    {
        if (rows < 1) throw new InputException($"--rows is {rows}; counting needs at least one row.");
        SyntheticModelOptions options = SyntheticModelOptions.Parse(name);
        long started = TimeProvider.System.GetTimestamp();
        using var model = new SyntheticModel(options);
        TimeSpan made = TimeProvider.System.GetElapsedTime(started);
        var display = new RowsDisplay("counted", rows, TimeProvider.System);
        SyntheticStatistics found = SyntheticStatistics.Measure(model, rows, display, cancellationToken);
        RowsDisplay.Clear();
        if (save is not null) Save(model, rows, save, cancellationToken);
        if (json)
        {
            JsonObject result = Describe(options);
            foreach ((string key, double value) in Lines(found).SelectMany(line => line.Values)) result[key] = Finite(value);
            result["rows"] = rows;
            if (save is not null) result["saved"] = save;
            result["secondsToMake"] = Math.Round(made.TotalSeconds, 3);
            result["microsecondsPerRow"] = Math.Round(found.MicrosecondsPerRow, 3);
            Screen.WriteJson(result);
            return;
        }

        Console.Out.WriteLine($"{model.Name}: {Figures.Count(options.Features)} features in {options.Width} dimensions, made in "
            + $"{Figures.Short(made.TotalSeconds)} s; {Figures.Count(rows)} rows, {Figures.Short(found.MicrosecondsPerRow)} µs each.");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        table.AddColumn(Heading.Number("counted"));
        table.AddColumn(Heading.Number("by definition"));
        foreach ((string title, string counted, string expected, _) in Lines(found)) table.AddRow(title, counted, expected);
        Screen.Results.Write(table);
        if (save is not null) Console.Out.WriteLine($"Written to {save}: rows.npy, codes.npz, features.npy, bias.npy.");
    }

    // Rows and codes are made twice, a block of rows at a time, because each file is written from front to back.
    private static void Save(SyntheticModel model, long rows, string folder, CancellationToken cancellationToken)
    {
        const int Block = 1024;
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The folder {folder} cannot be made: {e.Message} Name another with --save.", e);
        }

        NpyWriter.Write(Path.Combine(folder, "features.npy"), model.Directions);
        NpyWriter.Write(Path.Combine(folder, "bias.npy"), model.Bias.ToArray());
        using var x = new Matrix(Block, model.Width);
        var codes = new SparseCodes(model.Directions.Rows);
        void Read(long first)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long[] positions = new long[(int)Math.Min(Block, rows - first)];
            for (int r = 0; r < positions.Length; r++) positions[r] = first + r;
            model.Read(positions, x, codes);
        }

        string path = Path.Combine(folder, "rows.npy");
        NpyWriter.Write(path, TensorToWrite.FromRows("", rows, model.Width, ElementType.Float32, (row, values) =>
        {
            if (row % Block == 0) Read(row);
            x.Row((int)(row % Block)).CopyTo(values);
        }));
        IEnumerable<SparseCodes> Blocks()
        {
            for (long first = 0; first < rows; first += Block)
            {
                Read(first);
                yield return codes;
            }
        }

        SparseCodesFile.Write(Path.Combine(folder, "codes.npz"), model.Directions.Rows, Blocks());
    }

    private static IEnumerable<(string Title, string Counted, string Expected, (string Key, double Value)[] Values)> Lines(
        SyntheticStatistics found)
    {
        yield return ("active features of a row (L0)", Figures.Short(found.L0), Figures.Short(found.ExpectedL0),
            [("l0", found.L0), ("expectedL0", found.ExpectedL0), ("lawL0", found.LawL0)]);
        yield return ("of them among the first quarter", Figures.Short(found.FirstQuarterL0), Figures.Short(found.ExpectedFirstQuarterL0),
            [("firstQuarterL0", found.FirstQuarterL0), ("expectedFirstQuarterL0", found.ExpectedFirstQuarterL0)]);
        yield return ("active without their parent", Figures.Count(found.Orphans), "0", [("orphans", found.Orphans)]);
        yield return ("active with a sibling", Figures.Count(found.Siblings), "0", [("siblings", found.Siblings)]);
        yield return ("firing probabilities: mean z²", Figures.Short(found.FiringChiSquare), "1",
            [("firingChiSquare", found.FiringChiSquare), ("firingFeatures", found.FiringFeatures)]);
        yield return ("firing probabilities: largest |z|", Figures.Short(found.LargestDeviation), "",
            [("largestDeviation", found.LargestDeviation)]);
        yield return ("pairs active together: slope", $"{Figures.Short(found.CorrelationSlope)} ± {Figures.Short(found.CorrelationError)}",
            "1", [("correlationSlope", found.CorrelationSlope), ("correlationError", found.CorrelationError)]);
        yield return ("root mean square cosine of directions", Figures.Short(found.RmsCosine), Figures.Short(found.LeastRmsCosine),
            [("rmsCosine", found.RmsCosine), ("leastRmsCosine", found.LeastRmsCosine)]);
        yield return ("mean largest cosine of a direction", Figures.Short(found.MeanLargestCosine), "",
            [("meanLargestCosine", found.MeanLargestCosine)]);
        yield return ("mean length of a row", Figures.Short(found.MeanNorm), "", [("meanNorm", found.MeanNorm)]);
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
