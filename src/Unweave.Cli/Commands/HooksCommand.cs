using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave hooks</c>: where a model's activations can be read and replaced.</summary>
internal static class HooksCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var model = new Argument<string>("MODEL")
        {
            Description = "An ONNX file, a folder with one, or the name of one fetched by `unweave pull`.",
        };
        var pattern = new Argument<string?>("PATTERN")
        {
            Description = "Only hooks of this name; * stands for any text.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var all = new Option<bool>("--all", "-a") { Description = "List every tensor of floats, not only those with a short name." };
        Option<string[]> inputs = HostFlags.InputOption();
        var command = new Command("hooks", "Lists where a model can be read and changed.\n\n"
            + "These are the places where its activations can be read and replaced.")
        {
            model, pattern, all, inputs,
        };
        help.AddExamples(command, "unweave hooks models/english-4m", "unweave hooks gpt2/model.onnx 'blocks.*.mlp'");
        command.SetAction((parsed, _) =>
        {
            using OnnxHost host = OnnxHost.Open(
                ModelFolder.Locate(parsed.GetValue(model)!), inputs: HostFlags.Inputs(parsed.GetValue(inputs)));
            bool named = host.Hooks.Any(hook => hook.Kind != HookKind.Tensor);
            IReadOnlyList<Hook> shown = parsed.GetValue(pattern) is { } wanted ? host.Find(wanted)
                : parsed.GetValue(all) || !named ? host.Hooks : [.. host.Hooks.Where(hook => hook.Kind != HookKind.Tensor)];
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(host, shown));
            else Write(host, shown, tensors: parsed.GetValue(all) || parsed.GetValue(pattern) is not null);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Write(OnnxHost host, IReadOnlyList<Hook> shown, bool tensors)
    {
        Console.Out.WriteLine(host.Name);
        Console.Out.WriteLine(Describe(host));
        foreach (string note in host.Notes) Console.Out.WriteLine(note);
        tensors &= shown.Any(hook => hook.Kind != HookKind.Tensor);
        Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("hook")).AddColumn(Heading.Words("shape").NoWrap())
            .AddColumn(Heading.Words("features")).AddColumn(Heading.Words("what it is"));
        if (tensors) table.AddColumn(Heading.Words("tensor in the graph"));
        foreach (Hook hook in shown)
        {
            List<string> cells = [hook.Name, $"[{string.Join(", ", hook.Shape)}]", Features(hook), Describe(hook.Kind)];
            if (tensors) cells.Add(hook.Kind == HookKind.Tensor ? "" : hook.Tensor);
            table.AddRow([.. cells.Select(cell => new Text(cell))]);
        }

        Screen.Results.Write(table);
        int others = host.Hooks.Count - shown.Count;
        if (others > 0)
            Console.Out.WriteLine($"{Figures.Count(others)} more tensors: --all lists them, a pattern such as '*norm*' finds some.");
    }

    // How long a vector is, and along which axis it lies where that is not the last.
    private static string Features(Hook hook) => hook.FeatureAxis == hook.Shape.Count - 1
        ? Figures.Count(hook.Width)
        : $"{Figures.Count(hook.Width)} (axis {hook.FeatureAxis})";

    private static IEnumerable<string> Axes(IEnumerable<int?> shape) =>
        shape.Select(axis => axis is { } length ? Figures.Count(length) : "?").Prepend("batch");

    private static string Describe(OnnxHost host)
    {
        if (!host.Input.Tokens)
            return $"fed {string.Join(", ", host.Input.Arrays.Select(array => $"{array.Name} [{string.Join(", ", Axes(array.Shape))}]"))}";
        List<string> facts = [host.PredictsTokens ? "language model" : "token encoder"];
        facts.Add(host.Input.Causal ? "causal" : "both directions");
        if (host.Vocabulary is { } vocabulary) facts.Add($"{Figures.Count(vocabulary)} tokens");
        if (host.Input.Context is { } context) facts.Add($"context {Figures.Count(context)}");
        return string.Join(", ", facts);
    }

    private static string Describe(HookKind kind) => kind switch
    {
        HookKind.Embedding => "the stream into the first block",
        HookKind.Residual => "residual stream after the block",
        HookKind.ResidualMiddle => "stream between attention and MLP",
        HookKind.AttentionOutput => "what attention adds",
        HookKind.AttentionHeads => "heads, before the output projection",
        HookKind.BranchOutput => "what the branch adds",
        HookKind.Neurons => "neurons of the MLP",
        HookKind.Final => "what the unembedding reads",
        _ => "",
    };

    private static JsonObject ToJson(OnnxHost host, IReadOnlyList<Hook> shown) => new()
    {
        ["model"] = host.Name,
        ["sha256"] = host.Hash,
        ["tokens"] = host.Input.Tokens,
        ["causal"] = host.Input.Causal,
        ["vocabulary"] = host.Vocabulary,
        ["context"] = host.Input.Context,
        ["notes"] = new JsonArray([.. host.Notes.Select(note => JsonValue.Create(note))]),
        ["hooks"] = new JsonArray([.. shown.Select(hook => new JsonObject
        {
            ["name"] = hook.Name,
            ["tensor"] = hook.Tensor,
            ["kind"] = hook.Kind.ToString(),
            ["shape"] = new JsonArray([.. hook.Shape.Select(axis => JsonValue.Create(axis))]),
            ["width"] = hook.Width,
            ["featureAxis"] = hook.FeatureAxis,
        })]),
    };
}
