using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave bench step</c>: the time of a whole training step and of its phases.</summary>
internal static class BenchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var bench = new Command("bench", "Times the kernels on this machine.") { Step(help, json) };
        help.AddExamples(bench, "unweave bench step --batch 2048 --d 768 --latents 12288 --k 32");
        return bench;
    }

    private static Command Step(Help help, Option<bool> json)
    {
        Option<int> batch = Number("--batch", 2048, "Rows of a batch."), width = Number("--d", 768, "Width of the vectors."),
            latents = Number("--latents", 12288, "Number of latents in the dictionary."), k = Number("--k", 32, "Latents kept active for each row."),
            auxK = Number("--auxk", 0, "Dead latents that model the residual (AuxK); with any, an eighth of the latents count as dead."),
            threads = Number("--threads", 0, "Threads; 0 takes one for each processor."), repeats = Number("--repeats", 9, "Steps to time, after two to warm up.");
        var step = new Command("step", "Times a whole training step of a TopK autoencoder: encode, decode, backward and Adam.") { batch, width, latents, k, auxK, threads, repeats };
        help.AddExamples(step, "unweave bench step --batch 2048 --d 768 --latents 12288 --k 32");
        step.SetAction(parsed =>
        {
            int At(Option<int> option, int least)
            {
                int value = parsed.GetValue(option);
                return value >= least ? value : throw new InputException($"{option.Name} is {value}; it must be at least {least}.");
            }

            StepFigures figures = StepBenchmark.Run(At(batch, 1), At(width, 1), At(latents, 1), At(k, 1), At(auxK, 0), At(threads, 0), At(repeats, 1));
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
        });
        return step;
    }

    private static Option<int> Number(string name, int value, string description) => new(name) { HelpName = "N", Description = description, DefaultValueFactory = _ => value };

    private static void Write(StepFigures figures)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kernels {figures.Kernels} threads {figures.Threads}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step median_ms {figures.Step.Median:F2} min_ms {figures.Step.Minimum:F2} tokens_per_s {figures.TokensPerSecond:F0}"));
        foreach ((string name, PhaseFigures phase) in Phases(figures))
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} median_ms {phase.Median:F2} min_ms {phase.Minimum:F2}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak_resident_mib {figures.PeakResidentBytes / 1048576.0:F0}"));
    }

    private static JsonObject ToJson(StepFigures figures)
    {
        var result = new JsonObject { ["kernels"] = figures.Kernels, ["threads"] = figures.Threads, ["step"] = ToJson(figures.Step) };
        foreach ((string name, PhaseFigures phase) in Phases(figures)) result[name] = ToJson(phase);
        result["tokensPerSecond"] = figures.TokensPerSecond;
        result["peakResidentBytes"] = figures.PeakResidentBytes;
        return result;
    }

    private static JsonObject ToJson(PhaseFigures phase) => new() { ["medianMs"] = phase.Median, ["minMs"] = phase.Minimum };

    private static (string Name, PhaseFigures Phase)[] Phases(StepFigures figures) =>
        [("encode", figures.Encode), ("decode", figures.Decode), ("backward", figures.Backward), ("update", figures.Update)];
}
