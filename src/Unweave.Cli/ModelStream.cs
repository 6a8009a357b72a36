using System.CommandLine;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Training;

namespace Unweave.Cli;

/// <summary>A model's activations over texts, to train on as they are made, with nothing on the disk.</summary>
internal sealed class ModelStream : IDisposable
{
    private const int HeldOut = 8192;

    private readonly OnnxHost model;
    private readonly ITokenizer tokenizer;
    private readonly ActivationPass read;
    private readonly PassOptions pass;
    private readonly Hook hook;
    private readonly string path;
    private readonly int buffer;

    private ModelStream(HostFlags flags, ParseResult parsed, string? hookName, int buffer)
    {
        this.buffer = buffer;
        path = flags.ModelPath(parsed);
        model = flags.OpenModel(parsed, path);
        try
        {
            tokenizer = flags.Tokenizer(parsed, path);
            Corpus = flags.Corpus(parsed);
            hook = model.FindOne(
                hookName ?? throw new InputException($"no hook is named; give --hook (`unweave hooks {path}` lists them)."));
            pass = flags.Pass(parsed);
            read = new ActivationPass(model, tokenizer, [hook], pass);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The texts.</summary>
    public TextCorpus Corpus { get; }

    /// <summary>Length of a row.</summary>
    public int Width => hook.Width;

    /// <summary>What it is, for people.</summary>
    public string Name => $"{hook.Name} of {path} over {Corpus.Name}";

    /// <summary>Where the rows come from, as runs keep it.</summary>
    public HostReference Origin => new(model.Name, model.Hash, tokenizer.Name, tokenizer.Hash, hook.Name, read.Context, pass.KeepSpecial)
    {
        FindsSpecial = tokenizer.FindsSpecial,
        Inputs = model.Input.Chosen.Count > 0 ? model.Input.Chosen : null,
    };

    /// <summary>Opens the model and the texts that flags name.</summary>
    /// <param name="flags">The flags.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="hook">Where to read.</param>
    /// <param name="buffer">Rows that are shuffled at once.</param>
    /// <param name="batch">Rows of the largest batch.</param>
    /// <param name="data">Files of vectors that are named too, which is one too many.</param>
    public static ModelStream Open(HostFlags flags, ParseResult parsed, string? hook, int buffer, int batch, IReadOnlyList<string> data)
    {
        if (data.Count > 0)
            throw new InputException($"{data[0]} and --model are both given; train on files of vectors, or on a model's activations.");
        if (buffer < batch)
            throw new InputException(
                $"--buffer is {buffer}, less than a batch of {batch}; give some hundred batches, so that documents mix.");
        return new ModelStream(flags, parsed, hook, buffer);
    }

    /// <summary>Its rows in the order of a run.</summary>
    public StreamedData Rows(TrainingOptions options)
    {
        int held = options.Validation > 0 ? HeldOut : 0;
        return new StreamedData(() => Harvester.Stream(read, Corpus, CancellationToken.None), hook.Width, buffer, options.Seed, held,
            $"{hook.Name} of {path}")
        {
            Fingerprint = string.Join(' ', model.Hash, tokenizer.Hash, hook.Name, read.Context, pass.KeepSpecial, Corpus.Fingerprint,
                buffer, held) + (tokenizer.FindsSpecial ? " special" : "")
                + string.Concat(model.Input.Chosen.OrderBy(one => one.Key, StringComparer.Ordinal)
                    .Select(one => $" {one.Key}={one.Value}")),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        read.Dispose();
        model.Dispose();
    }
}
