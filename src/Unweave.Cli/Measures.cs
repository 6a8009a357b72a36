using System.CommandLine;
using Unweave.Autoencoders;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli;

/// <summary>What is to be measured.</summary>
internal sealed record MeasureRequest
{
    /// <summary>The autoencoders, as they are named.</summary>
    public required IReadOnlyList<string> Autoencoders { get; init; }

    /// <summary>Files of labelled texts.</summary>
    public required IReadOnlyList<string> Probe { get; init; }

    /// <summary>Field of the labels.</summary>
    public required string Label { get; init; }

    /// <summary>Field of the texts; null for the usual one.</summary>
    public string? TextColumn { get; init; }

    /// <summary>Texts of a file, at most.</summary>
    public int Texts { get; init; }

    /// <summary>How tokens' codes become a text's.</summary>
    public TextPool Pool { get; init; }

    /// <summary>Which measures are wanted.</summary>
    public bool Absorption { get; init; }

    /// <inheritdoc cref="Absorption"/>
    public bool Stability { get; init; }

    /// <inheritdoc cref="Absorption"/>
    public bool Projection { get; init; }

    /// <inheritdoc cref="Absorption"/>
    public bool Tpp { get; init; }

    /// <summary>Whether none was named, so that all are made that can be.</summary>
    public bool All { get; init; }

    /// <summary>Field of the second label of SCR; null where it is not wanted.</summary>
    public string? SecondLabel { get; init; }

    /// <summary>Splits of probes.</summary>
    public int Splits { get; init; }

    /// <summary>The baselines.</summary>
    public required IReadOnlyList<BaselineKind> Baselines { get; init; }

    /// <summary>Files of vectors; empty for those of the first run.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>Sentence encoder; null for the one that comes along.</summary>
    public string? Embedder { get; init; }
}

/// <summary>TPP or SCR of all coders on one set of texts.</summary>
/// <param name="Kind">"tpp" or "scr".</param>
/// <param name="Name">The texts.</param>
/// <param name="Scores">For each coder, in the order of the coders, the score for each N.</param>
internal sealed record RemovalResult(string Kind, string Name, IReadOnlyList<IReadOnlyDictionary<int, RemovalScore>> Scores);

/// <summary>What was measured. Parts that were not are empty or null.</summary>
internal sealed record MeasureResult
{
    /// <summary>Names of the coders: autoencoders first, then baselines.</summary>
    public required IReadOnlyList<string> Coders { get; init; }

    /// <summary>How many of the coders are autoencoders.</summary>
    public required int Autoencoders { get; init; }

    /// <summary>What each coder is: its architecture's description, or null for baselines.</summary>
    public required IReadOnlyList<string?> Architectures { get; init; }

    /// <summary>Model and hook, or what the vectors are.</summary>
    public required string Where { get; init; }

    /// <summary>Reconstruction of held-out vectors, a report a coder.</summary>
    public IReadOnlyList<EvaluationReport> Reconstruction { get; init; } = [];

    /// <summary>Probing, a result a set of texts.</summary>
    public IReadOnlyList<ProbeResult> Probing { get; init; } = [];

    /// <summary>Absorption.</summary>
    public AbsorptionResult? Absorption { get; init; }

    /// <summary>Stability of each two autoencoders.</summary>
    public IReadOnlyList<Stability> Stability { get; init; } = [];

    /// <summary>The decoder projection of each autoencoder.</summary>
    public IReadOnlyList<DecoderProjection> Projection { get; init; } = [];

    /// <summary>TPP and SCR.</summary>
    public IReadOnlyList<RemovalResult> Removal { get; init; } = [];

    /// <summary>What a reader should know.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Splits of probes.</summary>
    public int Splits { get; init; }
}

/// <summary>Opens autoencoders of one hook with their host, and measures them with their baselines.</summary>
internal sealed class Measures : IDisposable
{
    // Rows that L0 is taken from, that the table is measured on, and that decoders are projected on.
    private const int L0Rows = 2_048, MeasuredRows = 20_000, ProjectedRows = 2_048, MostWords = 4_000;

    private readonly MeasureRequest request;
    private readonly List<SparseAutoencoder> autoencoders = [];
    private readonly List<string> names = [];
    private readonly List<string> notes = [];
    private readonly List<IRowCoder> coders = [];
    private readonly List<Baseline> baselines = [];
    private readonly List<(LabelledTexts Texts, LabelledTexts? Second)> texts = [];
    private RunHost? host;
    private OnnxEmbedder? embedder;
    private ActivationFiles? data;
    private IActivationSource? training;
    private RowSubset? measured;

