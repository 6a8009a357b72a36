using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Cli;

/// <summary>Makes the catalog of an autoencoder's features, from any of the sources, with progress.</summary>
internal static class FeatureBuild
{
    /// <summary>The autoencoder whose features are found.</summary>
    /// <param name="Run">Its run.</param>
    /// <param name="Hash">SHA-256 of its weights.</param>
    /// <param name="Autoencoder">The autoencoder.</param>
    /// <param name="IsMade">Whether the run was made for it just now: it goes again where no catalog comes of it.</param>
    public sealed record Subject(RunFolder Run, string? Hash, SparseAutoencoder Autoencoder, bool IsMade = false) : IDisposable
    {
        /// <summary>
        /// Opens the autoencoder of a run. Another library's is kept natively beside its files, or in the folder of the run to be made,
        /// so that
        /// all that is computed of it has a place.
        /// </summary>
        /// <param name="path">The folder of a run, or an autoencoder of any library.</param>
        /// <param name="output">The folder of the run; null takes the autoencoder's own.</param>
        /// <exception cref="InputException">It is not sparse, or there is no folder for the run.</exception>
        public static Subject Open(string path, string? output = null)
        {
            if (output is null && !Directory.Exists(path))
            {
                throw new InputException(File.Exists(path)
                    ? $"{path} is a file; name the folder of its run, in which the catalog is made, with -o."
                    : $"{path} is not a folder; name the folder of a run, in which the catalog can be made.");
            }

            var given = RunFolder.Open(path);
            bool isRun = output is null && File.Exists(given.AutoencoderPath);
            SparseAutoencoder autoencoder = given.LoadSparseAutoencoder();
            if (isRun) return new Subject(given, given.AutoencoderHash, autoencoder);
            try
            {
                var run = RunFolder.Open(output ?? path);
                if (run.HasTraining)
                    throw new InputException($"{run.Path} holds an autoencoder already; choose another folder with -o, or name that "
                        + "one alone.");
                autoencoder.Save(run.Path);
                return new Subject(run, run.AutoencoderHash, autoencoder, IsMade: true);
            }
            catch
            {
                autoencoder.Dispose();
                throw;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            Autoencoder.Dispose();
            if (!IsMade || File.Exists(Run.CatalogPath)) return;
            File.Delete(Run.AutoencoderPath);
            Run.ForgetHost();
            if (!Directory.EnumerateFileSystemEntries(Run.Path).Any()) Directory.Delete(Run.Path);
        }
    }

    /// <summary>What came of it.</summary>
    public sealed record Result(RunFolder Run, CatalogSource Source, FeatureReport Report, TimeSpan Elapsed, double RowsPerSecond)
    {
        /// <summary>Documents of the texts read that could not be read; null where no texts were read.</summary>
        public long? MalformedDocuments { get; init; }

        /// <summary>As JSON.</summary>
        public JsonObject ToJson()
        {
            JsonObject json = Report.ToJson();
            json["catalog"] = Run.CatalogPath;
            json["rows"] = Source.Rows;
            json["windows"] = Source.Windows;
            json["rowsPerSecond"] = Math.Round(RowsPerSecond);
            json["seconds"] = Math.Round(Elapsed.TotalSeconds, 3);
            if (MalformedDocuments is { } malformed) json[MalformedTexts.Key] = malformed;
            return json;
        }

        /// <summary>For people.</summary>
        public void Write()
        {
            Console.Out.WriteLine(
                $"{Figures.Count(Source.Latents)} latents over {Figures.Count(Source.Rows)} rows of {Source.Texts}, "
                + $"{Figures.Duration(Elapsed)}:");
            FeatureTable.Write(Report);
            Console.Out.WriteLine($"\nThe catalog is {Run.CatalogPath}. Look at it: unweave serve {Run.Path}");
        }
    }

    /// <summary>Whether a path names a harvest, with or without a hook (<c>folder#hook</c>).</summary>
    public static bool IsHarvest(string path) => Harvest.Exists(path.Split('#')[0]);

    /// <summary>From texts that are run through the model.</summary>
    public static Result FromTexts(Subject subject, RunHost host, TextCorpus corpus, long tokens, FeatureStatisticsOptions options,
        CancellationToken cancellationToken)
    {
        (Hook hook, OnnxHost model) = (host.Hook, host.Model);
        using var pass = new ActivationPass(model, host.Tokenizer, [hook], host.Pass);
        RememberHost(subject.Run, host, pass.Context);
        if (hook.Width != subject.Autoencoder.InputWidth)
        {
            throw new InputException(
                $"{subject.Run.Path} is of width {subject.Autoencoder.InputWidth}, {hook.Name} of {model.Name} has width {hook.Width}; " +
                "name the hook it was trained on with --hook.");
        }

        var display = new RowsDisplay("counted", tokens == long.MaxValue ? 0 : tokens, TimeProvider.System);
        using FeatureStatistics statistics = FeatureStatistics.FromTexts(
            subject.Autoencoder, pass, host.Tokenizer, corpus.Documents(), options, EmbeddedModel.Topics(), tokens, display,
            cancellationToken);
        CatalogSource source = Source(subject, statistics, corpus.Name) with
        {
            Model = model.Name,
            Hook = hook.Name,
            Context = pass.Context,
        };
        RowsDisplay.Clear();
        MalformedTexts.Say(corpus);
        return Write(subject, statistics, model, host.Tokenizer, display, source, cancellationToken) with
        {
            MalformedDocuments = corpus.MalformedDocuments,
        };
    }

