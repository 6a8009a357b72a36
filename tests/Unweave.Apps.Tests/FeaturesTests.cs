using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Catalog;

namespace Unweave.Apps.Tests;

/// <summary>
/// Catalogs of features made, searched and shown; latents read, steered and attributed: on one small run in the embedded model.
/// </summary>
public sealed class FeaturesTests(FeaturesTests.Run run) : IClassFixture<FeaturesTests.Run>
{
    private const int Latents = 256;
    private const string Prompt = "The people of the United";

    private static string HeldOut => Path.Combine(AppContext.BaseDirectory, "data", "corpus", "held-out.jsonl.gz");

    [Fact]
    public async Task A_build_is_the_same_on_any_number_of_threads()
    {
        foreach (int threads in (int[])[1, 2, 5])
        {
            run.Copy($"on{threads}");
            using Process process = Cli.Start(run.Place.Folder,
                new Dictionary<string, string?>(
                    StringComparer.Ordinal)
                { ["DOTNET_PROCESSOR_COUNT"] = threads.ToString(CultureInfo.InvariantCulture) }, "features",
                        "build", $"on{threads}", "sae/activations", "--seed", "3", "--json");
            JsonNode built = (await Cli.End(process)).Succeeded().Json;
            Assert.Equal(Path.Combine($"on{threads}", "features.db"), (string?)built["catalog"]);
            Assert.Equal(Latents, (int)built["latents"]!);
            Assert.Equal(Latents, built["kinds"]!.AsObject().Sum(kind => (int)kind.Value!));
            Assert.Equal(Latents - (int)built["kinds"]!["dead"]!, (int)built["live"]!);
            Assert.True((int)built["labelledWell"]! <= (int)built["live"]! && (int)built["labelledWell"]! > 0, built.ToJsonString());
            Assert.InRange((long)built["rows"]!, 30_000, 45_000);
        }

        string[] alone = All("on1");
        Assert.Equal(Latents, alone.Length);
        Assert.Equal(alone, All("on2"), StringComparer.Ordinal);
        Assert.Equal(alone, All("on5"), StringComparer.Ordinal);

        string[] All(string folder)
        {
            using var catalog = FeatureCatalog.Open(run.Place[folder]);
            return
            [
                .. Enumerable.Range(0, Latents)
                    .Select(latent => JsonSerializer.Serialize(catalog.Read(latent)) + string.Join('|', catalog.Labels(latent))),
            ];
        }
    }

    [Fact]
    public async Task A_catalog_is_built_from_texts_or_from_what_the_run_was_trained_on()
    {
        run.Copy("texts");
        Outcome texts = (await run.Place.Run("features", "build", "texts", "--text", HeldOut, "--tokens", "6000")).Succeeded();
        Assert.Contains("256 latents over 6", texts.Output, StringComparison.Ordinal);
        Assert.Contains("held-out.jsonl.gz", texts.Output, StringComparison.Ordinal);
        Assert.Contains("unweave serve texts", texts.Output, StringComparison.Ordinal);
        Assert.All(texts.Output.Split('\n').Skip(1), line => Assert.True(line.Length <= 110, line));
        using (var catalog = FeatureCatalog.Open(run.Place["texts"]))
            Assert.Equal(("blocks.2", 128), (catalog.Source.Hook, catalog.Source.Context));

        JsonNode again = (await run.Place.Run("features", "build", "texts", "--json")).Succeeded().Json;
        Assert.InRange((long)again["rows"]!, 30_000, 45_000);
        (await run.Place.Run("features", "build", "texts", "--text", HeldOut, "--hook", "blocks.1.mlp.neurons")).Refused("width 1024");
        (await run.Place.Run("features", "build", "texts", "--text", HeldOut, "--hook", "nothing")).Refused("nothing");
        (await run.Place.Run("features", "build", "texts", "nowhere/")).Refused("nowhere");
        (await run.Place.Run("features", "build", "nowhere")).Refused("nowhere");
    }