    private Measures(MeasureRequest request) => this.request = request;

    /// <summary>Opens what the request names.</summary>
    /// <param name="request">The request.</param>
    /// <param name="flags">Flags of the host model.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="hook">The hook; null for the first run's.</param>
    /// <exception cref="InputException">Something cannot be opened, or the autoencoders do not belong together.</exception>
    public static Measures Open(MeasureRequest request, HostFlags flags, ParseResult parsed, string? hook)
    {
        if (request.Splits < 2) throw new InputException($"--splits is {request.Splits}; a spread needs at least 2.");
        if (request.Texts < 40) throw new InputException($"--texts is {request.Texts}; probes need at least 40.");
        var measures = new Measures(request);
        try
        {
            measures.OpenAutoencoders();
            if (request.Stability && measures.autoencoders.Count < 2)
                throw new InputException("--stability compares autoencoders; name two or more.");
            measures.ReadTexts(); // first what may be refused, then what takes long
            measures.OpenData();
            measures.OpenTexts(flags, parsed, hook);
            return measures;
        }
        catch
        {
            measures.Dispose();
            throw;
        }
    }

    /// <summary>Measures.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    public MeasureResult Run(CancellationToken cancellationToken)
    {
        FitBaselines(cancellationToken);
        IReadOnlyList<EvaluationReport> reconstruction = measured is null ? [] : Reconstruction(cancellationToken);
        List<ProbeResult> probing = [];
        List<RemovalResult> removal = [];
        foreach ((LabelledTexts set, LabelledTexts? second) in texts) Probe(set, second, probing, removal, cancellationToken);
        return new MeasureResult
        {
            Coders = [.. coders.Select(coder => coder.Name)],
            Autoencoders = autoencoders.Count,
            Architectures = [.. coders.Select((_, i) => i < autoencoders.Count ? autoencoders[i].Options.Describe() : null)],
            Where = host is not null ? $"{host.Hook.Name} of {host.Model.Name}" : embedder is not null ? "sentence embeddings"
                : data?.Name ?? "vectors",
            Reconstruction = reconstruction,
            Probing = probing,
            Removal = removal,
            Absorption = request.Absorption || (request.All && host is not null) ? Absorb(cancellationToken) : null,
            Stability = request.Stability || (request.All && autoencoders.Count > 1) ? Match(cancellationToken) : [],
            Projection = request.Projection || (request.All && measured is not null) ? Project(cancellationToken) : [],
            Notes = notes,
            Splits = request.Splits,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Baseline baseline in baselines) baseline.Dispose();
        foreach (SparseAutoencoder autoencoder in autoencoders) autoencoder.Dispose();
        embedder?.Dispose();
        host?.Dispose();
        data?.Dispose();
    }

    private void OpenAutoencoders()
    {
        foreach (string path in request.Autoencoders)
        {
            SparseAutoencoder autoencoder = RunFolder.Open(path).LoadSparseAutoencoder();
            autoencoders.Add(autoencoder);
            string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
            names.Add(names.Contains(name, StringComparer.Ordinal) ? path : name);
            if (autoencoder.InputWidth != autoencoders[0].InputWidth)
            {
                throw new InputException($"{path} reads vectors of width {autoencoder.InputWidth}, {request.Autoencoders[0]} of width "
                    + $"{autoencoders[0].InputWidth}; autoencoders are compared at one hook.");
            }

            coders.Add(new AutoencoderCoder(names[^1], autoencoder));
        }
    }

    // The rows of the first run, held-out ones apart where it says which they are.
    private void OpenData()
    {
        var run = RunFolder.Open(request.Autoencoders[0]);
        IReadOnlyList<string> files = request.Data.Count > 0 ? request.Data : run.Data;
        if (files.Count == 0)
        {
            notes.Add("No vectors are known (--data), so there are no table of reconstruction, no projection and no baselines.");
            return;
        }

        data = ActivationFiles.Open(files, request.Data.Count > 0 ? null : run.Settings?.Tensor);
        if (data.Width != autoencoders[0].InputWidth)
        {
            throw new InputException($"{data.Name} has vectors of width {data.Width}, the autoencoders read width "
                + $"{autoencoders[0].InputWidth}; name vectors of their hook with --data.");
        }

        TrainingOptions? settings = request.Data.Count > 0 ? null : run.Settings;
        IActivationSource held = data;
        training = data;
        if (settings is { Validation: > 0 }) (training, held) = Comparison.Split(data, settings.Seed, settings.Validation);
        measured = RowSubset.Range(held, 0, Math.Min(MeasuredRows, held.Rows));
        foreach (string other in request.Autoencoders.Skip(1))
        {
            TrainingOptions? theirs = RunFolder.Open(other).Settings;
            if (settings is not null && theirs is not null && (theirs.Seed, theirs.Validation) != (settings.Seed, settings.Validation))
            {
                notes.Add($"{other} held out other rows than {request.Autoencoders[0]} did, so that it was trained on rows of the table; "
                    + "that flatters it a little.");
            }
        }
    }

