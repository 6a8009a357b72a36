using System.CommandLine;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Cli;

/// <summary>The flags that name a host model, what to read of it, and the texts to run it on.</summary>
internal sealed class HostFlags
{
    private readonly Option<string> model = new("--model", "-m")
    {
        HelpName = "MODEL",
        Description = "Host model: an ONNX file, a folder with one, or the name of one fetched by `unweave pull`.",
    };
    private readonly Option<string> tokenizer = new("--tokenizer")
    {
        HelpName = "FILE",
        Description = "Tokenizer; left out, the one in the model's folder.",
    };
    private readonly Option<string> text = new("--text")
    {
        HelpName = "TEXTS",
        Description =
            "Texts: a file (plain, .jsonl, .csv, .tsv, .parquet, each also .gz or .zst), a folder of such files, or a quoted glob. "
            + "Beside vectors, one for each: a plain file has one a line.",
    };
    private readonly Option<string> column = new("--text-column")
    {
        HelpName = "NAME",
        Description = "Field or column with the texts. [default: text]",
    };
    private readonly Option<bool> strict = new("--strict")
    {
        Description = "Stop at the first document that cannot be read, which otherwise is named, counted and skipped.",
    };
    private readonly Option<int?> context = new("--context")
    {
        HelpName = "N",
        Description = "Tokens of a window; left out, that of the run, or else the model's context, at most 1,024.",
    };
    private readonly Option<string[]> inputs = InputOption();
    private readonly Option<bool> special = new("--special")
    {
        Description = "Find special tokens written in texts, such as the markers of a chat; otherwise they are text.",
    };
    private readonly Option<bool> keepSpecial = new("--keep-special") { Description = "Use the activations of start and end tokens too." };

    /// <summary>Adds the flags to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="texts">Whether it reads texts; otherwise only the model and the tokenizer are named.</param>
    public HostFlags(Command command, bool texts = true)
    {
        Option[] always = [model, tokenizer, special, inputs];
        foreach (Option option in texts ? (Option[])[.. always, text, column, strict, context, keepSpecial] : always) command.Add(option);
    }

    /// <summary>The flag that says what inputs of a model are fed.</summary>
    public static Option<string[]> InputOption() => new("--input")
    {
        HelpName = "NAME=WHAT",
        Description = "What an input of the model is fed, where the guess is wrong: ids, mask, segments, positions, zeros, ones, array, or "
            + "an array's lengths (1x3x224x224; 0 stays free). May be given several times.",
    };

    /// <summary>What the inputs of a model are fed, by name.</summary>
    /// <param name="given">As they are given to <see cref="InputOption"/>.</param>
    /// <exception cref="InputException">One is not of the form NAME=WHAT.</exception>
    public static IReadOnlyDictionary<string, string> Inputs(string[]? given)
    {
        var chosen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string one in given ?? [])
        {
            int at = one.LastIndexOf('=');
            if (at <= 0 || at == one.Length - 1)
                throw new InputException($"--input {one} is not of the form NAME=WHAT; write for instance --input mask=zeros.");
            chosen[one[..at]] = one[(at + 1)..];
        }

        return chosen;
    }

    /// <summary>Opens a model.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="path">Its path.</param>
    public OnnxHost OpenModel(ParseResult parsed, string path) => OnnxHost.Open(path, inputs: Inputs(parsed.GetValue(inputs)));

    /// <summary>Whether a model is named.</summary>
    public bool HasModel(ParseResult parsed) => parsed.GetValue(model) is not null;

    /// <summary>Whether texts are named.</summary>
    public bool HasText(ParseResult parsed) => parsed.GetValue(text) is not null;

    /// <summary>The path of the model.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="otherwise">What to take when none is named.</param>
    /// <exception cref="InputException">None is named and there is no other.</exception>
    public string ModelPath(ParseResult parsed, string? otherwise = null)
    {
        string named = parsed.GetValue(model) ?? otherwise
            ?? throw new InputException("no model is named; give --model with an ONNX file or a folder with one.");
        return ModelFolder.Locate(named);
    }

    /// <summary>Opens the host of a run: as it was recorded, but for what the flags name.</summary>
    /// <param name="run">The run.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="hook">The hook named; null takes the one recorded.</param>
    public RunHost Open(RunFolder run, ParseResult parsed, string? hook)
    {
        bool? kept = Given(keepSpecial), found = Given(special);
        var choice = new HostChoice(parsed.GetValue(model), parsed.GetValue(tokenizer), hook, parsed.GetValue(context), kept, found,
            Inputs(parsed.GetValue(inputs)));
        var host = RunHost.Open(run, choice);
        if (host.Note is not null) Console.Error.WriteLine(host.Note);
        return host;

        bool? Given(Option<bool> flag) => parsed.GetResult(flag) is { Implicit: false } ? parsed.GetValue(flag) : null;
    }

    /// <summary>Opens the tokenizer.</summary>
    public ITokenizer Tokenizer(ParseResult parsed, string path)
    {
        ITokenizer opened = TokenizerFile.Open(parsed.GetValue(tokenizer) ?? ModelFolder.Tokenizer(path), parsed.GetValue(special));
        if (opened.Note is not null) Console.Error.WriteLine(opened.Note);
        return opened;
    }

    /// <summary>Opens the texts.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="otherwise">What to take when none are named.</param>
    /// <exception cref="InputException">None are named and there are no others.</exception>
    public TextCorpus Corpus(ParseResult parsed, string? otherwise = null)
    {
        string named = parsed.GetValue(text) ?? otherwise
            ?? throw new InputException("no texts are named; give --text with a file or a folder.");
        var corpus = TextCorpus.Open(named, parsed.GetValue(column), parsed.GetValue(strict));
        if (corpus.LeftOut is [string first, ..])
        {
            string others = corpus.LeftOut.Count > 1 ? $" and {corpus.LeftOut.Count - 1} more" : "";
            Console.Error.WriteLine($"unweave: warning: {first}{others} left out: only gzip and zstd are unpacked; unpack it yourself.");
        }

        return corpus;
    }

    /// <summary>How documents are run.</summary>
    public PassOptions Pass(ParseResult parsed) => new() { Context = parsed.GetValue(context), KeepSpecial = parsed.GetValue(keepSpecial) };
}
