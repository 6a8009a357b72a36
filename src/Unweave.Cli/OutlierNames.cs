using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Cli;

/// <summary>Outlier rows that are alike: of one token at one position of its window.</summary>
/// <param name="Position">Position in the window, 0 being its first token; null where the rows are of no harvest.</param>
/// <param name="Token">The token, as a list of tokens names it, or its id; null where the rows are of no harvest.</param>
/// <param name="Row">The first of them, by its place in the data.</param>
/// <param name="Rows">How many there are.</param>
/// <param name="Times">How many times as long as half of the rows are the longest of them is.</param>
internal sealed record OutlierGroup(int? Position, string? Token, long Row, int Rows, double Times)
{
    /// <summary>In words.</summary>
    public string Describe()
    {
        string what = Token is null ? $"row {Figures.Count(Row)}" : $"{Token} at position {Position}";
        return $"{what}{(Rows > 1 ? $", {Figures.Count(Rows)} rows" : "")}, up to {Figures.Short(Times)} times as long";
    }
}

/// <summary>Says which rows are outliers: attention sinks and start tokens have a position and a token of their own.</summary>
internal static class OutlierNames
{
    /// <summary>Groups the outliers of a report, those with the longest rows first.</summary>
    /// <param name="report">The report.</param>
    /// <param name="measured">The rows that it is of.</param>
    /// <param name="source">The files that they are rows of.</param>
    /// <param name="run">The run, whose tokenizer names tokens where it is there.</param>
    public static IReadOnlyList<OutlierGroup> Of(EvaluationReport report, IActivationSource measured, ActivationFiles source, RunFolder run)
    {
        if (report.Outliers.Count == 0) return [];
        HarvestSource? harvest = source.Harvests is [var only] && only.Rows == source.Rows ? only : null;
        Func<int, string> name = harvest is null ? _ => "" : Names(run);
        return
        [
            .. report.Outliers
                .Select(outlier => (Row: measured is RowSubset some ? some.PositionOf(outlier.Row) : outlier.Row, outlier.Times))
                .GroupBy(outlier => harvest is null ? (-1L, -1) : Place(harvest.Harvest, outlier.Row))
                .SelectMany(group => harvest is null ? group.Select(one => (IEnumerable<(long Row, double Times)>)[one]) : [group])
                .Select(group =>
                {
                    (long row, double times) = group.MaxBy(one => one.Times);
                    if (harvest is null) return new OutlierGroup(null, null, row, 1, times);
                    (int token, _, int position) = harvest.Harvest.Row(row);
                    return new OutlierGroup(position, name(token), row, group.Count(), times);
                })
                .OrderByDescending(group => group.Times).ThenBy(group => group.Row),
        ];
    }

    /// <summary>The groups as JSON.</summary>
    public static JsonArray ToJson(IReadOnlyList<OutlierGroup> groups) =>
    [
        .. groups.Select(group => (JsonNode)new JsonObject
        {
            ["position"] = group.Position,
            ["token"] = group.Token,
            ["row"] = group.Row,
            ["rows"] = group.Rows,
            ["times"] = group.Times,
        }),
    ];

    private static (long, int) Place(Harvest harvest, long row)
    {
        (int token, _, int position) = harvest.Row(row);
        return (token, position);
    }

    // The tokenizer only makes it readable; where it has gone, ids do.
    private static Func<int, string> Names(RunFolder run)
    {
        try
        {
            if (run.Host?.TokenizerPath is { } path && File.Exists(run.Locate(path)))
            {
                ITokenizer tokenizer = TokenizerFile.Open(run.Locate(path), false);
                return token => $"\u201C{tokenizer.TokenName(token).ReplaceLineEndings("\u23CE")}\u201D";
            }
        }
        catch (InputException)
        {
        }

        return token => FormattableString.Invariant($"token {token}");
    }
}