    private void OpenTexts(HostFlags flags, ParseResult parsed, string? hook)
    {
        var run = RunFolder.Open(request.Autoencoders[0]);
        if (flags.HasModel(parsed) || run.Host is not null)
        {
            host = flags.Open(run, parsed, hook);
            foreach (string other in request.Autoencoders.Skip(1)) CheckSameHook(run.Host, other);
            return;
        }

        if (request.Absorption)
            throw new InputException($"--absorption needs a host model, and {run.Path} does not say which it was trained on; "
                + "name it with --model.");
        if (texts.Count == 0) return;
        string folder = request.Embedder is null ? IndexedTexts.EmbeddedEncoder : ModelFolder.Locate(request.Embedder);
        embedder = OnnxEmbedder.Open(folder);
        if (embedder.Width != autoencoders[0].InputWidth)
        {
            throw new InputException($"{folder} embeds texts in width {embedder.Width}, the autoencoders read width "
                + $"{autoencoders[0].InputWidth}; name their host with --model and --hook, or their sentence encoder with --embedder.");
        }
    }

    private static void CheckSameHook(HostReference? first, string other)
    {
        HostReference? theirs = RunFolder.Open(other).Host;
        if (first is null || theirs is null) return;
        if (!string.Equals(first.ModelHash, theirs.ModelHash, StringComparison.Ordinal)
            || !string.Equals(first.Hook, theirs.Hook, StringComparison.Ordinal))
        {
            throw new InputException($"{other} was trained on {theirs.Hook} of {theirs.Model}, the first on {first.Hook} of {first.Model}; "
                + "autoencoders are compared at one hook.");
        }
    }

    private void FitBaselines(CancellationToken cancellationToken)
    {
        if (training is null || measured is null) return;
        var codes = new SparseCodes(autoencoders[0].Latents);
        using Matrix sample = InputStatistics.Sample(measured, L0Rows, 0);
        autoencoders[0].Encode(sample, codes);
        int firing = 0;
        foreach (float value in codes.AllValues) firing += value > autoencoders[0].FiringThreshold ? 1 : 0;
        int k = (int)Math.Clamp(Math.Round((double)firing / sample.Rows), 1, Math.Min(measured.Width, autoencoders[0].Latents));
        foreach (BaselineKind kind in request.Baselines.Order())
        {
            Console.Error.WriteLine($"Fitting {BaselineNames.Of(kind)} …");
            baselines.Add(Baseline.Fit(kind, training, k, autoencoders[0].Latents, cancellationToken: cancellationToken));
            coders.Add(baselines[^1]);
        }

        if (baselines.Count > 0) notes.Add($"Baselines have {k} numbers a row, as {names[0]} has active latents.");
    }

    private List<EvaluationReport> Reconstruction(CancellationToken cancellationToken)
    {
        Console.Error.WriteLine($"Reconstructing {Figures.Count(measured!.Rows)} rows …");
        return
        [
            .. autoencoders.Select(autoencoder => Evaluator.Run(autoencoder, measured!, cancellationToken: cancellationToken)),
            .. baselines.Select(baseline => baseline.Run(measured!, cancellationToken)),
        ];
    }

    private void ReadTexts()
    {
        foreach (string path in request.Probe)
        {
            LabelledTexts set = LabelledTexts.Read(path, request.TextColumn, request.Label, request.Texts);
            LabelledTexts? second = request.SecondLabel is { } field
                ? LabelledTexts.Read(path, request.TextColumn, field, request.Texts)
                : null;
            if (second is not null && (set.Classes.Count, second.Classes.Count) != (2, 2))
            {
                throw new InputException($"{path}: SCR takes two labels of two values each; {request.Label} has {set.Classes.Count}, "
                    + $"{request.SecondLabel} has {second.Classes.Count}.");
            }

            texts.Add((set, second));
        }
    }

