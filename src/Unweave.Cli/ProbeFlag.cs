using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Autoencoders;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;

namespace Unweave.Cli;

/// <summary>The flag that has an autoencoder prove itself on rows of its hook.</summary>
internal sealed class ProbeFlag
{
    private readonly Option<string?> probe = new("--probe")
    {
        HelpName = "FILES",
        Description = "Vectors of its hook, or a harvest: says how well some of them are reconstructed, and what is wrong if they are not.",
    };

    private readonly Option<string?> tensor = new("--tensor")
    {
        HelpName = "NAME",
        Description = "With --probe: tensor or column that holds the vectors; left out, the only one of rank 2.",
    };

    /// <summary>Adds the flags to a command.</summary>
    public ProbeFlag(Command command)
    {
        command.Add(probe);
        command.Add(tensor);
    }

    /// <summary>Measures an autoencoder on the rows that are named; null where none are.</summary>
    public LoadProbe? Run(ParseResult parsed, SparseAutoencoder autoencoder, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(probe) is not { } files) return null;
        using ActivationFiles source = ActivationFiles.Open([files], parsed.GetValue(tensor));
        return LoadProbe.Run(autoencoder, source, cancellationToken);
    }

    /// <summary>For people.</summary>
    public static void Write(LoadProbe? probe)
    {
        if (probe is null) return;
        string fvu = probe.Fvu is { } value ? $"FVU {Figures.Short(value)}, " : "";
        Console.Out.WriteLine($"On {Figures.Count(probe.Rows)} rows: {fvu}L0 {Figures.Short(probe.L0)}, {Figures.Count(probe.Dead)} of "
            + $"{Figures.Count(probe.Latents)} latents fire on none.");
        foreach (string concern in probe.Concerns) Screen.Results.MarkupLine($"[yellow]{Markup.Escape(concern)}[/]");
    }

    /// <summary>As JSON; null where nothing was measured.</summary>
    public static JsonObject? ToJson(LoadProbe? probe) => probe is null ? null : new JsonObject
    {
        ["rows"] = probe.Rows,
        ["fvu"] = probe.Fvu is { } fvu && double.IsFinite(fvu) ? fvu : null,
        ["l0"] = probe.L0,
        ["latents"] = probe.Latents,
        ["dead"] = probe.Dead,
        ["concerns"] = new JsonArray([.. probe.Concerns.Select(concern => (JsonNode)concern)]),
    };
}
