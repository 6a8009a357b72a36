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
        var query = new Option<bool>("--query") { Description = "The texts are queries: the model's prefix for queries is used." };
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
            texts, output, tokenizer, column, query, raw, type, inputs,
        };
        var flags = new EmbedderFlags();
        flags.AddTo(command);
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
            using OnnxEmbedder embedder = flags.Open(parsed, new EmbedderOptions
            {
                UnitLength = !parsed.GetValue(raw),
                Tokenizer = parsed.GetValue(tokenizer),
                Inputs = HostFlags.Inputs(parsed.GetValue(inputs)),
            });
            var display = new RowsDisplay("embedded", 0, TimeProvider.System);
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["model"] = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(embedder.Name))!),
                ["embedder"] = embedder.Identity,
                ["pooling"] = Named(embedder.Pooling),
            };
            long rows = TextVectors.Write(file, corpus.Texts(), parsed.GetValue(query) ? embedder.Queries : embedder,
                Types[parsed.GetValue(type)!], metadata, display, cancellationToken);
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

    private static string Named(TextPooling pooling) => pooling.ToString().ToLowerInvariant();
}