    private void Probe(LabelledTexts texts, LabelledTexts? second, List<ProbeResult> probing, List<RemovalResult> removal,
        CancellationToken cancellationToken)
    {
        var display = new RowsDisplay("read", texts.Documents.Count, TimeProvider.System);
        using PooledTexts pooled = Pool(texts.Documents, request.Pool, display, cancellationToken);
        RowsDisplay.Clear();
        int[] labels = [.. pooled.Kept.Select(i => texts.Labels[i])];
        probing.Add(SparseProbing.Run(texts.Name, pooled, [.. coders.Select(coder => coder.Name)], labels, texts.Classes, request.Splits,
            cancellationToken: cancellationToken));
        if (!request.Tpp && second is null) return;
        using PooledTexts means = request.Pool == TextPool.Mean ? pooled
            : Pool(texts.Documents, TextPool.Mean, null, cancellationToken);
        float[] typical = [.. InputStatistics.Mean(means.Rows).Select(value => (float)value)];
        List<Matrix> directions = [.. coders.Select(coder => LatentDirections.All(coder, typical))];
        try
        {
            if (coders.FirstOrDefault(coder => coder.OutputWidth != coder.InputWidth) is { } other)
                throw new InputException($"{other.Name} reconstructs another space than it reads; latents cannot be ablated in its input.");
            if (request.Tpp)
            {
                removal.Add(new RemovalResult("tpp", texts.Name,
                    [.. coders.Select((_, i) => ConceptRemoval.Tpp(means, i, directions[i], labels, texts.Classes.Count))]));
            }

            if (second is not null)
            {
                bool[] one = [.. labels.Select(value => value == 1)], two = [.. means.Kept.Select(i => second.Labels[i] == 1)];
                removal.Add(new RemovalResult("scr", texts.Name,
                    [.. coders.Select((_, i) => ConceptRemoval.Scr(means, i, directions[i], one, two))]));
            }
        }
        finally
        {
            foreach (Matrix matrix in directions) matrix.Dispose();
        }
    }

    private PooledTexts Pool(IReadOnlyList<Document> documents, TextPool pool, IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        if (host is not null)
        {
            using var pass = new ActivationPass(host.Model, host.Tokenizer, [host.Hook], host.Pass);
            return PooledTexts.Read(pass, documents, coders, pool, progress, cancellationToken);
        }

        using Matrix vectors = embedder!.Embed([.. documents.Select(document => document.Text)], cancellationToken);
        return PooledTexts.Of(vectors, coders);
    }

    private AbsorptionResult? Absorb(CancellationToken cancellationToken)
    {
        if (host!.Hook.PerText)
        {
            if (request.Absorption)
                throw new InputException($"{host.Hook.Name} has one vector for each text; first letters are read at words.");
            return null;
        }

        Console.Error.WriteLine("Reading first letters …");
        using var pass = new ActivationPass(host.Model, host.Tokenizer, [host.Hook], host.Pass);
        FirstLetters words;
        try
        {
            words = FirstLetters.Read(pass, host.Tokenizer, MostWords, 0, cancellationToken);
        }
        catch (InputException e) when (!request.Absorption)
        {
            notes.Add($"No absorption: {e.Message}");
            return null;
        }

        using (words) return Absorption.Run(words, coders, request.Splits, cancellationToken: cancellationToken);
    }

    private List<Stability> Match(CancellationToken cancellationToken)
    {
        List<Matrix> directions = [.. Enumerable.Range(0, autoencoders.Count).Select(Directions)];
        try
        {
            var found = new List<Stability>();
            for (int i = 0; i < directions.Count; i++)
            {
                for (int j = i + 1; j < directions.Count; j++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Console.Error.WriteLine($"Matching {names[i]} and {names[j]} …");
                    found.Add(Evaluation.Stability.Measure(names[i], directions[i], names[j], directions[j]));
                }
            }

            return found;
        }
        finally
        {
            foreach (Matrix matrix in directions) matrix.Dispose();
        }
    }

    private List<DecoderProjection> Project(CancellationToken cancellationToken)
    {
        if (measured is null) throw new InputException("--projection needs vectors; name files of them with --data.");
        using Matrix rows = InputStatistics.Sample(measured, ProjectedRows, 0);
        var found = new List<DecoderProjection>();
        for (int i = 0; i < autoencoders.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (autoencoders[i].OutputWidth != rows.Columns && request.All) continue;
            using Matrix directions = Directions(i);
            found.Add(DecoderProjection.Measure(coders[i], directions, rows));
        }

        return found;
    }

    private Matrix Directions(int place)
    {
        float[] typical = measured is null ? new float[autoencoders[place].InputWidth]
            : [.. InputStatistics.Mean(RowSubset.Range(measured, 0, Math.Min(L0Rows, measured.Rows))).Select(value => (float)value)];
        Matrix directions = LatentDirections.All(coders[place], typical);
        LatentDirections.Normalize(directions);
        return directions;
    }
}
