using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Training;

namespace Unweave.Cli;

/// <summary>Makes the catalog of an autoencoder's features, from any of the sources, with progress.</summary>
internal static class FeatureBuild
{
    /// <summary>What came of it.</summary>
    public sealed record Result(string Folder, CatalogSource Source, FeatureReport Report, TimeSpan Elapsed, double RowsPerSecond)
    {
        /// <summary>As JSON.</summary>
        public JsonObject ToJson()
        {
            JsonObject json = Report.ToJson();
            json["catalog"] = Path.Combine(Folder, FeatureCatalog.FileName);
            json["rows"] = Source.Rows;
            json["windows"] = Source.Windows;
            json["rowsPerSecond"] = Math.Round(RowsPerSecond);
            json["seconds"] = Math.Round(Elapsed.TotalSeconds, 3);
            return json;
        }

        /// <summary>For people.</summary>
        public void Write()
        {
            Console.Out.WriteLine($"{Figures.Count(Source.Latents)} latents over {Figures.Count(Source.Rows)} rows of {Source.Texts}, {Figures.Duration(Elapsed)}:");
            FeatureTable.Write(Report);
            Console.Out.WriteLine($"\nThe catalog is {Path.Combine(Folder, FeatureCatalog.FileName)}. Look at it: unweave serve {Folder}");
        }
    }

    /// <summary>Opens a sparse autoencoder.</summary>
    /// <exception cref="InputException">It is not sparse, or not in a folder of its own.</exception>
    public static SparseAutoencoder Open(string path)
    {
        if (!Directory.Exists(path)) throw new InputException($"{path} is not a folder; name the folder of a run, in which the catalog can be made.");
        Autoencoder opened = Autoencoder.Load(path);
        if (opened is SparseAutoencoder sparse) return sparse;
        opened.Dispose();
        throw new InputException($"{path} has no dictionary of latents ({opened.Options.GetType().Name}); features are those of sparse autoencoders.");
    }

    /// <summary>The settings of a run, where its folder has them.</summary>
    public static TrainingOptions? Settings(string folder)
    {
        string settings = Path.Combine(folder, Trainer.SettingsFileName);
        return File.Exists(settings) ? RunFile.Read(settings) : null;
    }

    /// <summary>Whether a path names a harvest, with or without a hook (<c>folder#hook</c>).</summary>
    public static bool IsHarvest(string path) => Harvest.Exists(path.Split('#')[0]);

    /// <summary>From texts that are run through the model.</summary>
    public static Result FromTexts(string folder, SparseAutoencoder autoencoder, IHostModel model, ITokenizer tokenizer, Hook hook, TextCorpus corpus, PassOptions pass, long tokens, FeatureStatisticsOptions options, CancellationToken cancellation)
    {
        using var run = new ActivationPass(model, tokenizer, [hook], pass);
        if (hook.Width != autoencoder.InputWidth) throw new InputException($"{folder} is of width {autoencoder.InputWidth}, {hook.Name} of {model.Name} has width {hook.Width}; name the hook it was trained on with --hook.");
        var display = new RowsDisplay("counted", tokens == long.MaxValue ? 0 : tokens, TimeProvider.System);
        using FeatureStatistics statistics = FeatureStatistics.FromTexts(autoencoder, run, tokenizer, corpus.Documents(), options, EmbeddedModel.Topics(), tokens, new Shown(display), cancellation);
        return Write(folder, statistics, model, tokenizer, display, new CatalogSource { Latents = statistics.Latents, Rows = statistics.Rows, Windows = statistics.Windows, Texts = corpus.Name, Model = model.Name, Hook = hook.Name, Context = run.Context, Built = TimeProvider.System.GetUtcNow() }, cancellation);
    }

    /// <summary>From activations that were harvested before.</summary>
    public static Result FromHarvest(string folder, SparseAutoencoder autoencoder, IHostModel model, ITokenizer tokenizer, string path, string? hook, FeatureStatisticsOptions options, CancellationToken cancellation)
    {
        string[] parts = path.Split('#');
        using var harvest = Harvest.Open(parts[0]);
        using HarvestSource source = harvest.Source(parts.Length > 1 ? parts[1] : hook);
        if (source.Width != autoencoder.InputWidth) throw new InputException($"{source.Name} has width {source.Width}, {folder} was trained on width {autoencoder.InputWidth}; name the harvest of its own hook.");
        var display = new RowsDisplay("counted", source.Rows, TimeProvider.System);
        using FeatureStatistics statistics = FeatureStatistics.FromHarvest(autoencoder, source, tokenizer, options, EmbeddedModel.Topics(), new Shown(display), cancellation);
        return Write(folder, statistics, model, tokenizer, display, new CatalogSource { Latents = statistics.Latents, Rows = statistics.Rows, Windows = statistics.Windows, Texts = harvest.Manifest.Corpus.Name, Model = harvest.Manifest.Model.Name, Hook = source.Hook, Context = harvest.Manifest.ContextLength, Built = TimeProvider.System.GetUtcNow() }, cancellation);
    }

    /// <summary>From vectors.</summary>
    public static Result FromVectors(string folder, SparseAutoencoder autoencoder, IActivationSource source, string[]? texts, FeatureStatisticsOptions options, CancellationToken cancellation)
    {
        if (source.Width != autoencoder.InputWidth) throw new InputException($"{source.Name} has width {source.Width}, {folder} was trained on width {autoencoder.InputWidth}; give vectors of the same model and layer.");
        if (texts is not null && texts.Length != source.Rows) throw new InputException($"There are {texts.Length} texts for {source.Rows} vectors of {source.Name}; give one text for each row, in the same order.");
        var display = new RowsDisplay("counted", source.Rows, TimeProvider.System);
        using FeatureStatistics statistics = FeatureStatistics.FromVectors(autoencoder, source, texts is null ? null : row => texts[row], options, EmbeddedModel.Topics(), new Shown(display), cancellation);
        return Write(folder, statistics, null, null, display, new CatalogSource { Latents = statistics.Latents, Rows = statistics.Rows, Windows = statistics.Windows, Texts = source.Name, Built = TimeProvider.System.GetUtcNow() }, cancellation);
    }

    private static Result Write(string folder, FeatureStatistics statistics, IHostModel? model, ITokenizer? tokenizer, RowsDisplay display, CatalogSource source, CancellationToken cancellation)
    {
        RowsDisplay.Clear();
        double rate = statistics.Rows / display.Elapsed.TotalSeconds;
        Console.Error.WriteLine($"Counted {Figures.Count(statistics.Rows)} rows, {Figures.Short(rate)} a second; describing {Figures.Count(statistics.Latents)} latents …");
        using LogitLens? lens = model is null ? null : LogitLens.Open(model, tokenizer!, statistics.Width);
        var report = new FeatureReport();
        FeatureCatalog.Build(folder, source, Features(), cancellation);
        return new Result(folder, source, report, display.Elapsed, rate);

        IEnumerable<(Feature, IReadOnlyList<FeatureLabel>)> Features()
        {
            foreach ((Feature feature, FeatureLabel? label) in statistics.Features(lens, cancellation))
            {
                report.Add(feature, label);
                yield return (feature, label is null ? [] : [label]);
            }
        }
    }

    private sealed class Shown(RowsDisplay display) : IProgress<long>
    {
        public void Report(long value) => display.Report(value);
    }
}
