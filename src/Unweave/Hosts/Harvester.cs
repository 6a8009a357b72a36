using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>Runs a host model over a corpus and keeps what it reads at some hooks: in a folder of shards, or as a stream of rows.</summary>
public static class Harvester
{
    /// <summary>The setting that is there when special tokens written in texts were found.</summary>
    internal const string SpecialTokens = "special tokens";

    private const string Windows = "windows", TextRows = "rows", Input = "input ";

    /// <summary>Describes a harvest of texts before it is made.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="hooks">The hooks.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="options">Context, batches and special tokens.</param>
    /// <param name="type">How activations are stored.</param>
    /// <param name="rowsPerShard">Rows of a shard.</param>
    public static HarvestManifest Describe(
        IHostModel model,
        ITokenizer tokenizer,
        IReadOnlyList<Hook> hooks,
        TextCorpus corpus,
        PassOptions options,
        ElementType type = ElementType.Float16,
        int rowsPerShard = 65_536)
    {
        ArgumentNullException.ThrowIfNull(corpus);
        return Describe(model, tokenizer, hooks, new HarvestInput(corpus.Name, corpus.Fingerprint), options, type, rowsPerShard);
    }

    /// <summary>Describes a harvest of texts that are token ids already.</summary>
    internal static HarvestManifest Describe(
        IHostModel model,
        IReadOnlyList<Hook> hooks,
        ArrayFile ids,
        PassOptions options,
        ElementType type = ElementType.Float16,
        int rowsPerShard = 65_536)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return Describe(model, Ids(model), hooks, new HarvestInput(ids.Name, ArrayHarvester.ContentHash([ids])), options, type,
            rowsPerShard);
    }

    /// <summary>A tokenizer for texts that are ids of a model already.</summary>
    internal static TokenIds Ids(IHostModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new TokenIds(model.Vocabulary ?? int.MaxValue);
    }

    private static HarvestManifest Describe(
        IHostModel model,
        ITokenizer tokenizer,
        IReadOnlyList<Hook> hooks,
        HarvestInput corpus,
        PassOptions options,
        ElementType type,
        int rowsPerShard)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(hooks);
        ArgumentNullException.ThrowIfNull(options);
        return new HarvestManifest
        {
            Model = new HarvestInput(model.Name, model.Hash),
            Tokenizer = new HarvestInput(tokenizer.Name, tokenizer.Hash),
            Corpus = corpus,
            Hooks = [.. hooks.Select(hook => new HarvestHook(hook.Name, hook.Width))],
            ElementType = type,
            ContextLength = options.ContextOf(model, tokenizer),
            KeepsStart = options.KeepSpecial,
            RowsPerShard = rowsPerShard,
            UnknownToken = tokenizer.Unknown,
            Settings = Settings(model, tokenizer, hooks.Any(hook => hook.PerText)),
        };
    }

    private static Dictionary<string, string> Settings(IHostModel model, ITokenizer tokenizer, bool perText)
    {
        Dictionary<string, string> settings = InputSettings(model.Input);
        if (perText) settings[TextRows] = "one for each document, of its first window";
        else settings[Windows] = "from the start of each document, one after another, each with its own start token";
        if (tokenizer.FindsSpecial) settings[SpecialTokens] = "found in texts";
        return settings;
    }

    /// <summary>Whether each text has one row in a harvest, instead of one for each token.</summary>
    public static bool IsPerText(HarvestManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return manifest.Settings.ContainsKey(TextRows);
    }

    /// <summary>The settings that say what a person chose to feed.</summary>
    internal static Dictionary<string, string> InputSettings(HostInput input) =>
        input.Chosen.ToDictionary(one => Input + one.Key, one => one.Value, StringComparer.Ordinal);

    /// <summary>What a person chose to feed, by input, as a harvest's settings say it; null where nothing was chosen.</summary>
    internal static Dictionary<string, string>? Inputs(IReadOnlyDictionary<string, string> settings)
    {
        var chosen = settings.Where(one => one.Key.StartsWith(Input, StringComparison.Ordinal))
            .ToDictionary(one => one.Key[Input.Length..], one => one.Value, StringComparer.Ordinal);
        return chosen.Count > 0 ? chosen : null;
    }

    /// <summary>Runs the documents that a harvest does not have yet, and completes it.</summary>
    /// <param name="pass">The model at its hooks.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="writer">The harvest.</param>
    /// <param name="rows">Rows to stop after, at the end of a document.</param>
    /// <param name="progress">Told the number of rows after each document.</param>
    /// <param name="cancellationToken">Stops between documents; what the open shard has is lost, the harvest can be resumed.</param>
    public static void Run(
        ActivationPass pass,
        TextCorpus corpus,
        HarvestWriter writer,
        long rows = long.MaxValue,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(corpus);
        Run(pass, corpus.Name, from => corpus.Documents(from), writer, rows, progress, corpus.MalformedFrom, cancellationToken);
    }

    /// <summary>The same for documents from elsewhere.</summary>
    /// <param name="pass">The model at its hooks.</param>
    /// <param name="name">What the documents are, for messages.</param>
    /// <param name="documents">The documents from a number on.</param>
    /// <param name="writer">The harvest.</param>
    /// <param name="rows">Rows to stop after, at the end of a document.</param>
    /// <param name="progress">Told the number of rows after each document.</param>
    /// <param name="malformed">Numbers, from one on, of documents met so far that could not be read; null where all can be.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    internal static void Run(
        ActivationPass pass,
        string name,
        Func<long, IEnumerable<(long Number, Document Document)>> documents,
        HarvestWriter writer,
        long rows = long.MaxValue,
        IProgress<long>? progress = null,
        Func<long, IReadOnlyList<long>>? malformed = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pass);
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(writer);
        if (writer.Finished) return;
        long next = writer.NextDocument; // documents before it are in the harvest
        bool whole = true;
        if (writer.Rows < rows)
        {
            foreach (DocumentRows document in pass.Run(documents(writer.NextDocument), cancellationToken))
            {
                PassOver(document.Number);
                writer.Append(
                    document.Number,
                    document.Document.Id,
                    document.RowTokens,
                    document.RowPositions,
                    document.Activations,
                    document.FirstRow);
                progress?.Report(writer.Rows);
                cancellationToken.ThrowIfCancellationRequested();
                if (!document.Last || writer.Rows < rows) continue;
                whole = false;
                break;
            }

            if (whole) PassOver(long.MaxValue);
        }

        if (writer.Rows == 0)
            throw new InputException($"{name}: there is no token in these texts, so there are no activations to harvest.");
        writer.Complete();

        // The pass reads ahead, so that more may have been met than come before a document.
        void PassOver(long before)
        {
            foreach (long number in (malformed?.Invoke(next) ?? []).TakeWhile(number => number < before)) writer.PassOver(number);
            next = Math.Max(next, before);
        }
    }

    /// <summary>The rows of one hook as blocks, a document or a piece of one each, for training on the way.</summary>
    /// <param name="pass">The model at one hook.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    public static IEnumerable<Matrix> Stream(ActivationPass pass, TextCorpus corpus, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pass);
        ArgumentNullException.ThrowIfNull(corpus);
        return pass.Run(corpus.Documents(), cancellationToken).Select(document => document.Activations[0]);
    }
}
