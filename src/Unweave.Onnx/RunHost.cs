using Unweave.Hosts;
using Unweave.Runs;

namespace Unweave.Onnx;

/// <summary>What stands in for what a run recorded of its host; a null takes what was recorded.</summary>
/// <param name="Model">A model: its file, its folder, or a name that was pulled from a hub.</param>
/// <param name="Tokenizer">A tokenizer's file.</param>
/// <param name="Hook">A hook.</param>
/// <param name="Context">Tokens of a window.</param>
/// <param name="KeepSpecial">Whether rows of start and end tokens are used.</param>
/// <param name="FindsSpecial">Whether special tokens written in texts are found there.</param>
/// <param name="Inputs">What the model's inputs are fed.</param>
internal sealed record HostChoice(
    string? Model = null,
    string? Tokenizer = null,
    string? Hook = null,
    int? Context = null,
    bool? KeepSpecial = null,
    bool? FindsSpecial = null,
    IReadOnlyDictionary<string, string>? Inputs = null);

/// <summary>
/// The host of a run, open: the model, the tokenizer and the hook that its autoencoder was trained on, and how its texts were cut.
/// </summary>
internal sealed class RunHost : IDisposable
{
    private readonly Func<Hook> hook;
    private readonly string? target;

    private RunHost(OnnxHost model, ITokenizer tokenizer, Func<Hook> hook, string? target, PassOptions pass, string? note)
    {
        (Model, Tokenizer, this.hook, this.target, Pass, Note) = (model, tokenizer, hook, target, pass, note);
    }

    /// <summary>The model.</summary>
    public OnnxHost Model { get; }

    /// <summary>Its tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>The hook.</summary>
    /// <exception cref="InputException">None was recorded or chosen, or the model has no such hook.</exception>
    public Hook Hook => hook();

    /// <summary>The hook that a transcoder gives the activations of; null where that is the same.</summary>
    /// <exception cref="InputException">The model has no such hook.</exception>
    public Hook? Target => target is null ? null : Model.FindOne(target);

    /// <summary>How texts were cut into windows.</summary>
    public PassOptions Pass { get; }

    /// <summary>What a reader should know: that a chosen model or tokenizer is not the one that was trained on; else null.</summary>
    public string? Note { get; }

    /// <summary>Opens the host of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="choice">What was chosen instead.</param>
    /// <exception cref="InputException">
    /// No model is known, it is gone, or it is no longer what was trained on; the message says what to do.
    /// </exception>
    public static RunHost Open(RunFolder run, HostChoice choice)
    {
        HostReference? trained = run.Host;
        string path = choice.Model is { } named ? ModelFolder.Locate(named) : trained is null
            ? throw new InputException($"no model is named, and {run.Path} does not say which it was trained on; name it with --model.")
            : Locate(run, trained);
        OnnxHost model = OnnxHost.Open(path, threads: 0, hash => trained?.Inputs is { } inputs && Same(trained.ModelHash, hash.Value)
            ? Over(inputs, choice.Inputs)
            : choice.Inputs);
        try
        {
            bool same = trained is not null && Same(trained.ModelHash, model.Hash);
            if (trained is not null && !same && choice.Model is null)
                throw new InputException($"The model at {path} is not the one that {run.Path} was trained on: its files have changed. "
                    + $"Name the right one with --model.");
            string? recorded = same && trained!.TokenizerPath is { } file ? run.Locate(file) : null;
            bool special = choice.FindsSpecial ?? (same && trained!.FindsSpecial);
            ITokenizer tokenizer = TokenizerFile.Open(
                choice.Tokenizer ?? (File.Exists(recorded) ? recorded : ModelFolder.Tokenizer(path)), special);
            bool sameTokens = !same || trained!.TokenizerHash is not { Length: > 0 } hash || Same(hash, tokenizer.Hash);
            if (!sameTokens && choice.Tokenizer is null)
                throw new InputException($"{tokenizer.Name} is not the one that {run.Path} was trained with: its files have changed. "
                    + $"Name the right one with --tokenizer.");
            string? note = trained is not null && !same ? $"{run.Path} was trained on another model ({trained.Model}) than {path}."
                : sameTokens ? null : $"{run.Path} was trained with another tokenizer ({trained!.Tokenizer}) than {tokenizer.Name}.";
            var pass = new PassOptions
            {
                Context = choice.Context ?? (same && trained!.Context > 0 ? trained.Context : null),
                KeepSpecial = choice.KeepSpecial ?? (same && trained!.KeepSpecial),
            };
            return new RunHost(model, tokenizer, Find, choice.Hook is null ? trained?.TargetHook : null, pass, note);
        }
        catch
        {
            model.Dispose();
            throw;
        }

        Hook Find() => model.FindOne(choice.Hook ?? trained?.Hook
            ?? throw new InputException($"{run.Path} does not say which hook it was trained on; name it with --hook (`unweave hooks "
                + $"{path}` lists them)."));
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private static Dictionary<string, string> Over(
        IReadOnlyDictionary<string, string> recorded, IReadOnlyDictionary<string, string>? chosen)
    {
        var inputs = new Dictionary<string, string>(recorded, StringComparer.Ordinal);
        foreach ((string name, string what) in chosen ?? new Dictionary<string, string>(StringComparer.Ordinal)) inputs[name] = what;
        return inputs;
    }

    private static bool Same(string? one, string? other) => string.Equals(one, other, StringComparison.Ordinal);

    /// <summary>
    /// Where the model is now: as it was recorded, moved together with the run, or the copy of the same name that came with this program.
    /// </summary>
    private static string Locate(RunFolder run, HostReference trained)
    {
        string path = run.Locate(trained.Model);
        if (!path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) path = ModelFolder.Locate(path); // a hub's name, written by hand
        if (Path.Exists(path)) return path;
        string own = Path.Combine(
            AppContext.BaseDirectory, "models", Path.GetFileName(Path.GetDirectoryName(path)) ?? "", Path.GetFileName(path));
        return File.Exists(own) ? own : throw new InputException(
            $"The model of {run.Path} is no longer at {trained.Model}; put it back there, name its new place in {RunFolder.HostName}, "
                + $"or name it with --model.");
    }
}
