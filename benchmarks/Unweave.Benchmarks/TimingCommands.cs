using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Cli;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Training;

namespace Unweave.Benchmarks;

/// <summary>
/// The commands that time a whole training step and its phases, a harvest beside the model alone, feature statistics beside a harvest, and
/// a sentence encoder beside the model alone.
/// </summary>
internal static class TimingCommands
{
    /// <summary>Makes <c>step</c>.</summary>
    public static Command Step(Option<bool> json)
    {
        Option<int> batch = Number("--batch", 2048, "Rows of a batch."), width = Number("--d", 768, "Width of the vectors."),
            latents = Number("--latents", 12288, "Number of latents in the dictionary."), k = Number(
                "--k", 32, "Latents kept active for each row."),
            auxK = Number("--aux-k", 0, "Dead latents that model the residual (AuxK); with any, an eighth of the latents count as dead."),
            threads = Number("--threads", 0, "Threads; 0 takes one for each processor."), repeats = Number(
                "--repeats", 9, "Steps to time, after two to warm up.");
        var architecture = new Option<string?>("--architecture")
        {
            HelpName = "NAMES",
            Description = "Architectures, separated by commas, or all: a table of their steps beside TopK's, all with as many active "
                + "latents. NAME:SETTING=VALUE changes one; left out, TopK's step phase by phase.",
        };
        var optimizer = new Option<OptimizerKind>("--optimizer")
        {
            Description = "With --architecture: adam, signum, muon or schedulefree.",
        };
        var step = new Command("step", "Times a whole training step of a TopK autoencoder: encode, decode, backward and Adam.")
        {
            batch, width, latents, k, auxK, threads, repeats, architecture, optimizer,
        };
        step.SetAction(parsed =>
        {
            int At(Option<int> option, int least)
            {
                int value = parsed.GetValue(option);
                return value >= least ? value : throw new InputException($"{option.Name} is {value}; it must be at least {least}.");
            }

            if (parsed.GetValue(architecture) is { } named)
            {
                IReadOnlyList<ComparedStep> steps = StepComparison.Run(
                    named is "all" ? StepComparison.All : named.Split(',', StringSplitOptions.RemoveEmptyEntries), At(batch, 1),
                    At(width, 1), At(latents, 1), At(k, 1), parsed.GetValue(optimizer), At(threads, 0), At(repeats, 1));
                if (parsed.GetValue(json)) Screen.WriteJson(ToJson(steps));
                else Write(steps);
                return;
            }

            StepFigures figures = StepBenchmark.Run(
                At(batch, 1), At(width, 1), At(latents, 1), At(k, 1), At(auxK, 0), At(threads, 0), At(repeats, 1));
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
        });
        return step;
    }