    [Fact]
    public async Task A_disk_that_fills_up_is_one_line_and_leaves_the_catalog_as_it_was()
    {
        run.Copy("full");
        byte[] before = await File.ReadAllBytesAsync(run.Place["full/features.db"]);
        using var disk = new SmallDisk(run.Place["tiny"], "64k");
        using Process process = Cli.Start(run.Place.Folder,
            new Dictionary<string, string?>(StringComparer.Ordinal) { ["TMPDIR"] = run.Place["tiny"] }, "features", "build", "full",
            "sae/activations");
        (await Cli.End(process)).Refused("tiny: the texts cannot be kept there");
        Assert.Equal([run.Place["full/features.db"]], Directory.GetFiles(run.Place["full"], "features*"));
        byte[] after = await File.ReadAllBytesAsync(run.Place["full/features.db"]);
        Assert.True(before.AsSpan().SequenceEqual(after));
    }

    [Fact]
    public async Task Vectors_have_a_text_each()
    {
        string vectors = run.Place.WriteVectors("vectors.npy", rows: 600);
        run.Place.Write("texts.jsonl", string.Concat(Enumerable.Range(0, 600).Select(i => $"{{\"text\":\"text number {i}\"}}\n")));
        run.Place.Write("few.jsonl", string.Concat(Enumerable.Range(0, 599).Select(i => $"{{\"text\":\"text {i}\"}}\n")));
        (await run.Place.Run("train", vectors, "--latents", "64", "--k", "4", "--tokens", "12000", "--batch", "200", "-o", "vae"))
            .Succeeded();
        (await run.Place.Run("features", "build", "vae", vectors, "--text", "few.jsonl"))
            .Refused("There are 599 texts for 600 vectors of vectors.npy");
        Assert.False(File.Exists(run.Place["vae/features.db"]));
        JsonNode built = (await run.Place.Run("features", "build", "vae", vectors, "--text", "texts.jsonl", "--json")).Succeeded().Json;
        Assert.Equal((600, 600), ((int)built["rows"]!, (int)built["windows"]!));
        int live = (int)(await run.Place.Run("features", "list", "vae", "--sort", "frequency", "--json"))
            .Succeeded().Json["features"]![0]!["latent"]!;
        JsonNode feature = (await run.Place.Run("features", "show", "vae", $"{live}", "--json")).Succeeded().Json["feature"]!;
        JsonNode example = feature["top"]![0]!;
        Assert.Equal($"text number {(long)example["row"]!}", (string?)example["pieces"]![0]);
        Assert.Empty(feature["raised"]!.AsArray());

        // Without texts its rows are named by their numbers; the vectors are those of the run.
        (await run.Place.Run("features", "build", "vae", "--json")).Succeeded();
        Assert.StartsWith("row ", (string?)(await run.Place.Run("features", "show", "vae", $"{live}", "--json"))
            .Succeeded().Json["feature"]!["top"]![0]!["pieces"]![0], StringComparison.Ordinal);
        string wide = run.Place.WriteVectors("wide.npy", width: 24);
        (await run.Place.Run("features", "build", "vae", wide)).Refused("width 24");
        (await run.Place.Run("read", "vae", "a text")).Refused("no model is named");
        (await run.Place.Run("train", vectors, "--architecture", "undercomplete", "--bottleneck", "4", "--tokens", "2000", "--batch", "100",
            "-o", "under")).Succeeded();
        (await run.Place.Run("features", "build", "under")).Refused("no sparse latents");
    }

