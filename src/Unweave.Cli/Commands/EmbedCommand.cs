using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave embed</c>: texts to vectors, by a sentence encoder.</summary>
internal static class EmbedCommand
{
    private static readonly Dictionary<string, TextPooling> Poolings = new(StringComparer.Ordinal)
    {
        ["mean"] = TextPooling.Mean,
        ["cls"] = TextPooling.Cls,
        ["last"] = TextPooling.Last,
        ["max"] = TextPooling.Max,
        ["model"] = TextPooling.Model,
    };

    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["fp32"] = ElementType.Float32,
        ["fp16"] = ElementType.Float16,
    };

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var texts = new Argument<string>("TEXTS")
        {
            Description = "Texts: a file (plain with a text a line, .jsonl, .csv, .tsv, .parquet, each also .gz or .zst), a folder of such "
                + "files, or a quoted glob. Each text becomes a row, empty ones too.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            HelpName = "FILE",
            Description = "Where the vectors go: FILE.npy, or FILE.safetensors with the tensor " + TextVectors.TensorName + ".",
        };
        var model = new Option<string?>("--model", "-m")
        {
            HelpName = "FOLDER",
            Description = "Sentence encoder: a folder as sentence-transformers has it with its ONNX file, that file, or the name of one "
                + "fetched by `unweave pull`; left out, the one that comes with Unweave (all-MiniLM-L6-v2 in 8 bits).",
        };
        var tokenizer = new Option<string?>("--tokenizer")
        {
            HelpName = "FILE",
            Description = "Tokenizer; left out, the one in the model's folder.",
        };
        var column = new Option<string?>("--text-column")
        {
            HelpName = "NAME",
            Description = "Field or column with the texts. [default: text]",
        };
        var pooling = new Option<string?>("--pooling")
        {
            HelpName = string.Join('|', Poolings.Keys),
            Description = "How the vectors of tokens become a text's: their mean, the first token's, the last token's, the largest of each "
                + "number, or an output that the model pools itself; left out, as the model's files say.",
        };
        pooling.AcceptOnlyFromAmong([.. Poolings.Keys]);
        var prefix = new Option<string?>("--prefix")
        {
            HelpName = "TEXT",
            Description = "What is written before each text; left out, as the model's files say of documents.",
        };
        var query = new Option<bool>("--query") { Description = "The texts are queries: the model's prefix for queries is used." };
        var length = new Option<int?>("--length")
        {
            HelpName = "N",
            Description = "The most tokens of a text, whose rest is left out; left out, as the model's files say.",
        };
        var raw = new Option<bool>("--raw") { Description = "Leave vectors as long as the model makes them, instead of 1." };
        var type = new Option<string>("--type")
        {
            HelpName = string.Join('|', Types.Keys),
            Description = "How vectors are stored.",
            DefaultValueFactory = _ => "fp32",
        };
        type.AcceptOnlyFromAmong([.. Types.Keys]);
        Option<string[]> inputs = HostFlags.InputOption();
        var command = new Command("embed", "Turns texts into vectors.\n\nA sentence encoder gives texts of like meaning like vectors. Row "
            + "i is text i, so that the same texts tell what an autoencoder trained on the vectors has learned.")
        {
            texts, output, model, tokenizer, column, pooling, prefix, query, length, raw, type, inputs,
        };
        help.AddExamples(
            command,
            "unweave embed texts.jsonl -o vectors.npy",
            "unweave embed reviews.csv --text-column review -o vectors.safetensors --type fp16",
            "unweave embed questions.txt --model e5-small/ --query -o queries.npy",
            "unweave embed texts.txt --model encoder.onnx --pooling cls --prefix 'passage: ' --length 128 -o vectors.npy");
        command.SetAction((parsed, cancellationToken) =>
        {
            string file = parsed.GetValue(output) ?? throw new InputException("no file is named; give one with -o, such as vectors.npy.");
            TextVectors.CheckEnding(file);
            var corpus = TextCorpus.Open(parsed.GetValue(texts)!, parsed.GetValue(column));
            string? before = parsed.GetValue(prefix);
            using OnnxEmbedder embedder = OnnxEmbedder.Open(
                parsed.GetValue(model) is { } named ? ModelFolder.Locate(named) : EmbeddedModel.Encoder,
                new EmbedderOptions
                {
                    Pooling = parsed.GetValue(pooling) is { } chosen ? Poolings[chosen] : null,
                    DocumentPrefix = before,
                    QueryPrefix = before,
                    Length = parsed.GetValue(length),
                    UnitLength = !parsed.GetValue(raw),
                    Tokenizer = parsed.GetValue(tokenizer),
                    Inputs = HostFlags.Inputs(parsed.GetValue(inputs)),
                });
            foreach (string note in embedder.Notes) Console.Error.WriteLine(note);
            var display = new RowsDisplay("embedded", 0, TimeProvider.System);
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["model"] = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(embedder.Name))!),
                ["embedder"] = embedder.Identity,
                ["pooling"] = Named(embedder.Pooling),
            };
            long rows = TextVectors.Write(file, corpus.Texts(), parsed.GetValue(query) ? embedder.Queries : embedder,
                Types[parsed.GetValue(type)!], metadata, new Shown(display), cancellationToken);
            RowsDisplay.Clear();
            if (parsed.GetValue(json)) Screen.WriteJson(Result(file, rows, embedder, display));
            else Write(file, rows, embedder, display, Beside(parsed.GetValue(texts)!, parsed.GetValue(column)));
            return Task.CompletedTask;
        });
        return command;
    }

    private static JsonObject Result(string file, long rows, OnnxEmbedder embedder, RowsDisplay display) => new()
    {
        ["output"] = file,
        ["rows"] = rows,
        ["width"] = embedder.Width,
        ["model"] = embedder.Name,
        ["embedder"] = embedder.Identity,
        ["pooling"] = Named(embedder.Pooling),
        ["length"] = embedder.Length,
        ["textsCut"] = embedder.TextsCut,
        ["seconds"] = Math.Round(display.Elapsed.TotalSeconds, 3),
    };

    private static void Write(string file, long rows, OnnxEmbedder embedder, RowsDisplay display, string texts)
    {
        Console.Out.WriteLine($"{file} has {Figures.Count(rows)} vectors of {embedder.Width} numbers, "
            + $"{Figures.Short(rows / display.Elapsed.TotalSeconds)} texts/s.");
        if (embedder.TextsCut > 0)
        {
            Console.Out.WriteLine($"{Figures.Count(embedder.TextsCut)} of the texts had more than {Figures.Count(embedder.Length)} tokens, "
                + "whose rest is not in their vectors.");
        }

        Console.Out.WriteLine($"Train on them: unweave train {file} --k 32 --latents 4096 -o sae/");
        Console.Out.WriteLine($"Then see what the latents mean: unweave features build sae/ {file} {texts}");
    }

    // The flags that name the texts beside the vectors.
    private static string Beside(string texts, string? column) => $"--text {texts}{(column is null ? "" : $" --text-column {column}")}";

    private static string Named(TextPooling pooling) => Poolings.First(entry => entry.Value == pooling).Key;

    private sealed class Shown(RowsDisplay display) : IProgress<long>
    {
        public void Report(long value) => display.Report(value);
    }
}
