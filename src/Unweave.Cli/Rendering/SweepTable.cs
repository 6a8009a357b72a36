using System.Globalization;
using Spectre.Console;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli.Rendering;

/// <summary>A sweep for people: what it is, and the table of its autoencoders.</summary>
internal static class SweepTable
{
    /// <summary>How many autoencoders it has, and in how many passes over the data.</summary>
    public static string Describe(SweepFile file)
    {
        int passes = file.Passes.Count;
        string count = file.Points.Count == 1 ? "one autoencoder" : $"{Figures.Count(file.Points.Count)} autoencoders";
        if (passes == 1) return $"{count} in one pass over the data";
        bool orders = file.Points.Select(point =>
            (point.Options.Seed, point.Options.Validation, point.Options.Batch, point.Options.InputScaling)).Distinct().Count() > 1;
        string why = (orders, file.Options.AtOnce > 0) switch
        {
            (true, true) => $", because of atOnce and because seed, validation, batch or input scaling differ",
            (true, false) => ", because seed, validation, batch or input scaling differ",
            _ => $", {file.Options.AtOnce} at once",
        };
        return $"{count} in {Figures.Count(passes)} passes over the data{why}";
    }

    /// <summary>The table of what was found.</summary>
    public static Table Make(SweepRecord record)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn(Heading.Words("autoencoder"));
        bool recovered = record.Points.Any(point => point.Recovered is not null);
        foreach (string heading in (string[])["L0", "FVU", .. recovered ? ["CE recovered"] : (string[])[], "dead", "minutes"])
            table.AddColumn(Heading.Number(heading));
        table.AddColumn(Heading.Words("status"));
        foreach (SweepEntry point in record.Points)
        {
            table.AddRow(
                [
                    Markup.Escape(point.Folder), Number(point.L0, Figures.Short), Number(point.Fvu, Figures.Short),
                    .. recovered ? [Number(point.Recovered, Figures.Percent)] : (string[])[], Number(point.Dead, Figures.Percent),
                    Number(point.Minutes, minutes => minutes.ToString("F1", CultureInfo.InvariantCulture)), Markup.Escape(Status(point)),
                ]);
        }

        return table;
    }

    /// <summary>How far one is.</summary>
    public static string Status(SweepEntry point) => point.Status switch
    {
        SweepStatus.Waiting => "waiting",
        SweepStatus.Finished => "finished",
        SweepStatus.Diverged => "diverged",
        SweepStatus.Stopped => $"stopped at step {Figures.Count(point.Step)} of {Figures.Count(point.Steps)}",
        _ => $"at step {Figures.Count(point.Step)} of {Figures.Count(point.Steps)}",
    };

    private static string Number(double? value, Func<double, string> write) => value is { } known ? write(known) : "";
}