    [Fact]
    public async Task Features_are_found_sorted_and_filtered()
    {
        JsonNode all = (await run.Place.Run("features", "list", "sae", "--sort", "frequency", "--take", "300", "--json"))
            .Succeeded().Json;
        JsonArray features = all["features"]!.AsArray();
        Assert.Equal((Latents, Latents), ((int)all["total"]!, features.Count));
        double[] frequencies = [.. features.Select(feature => (double)feature!["frequency"]!)];
        Assert.Equal(frequencies.OrderDescending(), frequencies);
        Assert.Equal(Enumerable.Range(0, Latents), features.Select(feature => (int)feature!["latent"]!).Order());

        JsonNode some = (
            await run.Place.Run("features", "list", "sae", "--sort", "score", "--min-score", "0.7", "--min-frequency", "0.001",
                "--max-frequency", "0.05", "--kind", "Ordinary", "--kind", "Token", "--take", "300", "--json")).Succeeded().Json;
        int expected = features.Count(feature => feature!["score"] is { } score && (double)score >= 0.7
            && (double)feature["frequency"]! is >= 0.001 and <= 0.05 && (string?)feature["kind"] is "ordinary" or "token");
        Assert.Equal(expected, (int)some["total"]!);
        Assert.True(expected > 0);
        Assert.All(some["features"]!.AsArray(), feature => Assert.NotNull((string?)feature!["label"]));

        JsonArray second = (await run.Place.Run("features", "list", "sae", "--sort", "frequency", "--skip", "5", "--take", "3",
            "--json")).Succeeded().Json["features"]!.AsArray();
        Assert.Equal(features.Skip(5).Take(3).Select(feature => (int)feature!["latent"]!),
            second.Select(feature => (int)feature!["latent"]!));

        JsonNode the = (await run.Place.Run("features", "list", "sae", "the", "--json")).Succeeded().Json;
        Assert.InRange((int)the["total"]!, 1, Latents);
        Outcome shown = (await run.Place.Run("features", "list", "sae", "--take", "4")).Succeeded();
        Assert.Contains("4 of 256 features.", shown.Error, StringComparison.Ordinal);
        string[][] lines = [.. shown.Output.TrimEnd().Split('\n').Select(line => line.Split('\t'))];
        Assert.Equal(4, lines.Length);
        Assert.All(lines, line => Assert.True(line.Length == 6 && int.TryParse(line[0], CultureInfo.InvariantCulture, out _)));
        Assert.Contains("No feature matches.", (await run.Place.Run("features", "list", "sae", "--starred")).Succeeded().Error,
            StringComparison.Ordinal);
        Assert.Contains("256 features match", (await run.Place.Run("features", "list", "sae", "--skip", "1000")).Succeeded().Error,
            StringComparison.Ordinal);
        (await run.Place.Run("features", "list", "sae", "--take", "0")).Refused("--take 0");
        (await run.Place.Run("features", "list", "sae", "--skip", "-1")).Refused("--skip -1");
        (await run.Place.Run("features", "list", "sae", "--kind", "Nice"))
            .Refused("--kind is 'Nice'; it must be one of ordinary, dead, dense, token, position");
        (await run.Place.Run("features", "list", "sae", "--sort", "nice"))
            .Refused("it must be one of latent, frequency, max, score, label");
        (await run.Place.Run("features", "show", "sae", "3,802")).Refused("LATENT is '3,802'; it must be a whole number");

        // Any text may be looked for.
        (await run.Place.Run("features", "list", "sae", "\"unclosed AND (")).Succeeded();
    }

    [Fact]
    public async Task A_feature_is_shown()
    {
        JsonArray found = (await run.Place.Run("features", "list", "sae", "--sort", "score", "--take", "1", "--json"))
            .Succeeded().Json["features"]!.AsArray();
        int latent = (int)found[0]!["latent"]!;
        string label = (string)found[0]!["label"]!;
        JsonNode whole = (await run.Place.Run("features", "show", "sae", $"{latent}", "--json")).Succeeded().Json;
        JsonNode feature = whole["feature"]!;
        Assert.Equal(latent, (int)feature["latent"]!);
        Assert.Equal((long)feature["fired"]!, feature["histogram"]!["counts"]!.AsArray().Sum(count => (long)count!));
        Assert.Equal(10, feature["raised"]!.AsArray().Count);
        Outcome shown = (await run.Place.Run("features", "show", "sae", $"{latent}")).Succeeded();
        foreach (string part in (string[])[$"latent {latent}", "detection 0.", "fires on:", "raises:", "lowers:", "nearest:"])
            Assert.Contains(part, shown.Output, StringComparison.Ordinal);
        Assert.Contains(label[..Math.Min(12, label.Length)], shown.Output, StringComparison.Ordinal);
        (await run.Place.Run("features", "show", "sae", "256")).Refused("there is no latent 256; sae has latents 0 to 255");
        (await run.Place.Run("features", "show", "sae", "-1")).Refused("-1");
        (await run.Place.Run("features", "show", "sae", "whale")).Refused("whale");
        run.Copy("bare");
        File.Delete(run.Place["bare/features.db"]);
        foreach (string[] line in (string[][])[["features", "show", "bare", "3"], ["features", "list", "bare"],
            ["features", "list", "nowhere"]])
            (await run.Place.Run(line)).Refused(line[2]);
    }