    /// <summary>Makes <c>sweep</c>.</summary>
    public static Command Sweep(Option<bool> json)
    {
        Option<int> points = Number("--points", 6, "Autoencoders, of k = 4, 8, 12 and so on."),
            latents = Number("--latents", 1024, "Latents of each."), batch = Number("--batch", 1024, "Rows of a batch."),
            rows = Number("--rows", 200_000, "Rows that each is trained on."),
            buffer = Number("--buffer", 32_768, "Rows that are shuffled at once.");
        var hook = new Option<string>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where to read.",
            DefaultValueFactory = _ => EmbeddedModel.Hook,
        };
        var sweep = new Command("sweep", "Times a sweep on a model's activations, and as many single runs.")
        {
            points, latents, batch, rows, buffer, hook,
        };
        var host = new HostFlags(sweep);
        sweep.SetAction(async (parsed, _) =>
        {
            string path = host.ModelPath(parsed, EmbeddedModel.Folder);
            using OnnxHost model = OnnxHost.Open(path);
            SweepFigures figures = await SweepBenchmark.Run(
                model, host.Tokenizer(parsed, path), model.FindOne(parsed.GetValue(hook)!), host.Corpus(parsed, EmbeddedModel.Corpus),
                Math.Max(1, parsed.GetValue(points)), parsed.GetValue(latents), parsed.GetValue(batch), parsed.GetValue(rows),
                parsed.GetValue(buffer));
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
        });
        return sweep;
    }

    /// <summary>Makes <c>harvest</c>.</summary>
    public static Command Harvest(Option<bool> json)
    {
        Option<int> tokens = Number("--tokens", 100_000, "Tokens of a round."), rounds = Number(
            "--repeats", 5, "Rounds of each, in turn, after one to warm up.");
        var hook = new Option<string>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where to read.",
            DefaultValueFactory = _ => EmbeddedModel.Hook,
        };
        var harvest = new Command(
            "harvest", "Times a whole harvest and ONNX Runtime alone on the same batches, in turn.") { tokens, rounds, hook };
        var host = new HostFlags(harvest);
        harvest.SetAction((parsed, cancellationToken) =>
        {
            string path = host.ModelPath(parsed, EmbeddedModel.Folder);
            using OnnxHost model = OnnxHost.Open(path);
            HarvestFigures figures = HarvestBenchmark.Run(
                model, host.Tokenizer(parsed, path), model.FindOne(parsed.GetValue(hook)!), host.Corpus(parsed, EmbeddedModel.Corpus),
                Math.Max(1, parsed.GetValue(tokens)), Math.Max(1, parsed.GetValue(rounds)), cancellationToken);
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
            return Task.CompletedTask;
        });
        return harvest;
    }

    /// <summary>Makes <c>features</c>.</summary>
    public static Command Features(Option<bool> json)
    {
        Option<int> tokens = Number("--tokens", 100_000, "Tokens of a round."), rounds = Number(
            "--repeats", 5, "Rounds of each, in turn, after one to warm up."),
            latents = Number("--latents", 16_384, "Latents of the autoencoder."), k = Number("--k", 32, "Latents kept active for each "
                + "row.");
        var hook = new Option<string>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where to read.",
            DefaultValueFactory = _ => EmbeddedModel.Hook,
        };
        var features = new Command("features", "Times a harvest, the feature statistics of it and those of the texts themselves, in "
            + "turn.") { tokens, rounds, latents, k, hook };
        var host = new HostFlags(features);
        features.SetAction((parsed, cancellationToken) =>
        {
            string path = host.ModelPath(parsed, EmbeddedModel.Folder);
            using OnnxHost model = OnnxHost.Open(path);
            Hook at = model.FindOne(parsed.GetValue(hook)!);
            var options = new TopKOptions { Latents = parsed.GetValue(latents), K = parsed.GetValue(k) };
            using var autoencoder = new TopKAutoencoder(options, at.Width, new Rng(0));
            FeatureFigures figures = FeatureBenchmark.Run(
                model, host.Tokenizer(parsed, path), at, host.Corpus(parsed, EmbeddedModel.Corpus), autoencoder,
                Math.Max(1, parsed.GetValue(tokens)), Math.Max(1, parsed.GetValue(rounds)), cancellationToken);
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
            return Task.CompletedTask;
        });
        return features;
    }

    /// <summary>Makes <c>embed</c>.</summary>
    public static Command Embed(Option<bool> json)
    {
        Option<int> texts = Number("--texts", 4096, "Texts of a round, at most 4096."), rounds = Number(
            "--repeats", 5, "Rounds of each, in turn, after one to warm up."), threads = Number(
                "--threads", 0, "Threads; 0 takes one for each processor.");
        var corpus = new Option<string?>("--text")
        {
            HelpName = "TEXTS",
            Description = "Texts; left out, WordNet's definitions.",
        };
        var model = new Option<string?>("--model") { HelpName = "FOLDER", Description = "Sentence encoder; left out, the embedded one." };
        var embed = new Command(
            "embed", "Times a sentence encoder and ONNX Runtime alone on the same batches, in turn, and one text alone.")
        {
            texts, rounds, threads, corpus, model,
        };
        embed.SetAction((parsed, cancellationToken) =>
        {
            using OnnxEmbedder embedder = OnnxEmbedder.Open(
                parsed.GetValue(model) ?? IndexedTexts.EmbeddedEncoder, new EmbedderOptions { Threads = parsed.GetValue(threads) });
            TextCorpus read = parsed.GetValue(corpus) is { } named
                ? TextCorpus.Open(named)
                : TextCorpus.Open(Path.Combine(AppContext.BaseDirectory, "data", "wordnet", "texts.tsv"), "gloss");
            EmbedFigures figures = EmbedBenchmark.Run(embedder, [.. read.Texts().Take(Math.Clamp(parsed.GetValue(texts), 1, 4096))],
                Math.Max(1, parsed.GetValue(rounds)), cancellationToken);
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(figures));
            else Write(figures);
            return Task.CompletedTask;
        });
        return embed;
    }

    private static void Write(IReadOnlyList<ComparedStep> steps)
    {
        int longest = steps.Max(step => step.Name.Length);
        Line($"{"architecture".PadRight(longest)}  {"L0",9}  {"median ms",9}  {"min ms",9}  {"x TopK",6}");
        foreach (ComparedStep step in steps)
            Line($"{step.Name.PadRight(longest)}  {step.L0,9:F1}  {step.Step.Median,9:F2}  {step.Step.Minimum,9:F2}  {step.Ratio,6:F3}");
    }

    private static JsonObject ToJson(IReadOnlyList<ComparedStep> steps) => new()
    {
        ["steps"] = new JsonArray([.. steps.Select(step => (JsonNode)new JsonObject
        {
            ["architecture"] = step.Name,
            ["l0"] = step.L0,
            ["step"] = ToJson(step.Step),
            ["ratio"] = step.Ratio,
        })]),
    };

    private static void Write(SweepFigures figures)
    {
        Line($"points {figures.Points} rows {figures.Rows}");
        Line($"single_s {string.Join(' ', figures.Singles.Select(single => single.ToString("F2", CultureInfo.InvariantCulture)))}");
        Line($"single_read_share {figures.ReadShare:F3}");
        Line($"sweep_s {figures.Sweep:F2}");
        Line($"sweep_over_singles {figures.Ratio:F3}");
        Line($"same_bytes {figures.Same}");
    }

    private static JsonObject ToJson(SweepFigures figures) => new()
    {
        ["points"] = figures.Points,
        ["rows"] = figures.Rows,
        ["singleSeconds"] = new JsonArray([.. figures.Singles.Select(single => (JsonNode)single)]),
        ["singleReadShare"] = figures.ReadShare,
        ["sweepSeconds"] = figures.Sweep,
        ["sweepOverSingles"] = figures.Ratio,
        ["sameBytes"] = figures.Same,
    };

    private static void Write(EmbedFigures figures)
    {
        Line($"texts {figures.Texts} tokens {figures.Tokens} batches {figures.Batches}");
        Line($"runtime median_ms {figures.Runtime:F2} texts_per_s {figures.Texts / figures.Runtime * 1000:F0}");
        Line($"embed median_ms {figures.Embed:F2} texts_per_s {figures.Texts / figures.Embed * 1000:F0}");
        Line($"embed_share_of_runtime {figures.Share:F3}");
        Line($"one_text median_ms {figures.One:F2}");
    }

    private static JsonObject ToJson(EmbedFigures figures) => new()
    {
        ["texts"] = figures.Texts,
        ["tokens"] = figures.Tokens,
        ["batches"] = figures.Batches,
        ["runtimeMs"] = figures.Runtime,
        ["embedMs"] = figures.Embed,
        ["embedShareOfRuntime"] = figures.Share,
        ["oneTextMs"] = figures.One,
    };

    private static void Write(FeatureFigures figures)
    {
        Line($"threads {figures.Threads} rows {figures.Rows} latents {figures.Latents}");
        Write("harvest", figures.Harvest);
        Write("survey_of_harvest", figures.FromHarvest);
        Write("survey_of_texts", figures.FromTexts);
        Line($"survey_of_harvest_share {figures.HarvestShare:F3}");
        Line($"survey_of_texts_share {figures.TextShare:F3}");
        Line($"peak_resident_mib {figures.PeakResidentBytes / 1048576.0:F0}");
    }

    private static JsonObject ToJson(FeatureFigures figures) => new()
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
        Line($"threads {figures.Threads} rows {figures.Rows}");
        Write("runtime", figures.Runtime);
        Write("harvest", figures.Harvest);
        Line($"harvest_share_of_runtime {figures.Share:F3}");
        Line($"peak_resident_mib {figures.PeakResidentBytes / 1048576.0:F0}");
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

    private static void Write(string name, HarvestTimes times) =>
        Line($"{name} median_ms {times.Median:F2} min_ms {times.Minimum:F2} tokens_per_s {times.TokensPerSecond:F0}");

    private static JsonObject ToJson(HarvestTimes times) =>
        new() { ["medianMs"] = times.Median, ["minMs"] = times.Minimum, ["tokensPerSecond"] = times.TokensPerSecond };

    private static void Line(FormattableString text) => Console.Out.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static Option<int> Number(string name, int value, string description) =>
        new(name) { HelpName = "N", Description = description, DefaultValueFactory = _ => value };

    private static void Write(StepFigures figures)
    {
        Line($"kernels {figures.Kernels} threads {figures.Threads}");
        Line($"step median_ms {figures.Step.Median:F2} min_ms {figures.Step.Minimum:F2} tokens_per_s {figures.TokensPerSecond:F0}");
        foreach ((string name, PhaseFigures phase) in Phases(figures))
            Line($"{name} median_ms {phase.Median:F2} min_ms {phase.Minimum:F2}");
        Line($"peak_resident_mib {figures.PeakResidentBytes / 1048576.0:F0}");
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