    // An autoencoder that was not trained here does not say where it belongs; what was named is kept for the dashboard.
    private static void RememberHost(RunFolder run, RunHost host, int context)
    {
        if (run.Host is not null) return;
        run.WriteHost(new HostReference(host.Model.Name, host.Model.Hash, host.Tokenizer.Name, host.Tokenizer.Hash, host.Hook.Name, context,
            host.Pass.KeepSpecial)
        {
            FindsSpecial = host.Tokenizer.FindsSpecial,
            Inputs = host.Model.Input.Chosen.Count > 0 ? host.Model.Input.Chosen : null,
        });
    }

    /// <summary>From activations that were harvested before.</summary>
    public static Result FromHarvest(
        Subject subject, IHostModel model, ITokenizer tokenizer, string path, string? hook, Func<string, TextCorpus> texts,
        FeatureStatisticsOptions options, CancellationToken cancellationToken)
    {
        string[] parts = path.Split('#');
        using var harvest = Harvest.Open(parts[0]);
        using HarvestSource rows = harvest.Source(parts.Length > 1 ? parts[1] : hook);
        CheckWidth(subject, rows, "name the harvest of its own hook");
        if (subject.Run.Host is null) subject.Run.WriteHost(HostReference.From(rows));
        TextCorpus? corpus = Harvester.IsPerText(harvest.Manifest) ? Texts(harvest, texts) : null;
        var display = new RowsDisplay("counted", rows.Rows, TimeProvider.System);
        using FeatureStatistics statistics = FeatureStatistics.FromHarvest(
            subject.Autoencoder, rows, tokenizer, options, EmbeddedModel.Topics(), corpus?.Documents(), display,
            cancellationToken);
        HarvestManifest from = harvest.Manifest;
        CatalogSource source = Source(subject, statistics, from.Corpus.Name) with
        {
            Model = from.Model.Name,
            Hook = rows.Hook,
            Context = from.ContextLength,
        };
        RowsDisplay.Clear();
        if (corpus is not null) MalformedTexts.Say(corpus);
        return Write(subject, statistics, model, tokenizer, display, source, cancellationToken) with
        {
            MalformedDocuments = corpus?.MalformedDocuments,
        };
    }

    // A harvest with one row for each text has not kept what the texts are.
    private static TextCorpus Texts(Harvest harvest, Func<string, TextCorpus> texts)
    {
        HarvestInput recorded = harvest.Manifest.Corpus;
        TextCorpus corpus;
        try
        {
            corpus = texts(recorded.Name);
        }
        catch (InputException e)
        {
            throw new InputException($"{harvest.Folder} has one row for each text of {recorded.Name}, and the texts are needed too: "
                + $"{e.Message.TrimEnd('.')}. Name them with --text.", e);
        }

        return string.Equals(corpus.Fingerprint, recorded.Sha256, StringComparison.Ordinal)
            ? corpus
            : throw new InputException($"{corpus.Name} is not what {harvest.Folder} was made of ({recorded.Name}), so its texts do not "
                + "stand beside the rows; name the right texts with --text, and their column as it was named then.");
    }

    /// <summary>From vectors.</summary>
    public static Result FromVectors(Subject subject, IActivationSource rows, string[]? texts, FeatureStatisticsOptions options,
        CancellationToken cancellationToken)
    {
        CheckWidth(subject, rows, "give vectors of the same model and layer");
        if (texts is not null && texts.Length != rows.Rows)
            throw new InputException(
                $"There are {texts.Length} texts for {rows.Rows} vectors of {rows.Name}; give one text for each row, in the same order.");
        var display = new RowsDisplay("counted", rows.Rows, TimeProvider.System);
        using FeatureStatistics statistics = FeatureStatistics.FromVectors(
            subject.Autoencoder, rows, texts is null ? null : row => texts[row], options, EmbeddedModel.Topics(), display,
            cancellationToken);
        return Write(subject, statistics, null, null, display, Source(subject, statistics, rows.Name), cancellationToken);
    }

    private static void CheckWidth(Subject subject, IActivationSource rows, string fix)
    {
        if (rows.Width == subject.Autoencoder.InputWidth) return;
        throw new InputException(
            $"{rows.Name} has width {rows.Width}, {subject.Run.Path} was trained on width {subject.Autoencoder.InputWidth}; {fix}.");
    }

    private static CatalogSource Source(Subject subject, FeatureStatistics statistics, string texts) => new()
    {
        Latents = statistics.Latents,
        Rows = statistics.Rows,
        Windows = statistics.Windows,
        Texts = texts,
        AutoencoderSha256 = subject.Hash,
        Built = TimeProvider.System.GetUtcNow(),
    };

    private static Result Write(
        Subject subject, FeatureStatistics statistics, IHostModel? model, ITokenizer? tokenizer, RowsDisplay display, CatalogSource source,
        CancellationToken cancellationToken)
    {
        RowsDisplay.Clear();
        double rate = statistics.Rows / display.Elapsed.TotalSeconds;
        Console.Error.WriteLine(
            $"Counted {Figures.Count(statistics.Rows)} rows, {Figures.Short(rate)} a second; describing "
            + $"{Figures.Count(statistics.Latents)} latents …");
        using LogitLens? lens = model is null ? null : LogitLens.Open(model, tokenizer!, statistics.Width);
        var report = new FeatureReport();
        FeatureCatalog.Build(subject.Run.CatalogPath, source, Features(), cancellationToken);
        return new Result(subject.Run, source, report, display.Elapsed, rate);

        IEnumerable<(Feature, IReadOnlyList<FeatureLabel>)> Features()
        {
            foreach ((Feature feature, FeatureLabel? label) in statistics.Features(lens, cancellationToken))
            {
                report.Add(feature, label);
                yield return (feature, label is null ? [] : [label]);
            }
        }
    }
}