    [Fact]
    public async Task A_text_is_read()
    {
        JsonArray tokens = (await run.Place.Run("read", "sae", Prompt, "--top", "2", "--json")).Succeeded().Json["tokens"]!.AsArray();
        Assert.Equal(Prompt, string.Concat(tokens.Select(token => (string?)token!["text"])));
        Assert.All(tokens, token =>
        {
            JsonArray latents = token!["latents"]!.AsArray();
            Assert.InRange(latents.Count, 1, 2);
            if (latents.Count == 2) Assert.True((float)latents[0]!["activation"]! >= (float)latents[1]!["activation"]!);
            Assert.InRange((int)latents[0]!["latent"]!, 0, Latents - 1);
        });
        Assert.Contains(tokens, token => (string?)token!["latents"]![0]!["label"] is not null);
        Outcome shown = (await run.Place.Run("read", "sae", Prompt)).Succeeded();
        Assert.Contains("United", shown.Output, StringComparison.Ordinal);
        Assert.Empty((await run.Place.Run("read", "sae", "", "--json")).Succeeded().Json["tokens"]!.AsArray());
        (await run.Place.Run("read", "sae", "")).Refused("TEXT is empty");
        (await run.Place.Run("read", "sae", Prompt, "--top", "0")).Refused("--top is 0");
        (await run.Place.Run("read", "sae", Prompt, "--hook", "blocks.1.mlp.neurons")).Refused("width 1024");
        (await run.Place.Run("read", "nowhere", Prompt)).Refused("nowhere");
    }

    [Fact]
    public async Task A_text_is_steered()
    {
        string[] greedy = ["--tokens", "6", "--temperature", "0", "--json"];
        JsonNode steered = (await run.Place.Run(["steer", "sae", Prompt, "--steer", "3=40", "--ablate", "5", "--clamp", "7=2", .. greedy]))
            .Succeeded().Json;
        Assert.Equal(Prompt, (string?)steered["prompt"]);
        Assert.Equal(8, steered["with"]!["next"]!.AsArray().Count);
        Assert.NotEqual(steered["without"]!["next"]!.ToJsonString(), steered["with"]!["next"]!.ToJsonString(), StringComparer.Ordinal);
        Assert.StartsWith((string)steered["without"]!["next"]![0]!["text"]!, (string)steered["without"]!["text"]!,
            StringComparison.Ordinal);

        // Ablating what is ablated, or adding nothing, leaves the text as it is.
        JsonNode same = (await run.Place.Run(["steer", "sae", Prompt, "--steer", "3=0", .. greedy])).Succeeded().Json;
        Assert.Equal((string?)same["without"]!["text"], (string?)same["with"]!["text"]);
        Outcome shown = (await run.Place.Run("steer", "sae", Prompt, "--steer", "3=-4", "--steer", "9=1.5", "--ablate", "5", "--tokens",
            "4")).Succeeded();
        foreach (string part in (string[])["take 4.000 from latent 3", "add 1.500 to latent 9", "ablate latent 5", "as it is", "changed"])
            Assert.Contains(part, shown.Output, StringComparison.Ordinal);
        foreach ((string flag, string value, string expected) in ((string, string, string)[])
        [
            ("--steer", "3", "--steer is '3'"), ("--steer", "3=NaN", "--steer is '3=NaN'"), ("--steer", "x=3", "--steer is 'x=3'"),
            ("--clamp", "3=4=5", "--clamp is '3=4=5'"), ("--steer", "256=1", "there is no latent 256"),
            ("--ablate", "-3", "-3"), ("--steer", "3=3.4e38", "smaller strengths"),
        ])
            (await run.Place.Run("steer", "sae", Prompt, flag, value)).Refused(expected);
        (await run.Place.Run("steer", "sae", Prompt)).Refused("no latent is changed");
        (await run.Place.Run("steer", "sae", Prompt, "--steer", "3=1", "--ablate", "3")).Refused("Latent 3 is changed twice");
        (await run.Place.Run("steer", "sae", Prompt, "--steer", "3=1", "--temperature", "-1")).Refused("temperature");
        (await run.Place.Run("steer", "sae", Prompt, "--steer", "3=1", "--tokens", "-1")).Refused("-1 tokens");
    }

