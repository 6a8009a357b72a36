using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave encode</c>: vectors to sparse codes.</summary>
internal static class EncodeCommand
{
    private const int BlockRows = 4096;

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var files = new Argument<string[]>("FILES")
        {
            Description = "Files of vectors, [rows, d]: npy, npz, safetensors or Parquet; paths or quoted globs.",
            Arity = ArgumentArity.OneOrMore,
        };
        var sae = new Option<string>("--sae")
        {
            HelpName = "PATH",
            Description = "Trained sparse autoencoder: the folder of its run, or its file.",
            DefaultValueFactory = _ => "sae",
        };
        var output = new Option<string>("--output", "-o")
        {
            HelpName = "FILE",
            Description =
                "Where the codes go: FILE.npz (arrays starts, latents, values, shape), FILE.jsonl (a line a row), or - for JSON lines on "
                + "standard output.",
            DefaultValueFactory = _ => "codes.npz",
        };
        var tensor = new Option<string>("--tensor")
        {
            HelpName = "NAME",
            Description = "Tensor or column that holds the vectors; left out, the only one of rank 2.",
        };
        var command = new Command("encode", "Encodes vectors into sparse codes.\n\n"
            + "A code is the active latents of a row and how strongly they are.")
        {
            files, sae, output, tensor,
        };
        help.AddExamples(command, "unweave encode vectors.npy --sae sae/ -o codes.npz",
            "unweave encode vectors.npy --sae sae/ -o codes.jsonl");
        command.SetAction((parsed, cancellationToken) =>
        {
            Run(parsed.GetValue(files)!, parsed.GetValue(sae)!, parsed.GetValue(output)!, parsed.GetValue(tensor), parsed.GetValue(json),
                cancellationToken);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(string[] files, string sae, string output, string? tensor, bool json, CancellationToken cancellationToken)
    {
        bool toScreen = output is "-";
        if (toScreen && json) throw new InputException("-o - and --json both write to standard output; leave one of them out.");
        if (!toScreen) SparseCodesFile.CheckEnding(output);
        using ActivationFiles source = ActivationFiles.Open(files, tensor).Ended();
        if (!Path.Exists(sae))
            throw new InputException($"--sae is {sae}, but there is no such run or file; name the folder of a trained autoencoder.");
        using SparseAutoencoder autoencoder = SparseAutoencoder.Load(sae);
        if (source.Width != autoencoder.InputWidth)
            throw new InputException(
                $"{source.Name} has vectors of width {source.Width}, but {sae} was trained on width {autoencoder.InputWidth}; give "
                + "vectors of the same model and layer.");
        var display = new RowsDisplay("encoded", source.Rows, TimeProvider.System);
        IEnumerable<SparseCodes> blocks = Blocks(autoencoder, source, display, cancellationToken);
        if (toScreen)
        {
            using Stream screen = Console.OpenStandardOutput();
            using var buffered = new BufferedStream(screen, 1 << 16);
            SparseCodesFile.WriteJsonLines(buffered, blocks);
            return;
        }

        long entries = SparseCodesFile.Write(output, autoencoder.Latents, blocks);
        RowsDisplay.Clear();
        if (json)
            Screen.WriteJson(new JsonObject
            {
                ["output"] = output,
                ["rows"] = source.Rows,
                ["latents"] = autoencoder.Latents,
                ["entries"] = entries,
                ["seconds"] = Math.Round(display.Elapsed.TotalSeconds, 3),
            });
        else Console.Out.WriteLine(
            $"Encoded {Figures.Count(source.Rows)} rows into {Figures.Short((double)entries / source.Rows)} latents each, of "
            + $"{Figures.Count(autoencoder.Latents)}. Written to {output}.");
    }

    private static IEnumerable<SparseCodes> Blocks(SparseAutoencoder autoencoder, ActivationFiles source, RowsDisplay display,
        CancellationToken cancellationToken)
    {
        var codes = new SparseCodes(autoencoder.Latents);
        for (long first = 0; first < source.Rows; first += BlockRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using Matrix x = source.Rows(first, (int)Math.Min(BlockRows, source.Rows - first));
            autoencoder.Encode(x, codes);
            yield return codes;
            display.Report(first + x.Rows);
        }
    }
}
