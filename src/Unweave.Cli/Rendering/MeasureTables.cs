using System.Globalization;
using Spectre.Console;
using Unweave.Evaluation;

namespace Unweave.Cli.Rendering;

/// <summary>What was measured, a table a measure, a row a coder.</summary>
internal static class MeasureTables
{
    /// <summary>Why TPP and SCR are not to be relied on.</summary>
    public const string Unreliable = "TPP and SCR are unreliable: an audit (arXiv 2605.18229) found that they order autoencoders "
        + "differently from sample to sample, and change with what has nothing to do with latents. Prefer probing and absorption.";

    /// <summary>Writes the tables.</summary>
    public static void Write(MeasureResult result)
    {
        Console.Out.WriteLine($"{result.Where}:");
        if (result.Reconstruction.Count > 0) Reconstruction(result);
        foreach (ProbeResult set in result.Probing) Probing(set, result.Autoencoders);
        if (result.Absorption is { } absorption) Absorption(absorption, result.Autoencoders);
        if (result.Stability.Count > 0) Stability(result.Stability);
        if (result.Projection.Count > 0) Projection(result);
        foreach (RemovalResult removal in result.Removal) Removal(removal, result);
        foreach (string note in result.Notes) Console.Out.WriteLine(note);
    }

    private static void Reconstruction(MeasureResult result)
    {
        bool outliers = result.Reconstruction.Any(report => report.OutlierRows > 0);
        string[] headings = outliers ? ["FVU", "FVU without outliers", "cosine", "L0", "dead"] : ["FVU", "cosine", "L0", "dead"];
        Table(headings, result.Coders.Select((coder, i) =>
        {
            EvaluationReport report = result.Reconstruction[i];
            string dead = report.Dead is { } silent ? Figures.Count(silent) : "";
            string[] ends = [Short(report.Cosine), report.L0 is { } l0 ? Short(l0) : "", dead];
            return (coder, i < result.Autoencoders, (string[])(outliers
                ? [Short(report.Fvu), report.OrdinaryFvu is { } ordinary ? Short(ordinary) : "", .. ends]
                : [Short(report.Fvu), .. ends]));
        }));
        EvaluationReport first = result.Reconstruction[0];
        string outlying = first.OutlierRows is { } rows and > 0
            ? $"; {Figures.Count(rows)} of them are outliers, over 10 times as long as half of the rows are"
            : "";
        Console.Out.WriteLine($"Reconstruction of {Figures.Count(first.Rows)} rows{outlying}.");
    }

    private static void Probing(ProbeResult set, int autoencoders)
    {
        Table([.. SparseProbing.Sizes.Select(k => $"{k} latent{(k == 1 ? "" : "s")}")],
        [
            .. set.Coders.Select((coder, i) => (coder.Coder, i < autoencoders, SparseProbing.Sizes.Select(k => Spread(coder.Accuracies[k]))
                .ToArray())),
            ("smallest difference that shows", false, [.. SparseProbing.Sizes.Select(k => Percent(set.SmallestDifference(k)))]),
        ]);
        string left = set.ClassesLeftOut > 0 ? $", {set.ClassesLeftOut} classes with too few texts left out" : "";
        Console.Out.WriteLine($"{set.Name}: accuracy of k-sparse probes over {set.Classes.Count} "
            + $"{(set.Classes.Count == 1 ? "class" : "classes")} of {Figures.Count(set.Texts)} texts{left}, a guess being right in 50%; ± "
            + $"is the deviation over {set.Dense.Length} splits.");
        Console.Out.WriteLine($"A probe on the raw vectors reaches {Spread(set.Dense)}.");
    }

    private static void Absorption(AbsorptionResult absorption, int autoencoders)
    {
        if (absorption.Refused is { } refused)
        {
            Console.Out.WriteLine($"No absorption: of {Figures.Count(absorption.Words)} words, {refused}.");
            return;
        }

        Table(["absorption fraction", "full absorption", "main latents"], absorption.Coders.Select((coder, i) => (
            coder.Coder, i < autoencoders, (string[])[Spread(coder.Fractions), Spread(coder.Full), Short(coder.MainLatents)])));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"First letters of {absorption.Words:N0} words, over {absorption.LettersKept:0.#} letters whose probe on raw vectors is good ")
            + string.Create(CultureInfo.InvariantCulture, $"enough (mean F1 of all letters {absorption.ProbeF1:F2})."));
    }

    private static void Stability(IReadOnlyList<Stability> pairs)
    {
        Table(["mean cosine", "above 0.7", "above 0.9", "chance"], pairs.Select(pair => (
            $"{pair.First} and {pair.Second}", false,
            (string[])[Short(pair.MeanCosine), Figures.Percent(pair.Above7), Figures.Percent(pair.Above9), Short(pair.Chance)])));
        Console.Out.WriteLine("Latents matched one to one; chance is the mean cosine of as many random directions, at most 2,048.");
    }

    private static void Projection(MeasureResult result)
    {
        Table([.. DecoderProjection.Shares.Select(share => $"n = {share * 100:0}% of latents"), "mean |cosine| of latents"],
            result.Projection.Select(one => (one.Coder, true,
                (string[])[.. DecoderProjection.Shares.Select(share => Short(one.Values[share])), Short(one.PairCosine)])));
        double last = DecoderProjection.Shares[^1];
        Console.Out.WriteLine(result.Projection.Count < 2
            ? "n-th decoder projection: one value says little; compare autoencoders that differ in L0 alone, of which the least is nearest."
            : $"n-th decoder projection: the least is nearest the right L0, if they differ in L0 alone: "
                + $"{result.Projection.MinBy(one => one.Values[last])!.Coder}. "
                + "Those of less L0 are too sparse then, those of more too dense.");
    }

    private static void Removal(RemovalResult removal, MeasureResult result)
    {
        Table([.. ConceptRemoval.Sizes.Select(size => $"N = {size}")], result.Coders.Select((coder, i) => (
            coder, i < result.Autoencoders, ConceptRemoval.Sizes.Select(size => Short(removal.Scores[i][size].Total)).ToArray())));
        Console.Out.WriteLine($"{removal.Kind.ToUpperInvariant()} on {removal.Name}. {Unreliable}");
    }

    private static void Table(string[] headings, IEnumerable<(string Name, bool Bold, string[] Cells)> rows)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        foreach (string heading in headings) table.AddColumn(Heading.Words(heading).RightAligned());
        foreach ((string name, bool bold, string[] cells) in rows)
            table.AddRow(
                [.. cells.Prepend(name).Select(cell => new Markup(bold ? $"[bold]{Markup.Escape(cell)}[/]" : Markup.Escape(cell)))]);
        Screen.Results.Write(table);
    }

    private static string Spread(double[] values)
    {
        double mean = values.Average(), squares = values.Sum(value => (value - mean) * (value - mean));
        double deviation = Math.Sqrt(squares / Math.Max(1, values.Length - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean * 100:F1}% ± {deviation * 100:F1}");
    }

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:F1}%");

    private static string Short(double value) => double.IsFinite(value) ? Figures.Short(value) : "";
}