    [Fact]
    public async Task A_token_is_attributed()
    {
        JsonNode likeliest = (await run.Place.Run("attribute", "sae", Prompt, "--top", "4", "--json")).Succeeded().Json;
        Assert.Equal(" States", (string?)likeliest["text"]);
        JsonArray effects = likeliest["effects"]!.AsArray();
        Assert.Equal(4, effects.Count);
        double[] sizes = [.. effects.Select(effect => Math.Abs((double)effect!["effect"]!))];
        Assert.Equal(sizes.OrderDescending(), sizes);
        Assert.All(effects, effect => Assert.Null(effect!["position"]));
        JsonNode each = (await run.Place.Run("attribute", "sae", Prompt, "--token", " States", "--each-token", "--json")).Succeeded().Json;
        Assert.Equal((int)likeliest["token"]!, (int)each["token"]!);
        Assert.All(each["effects"]!.AsArray(), effect => Assert.InRange((int)effect!["position"]!, 0, 4));

        // The effect is what steering shows: the logit as it is, less the logit with the latent ablated.
        JsonNode ablated = (await run.Place.Run("steer", "sae", Prompt, "--ablate", $"{(int)effects[0]!["latent"]!}", "--tokens", "1",
            "--json")).Succeeded().Json;
        double Logit(string which) =>
            (double)ablated[which]!["next"]!.AsArray().First(token => (string?)token!["text"] is " States")!["logit"]!;
        Assert.Equal(Logit("without") - Logit("with"), (double)effects[0]!["effect"]!, 2e-3);
        Assert.Contains("at", (await run.Place.Run("attribute", "sae", Prompt, "--each-token")).Succeeded().Output,
            StringComparison.Ordinal);
        (await run.Place.Run("attribute", "sae", Prompt, "--token", "States of America and more")).Refused("tokens; give one");
        (await run.Place.Run("attribute", "sae", Prompt, "--token", "")).Refused("which is 0 tokens");
        (await run.Place.Run("attribute", "sae", Prompt, "--top", "0")).Refused("--top is 0");
    }

    [Fact]
    public async Task Ctrl_C_leaves_the_catalog_that_was_there()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signal that reaches one process alone.");
        run.Copy("kept");
        string[] before = Features("kept");
        await Stopped("kept");
        Assert.Equal(before, Features("kept"), StringComparer.Ordinal);
        run.Copy("none");
        File.Delete(run.Place["none/features.db"]);
        string[] files = Directory.GetFiles(run.Place["none"]);
        await Stopped("none");
        Assert.Equal(files.Order(StringComparer.Ordinal), Directory.GetFiles(run.Place["none"])
            .Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        (await run.Place.Run("features", "list", "none")).Refused("none");

        string[] Features(string folder)
        {
            using var catalog = FeatureCatalog.Open(run.Place[folder]);
            return
            [
                $"{catalog.Source}",
                .. Enumerable.Range(0, Latents)
                    .Select(latent => JsonSerializer.Serialize(catalog.Read(latent)) + string.Join('|', catalog.Labels(latent))),
            ];
        }

        async Task Stopped(string folder)
        {
            // Millions of tokens: the first line that tells how far it is comes long before the end.
            using Process process = Cli.Start(run.Place.Folder, "features", "build", folder, "--text",
                Path.Combine(AppContext.BaseDirectory, "data", "corpus", "train.jsonl.gz"));
            string? line;
            do line = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
            while (line is not null && !line.StartsWith("counted ", StringComparison.Ordinal));
            Assert.NotNull(line);
            Cli.Interrupt(process);
            Outcome stopped = await Cli.End(process);
            Assert.Equal((130, ""), (stopped.Code, stopped.Output));
            Assert.EndsWith("unweave: stopped.\n", stopped.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>The small demo, with copies of its run for tests that change it.</summary>
    public sealed class Run(SmallDemo demo) : IAsyncLifetime
    {
        internal Workplace Place { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Place = await demo.Place();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        /// <summary>Copies the run, but for its harvest.</summary>
        internal void Copy(string name)
        {
            Directory.CreateDirectory(Place[name]);
            foreach (string file in Directory.GetFiles(Place["sae"]))
                if (!file.EndsWith(".lock", StringComparison.Ordinal))
                    File.Copy(file, Path.Combine(Place[name], Path.GetFileName(file)), overwrite: true);
        }
    }
}
