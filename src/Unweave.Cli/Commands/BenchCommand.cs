using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave bench</c>: the time of a whole training step and of its phases; of a harvest beside the model alone; of a survey of features beside a harvest.</summary>
internal static class BenchCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var bench = new Command("bench", "Times training steps, harvests and surveys of features on this machine.") { Step(help, json), Harvest(help, json), Features(help, json) };
        help.AddExamples(bench, "unweave bench step --batch 2048 --d 768 --latents 12288 --k 32", "unweave bench harvest");
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

    private static Command Harvest(Help help, Option<bool> json)
    {
        Option<int> tokens = Number("--tokens", 100_000, "Tokens of a round."), rounds = Number("--repeats", 5, "Rounds of each, in turn, after one to warm up.");
        var hook = new Option<string>("--hook") { HelpName = "HOOK", Description = "Where to read.", DefaultValueFactory = _ => EmbeddedModel.Hook };
        var harvest = new Command("harvest", "Times a whole harvest and ONNX Runtime alone on the same batches, in turn.") { tokens, rounds, hook };
        var host = new HostFlags(harvest);
        help.AddExamples(harvest, "unweave bench harvest", "unweave bench harvest --model gpt2/ --hook blocks.8 --text corpus/");
        harvest.SetAction((parsed, cancellation) =>
        {
            string path = host.ModelPath(parsed, EmbeddedModel.Folder);
            using OnnxHost model = OnnxHost.Open(path);
            HarvestFigures figures = HarvestBenchmark.Run(model, host.Tokenizer(parsed, path), model.FindOne(parsed.GetValue(hook)!), host.Corpus(parsed, EmbeddedModel.Corpus), Math.Max(1, parsed.GetValue(tokens)), Math.Max(1, parsed.GetValue(rounds)), cancellation);
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
            return Task.CompletedTask;
        });
        return harvest;
    }

    private static Command Features(Help help, Option<bool> json)
    {
        Option<int> tokens = Number("--tokens", 100_000, "Tokens of a round."), rounds = Number("--repeats", 5, "Rounds of each, in turn, after one to warm up."),
            latents = Number("--latents", 16_384, "Latents of the autoencoder."), k = Number("--k", 32, "Latents kept active for each row.");
        var hook = new Option<string>("--hook") { HelpName = "HOOK", Description = "Where to read.", DefaultValueFactory = _ => EmbeddedModel.Hook };
        var features = new Command("features", "Times a harvest, a survey of its features and a survey of the texts themselves, in turn.") { tokens, rounds, latents, k, hook };
        var host = new HostFlags(features);
        help.AddExamples(features, "unweave bench features", "unweave bench features --model gpt2/ --hook blocks.8 --text corpus/");
        features.SetAction((parsed, cancellation) =>
        {
            string path = host.ModelPath(parsed, EmbeddedModel.Folder);
            using OnnxHost model = OnnxHost.Open(path);
            Hook at = model.FindOne(parsed.GetValue(hook)!);
            using var autoencoder = new TopKAutoencoder(new TopKOptions { Latents = parsed.GetValue(latents), K = parsed.GetValue(k) }, at.Width, new Rng(0));
            SurveyFigures figures = SurveyBenchmark.Run(model, host.Tokenizer(parsed, path), at, host.Corpus(parsed, EmbeddedModel.Corpus), autoencoder, Math.Max(1, parsed.GetValue(tokens)), Math.Max(1, parsed.GetValue(rounds)), cancellation);
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
            return Task.CompletedTask;
        });
        return features;
    }

    private static void Write(SurveyFigures figures)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"threads {figures.Threads} rows {figures.Rows} latents {figures.Latents}"));
        foreach ((string name, HarvestTimes times) in ((string, HarvestTimes)[])[("harvest", figures.Harvest), ("survey_of_harvest", figures.FromHarvest), ("survey_of_texts", figures.FromTexts)])
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} median_ms {times.Median:F2} min_ms {times.Minimum:F2} tokens_per_s {times.TokensPerSecond:F0}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"survey_of_harvest_share {figures.HarvestShare:F3}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"survey_of_texts_share {figures.TextShare:F3}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak_resident_mib {figures.PeakResidentBytes / 1048576.0:F0}"));
    }

    private static JsonObject ToJson(SurveyFigures figures) => new()
    {
        ["threads"] = figures.Threads,
        ["rows"] = figures.Rows,
        ["latents"] = figures.Latents,
        ["harvest"] = ToJson(figures.Harvest),
        ["surveyOfHarvest"] = ToJson(figures.FromHarvest),
        ["surveyOfTexts"] = ToJson(figures.FromTexts),
        ["surveyOfHarvestShare"] = figures.HarvestShare,
        ["surveyOfTextsShare"] = figures.TextShare,
        ["peakResidentBytes"] = figures.PeakResidentBytes,
    };

    private static void Write(HarvestFigures figures)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"threads {figures.Threads} rows {figures.Rows}"));
        foreach ((string name, HarvestTimes times) in ((string, HarvestTimes)[])[("runtime", figures.Runtime), ("harvest", figures.Harvest)])
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} median_ms {times.Median:F2} min_ms {times.Minimum:F2} tokens_per_s {times.TokensPerSecond:F0}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"harvest_share_of_runtime {figures.Share:F3}"));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak_resident_mib {figures.PeakResidentBytes / 1048576.0:F0}"));
    }

    private static JsonObject ToJson(HarvestFigures figures) => new()
    {
        ["threads"] = figures.Threads,
        ["rows"] = figures.Rows,
        ["runtime"] = ToJson(figures.Runtime),
        ["harvest"] = ToJson(figures.Harvest),
        ["harvestShareOfRuntime"] = figures.Share,
        ["peakResidentBytes"] = figures.PeakResidentBytes,
    };

    private static JsonObject ToJson(HarvestTimes times) => new() { ["medianMs"] = times.Median, ["minMs"] = times.Minimum, ["tokensPerSecond"] = times.TokensPerSecond };

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
