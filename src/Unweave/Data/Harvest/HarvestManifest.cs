using System.Text.Json.Serialization;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>Something that a harvest was made from: the model, the tokenizer or the corpus.</summary>
/// <param name="Name">What it is, for people: a path or a description.</param>
/// <param name="Sha256">
/// SHA-256 in hexadecimal that tells it from another: of a model's or tokenizer's files, of arrays' numbers, or
/// <see cref="TextCorpus.Fingerprint"/>.
/// </param>
public sealed record HarvestInput(string Name, string Sha256);

/// <summary>A place in a model at which activations are read.</summary>
/// <param name="Name">The hook's name in the model.</param>
/// <param name="Width">Length d of its rows.</param>
public sealed record HarvestHook(string Name, int Width);

/// <summary>
/// What a harvest is: what it was made from and how its rows are kept. Two harvests of equal manifests have equal rows, so that one may go
/// on with the other.
/// </summary>
public sealed record HarvestManifest
{
    /// <summary>The most rows a shard may be asked to have: the index of an open shard is in memory.</summary>
    public const int MostRowsPerShard = 1 << 20;

    /// <summary>The host model.</summary>
    public required HarvestInput Model { get; init; }

    /// <summary>The tokenizer.</summary>
    public required HarvestInput Tokenizer { get; init; }

    /// <summary>The texts.</summary>
    public required HarvestInput Corpus { get; init; }

    /// <summary>The hooks, one or more, each with a name of its own.</summary>
    public required IReadOnlyList<HarvestHook> Hooks { get; init; }

    /// <summary>
    /// How activations are stored: <see cref="Formats.ElementType.Float32"/>, <see cref="Formats.ElementType.Float16"/> (to ±65,504) or
    /// <see cref="Formats.ElementType.BFloat16"/>.
    /// </summary>
    public required ElementType ElementType { get; init; }

    /// <summary>The most tokens that the model saw at once.</summary>
    public required int ContextLength { get; init; }

    /// <summary>
    /// Whether the rows of the token that starts a text are kept; their activations are often far larger than all others.
    /// </summary>
    public required bool KeepsStart { get; init; }

    /// <summary>
    /// The token that stands for what the tokenizer's vocabulary lacks, whose rows are counted; null where there is none. It is part of the
    /// tokenizer, so that two manifests do not differ in it alone.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? UnknownToken { get; init; }

    /// <summary>Rows of a shard, at most <see cref="MostRowsPerShard"/>. Default 65,536; no document shorter than this is cut.</summary>
    [JsonRequired]
    public int RowsPerShard { get; init; } = 65_536;

    /// <summary>Anything else that decides what the rows are. Default none.</summary>
    [JsonRequired]
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The hook of a name; without one, the only hook.</summary>
    /// <param name="name">The name, or null.</param>
    /// <param name="where">What to call the harvest in messages.</param>
    /// <exception cref="InputException">There is no such hook, or several and none was chosen.</exception>
    internal int Find(string? name, string where)
    {
        string all = string.Join(", ", Hooks.Select(hook => $"'{TensorFile.OneLine(hook.Name)}'"));
        if (name is null)
            return Hooks.Count == 1
                ? 0
                : throw new InputException(
                    $"{where}: the harvest has {Hooks.Count} hooks, {all}; choose one by its name after '#', as in "
                    + $"{where}#{TensorFile.OneLine(Hooks[0].Name)}.");
        int found = Hooks.Select(hook => hook.Name).ToList().IndexOf(name);
        return found >= 0
            ? found
            : throw new InputException($"{where}: the harvest has no hook '{TensorFile.OneLine(name)}'; it has {all}.");
    }

    /// <summary>
    /// The folder of each hook's shards: its name where that is a plain one, else made plain. Always one name, never a path: what comes out
    /// of a manifest cannot lead out of the harvest.
    /// </summary>
    internal string[] Folders()
    {
        const int longest = 100;
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { HarvestFiles.Rows, HarvestFiles.Documents };
        return [.. Hooks.Select(hook =>
        {
            string plain = string.Concat(
                hook.Name.Take(longest).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_')).Trim('.');
            if (plain.Length == 0) plain = "hook";
            string folder = plain;
            for (int number = 2; !taken.Add(folder); number++) folder = $"{plain}-{number}";
            return folder;
        })];
    }

    /// <summary>Refuses what no harvest can be.</summary>
    /// <param name="where">What to call it in messages.</param>
    internal void Validate(string where)
    {
        if (Hooks.Count == 0) throw new InputException($"{where}: the harvest has no hooks; name at least one.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (HarvestHook? hook in Hooks)
        {
            if (string.IsNullOrEmpty(hook?.Name)) throw new InputException($"{where}: a hook of the harvest has no name.");
            if (!names.Add(hook.Name))
                throw new InputException($"{where}: the harvest has the hook '{TensorFile.OneLine(hook.Name)}' twice; name each once.");
            if (hook.Width < 1 || hook.Width > Array.MaxLength)
                throw new InputException(
                    $"{where}: the hook '{TensorFile.OneLine(hook.Name)}' has width {hook.Width}; rows need at least one element.");
        }

        if (ElementType is not (ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16))
            throw new InputException(
                $"{where}: activations cannot be kept as {ElementType}; choose {ElementType.Float32}, {ElementType.Float16} or "
                + $"{ElementType.BFloat16}.");
        if (ContextLength < 1) throw new InputException($"{where}: the context length is {ContextLength}; it must be 1 or more.");
        if (RowsPerShard is < 1 or > MostRowsPerShard)
            throw new InputException($"{where}: rows per shard is {RowsPerShard}; it must lie in [1, {MostRowsPerShard}].");
    }

    /// <summary>Says where another manifest differs first, or null.</summary>
    /// <param name="now">The other.</param>
    internal string? Difference(HarvestManifest now)
    {
        var differences = new (string What, string Was, string Is)[]
        {
            ("the model", Text(Model), Text(now.Model)),
            ("the tokenizer", Text(Tokenizer), Text(now.Tokenizer)),
            ("the corpus", Text(Corpus), Text(now.Corpus)),
            ("the list of hooks", Text(Hooks), Text(now.Hooks)),
            ("the element type", $"{ElementType}", $"{now.ElementType}"),
            ("the context length", $"{ContextLength}", $"{now.ContextLength}"),
            ("keeping the start token", $"{KeepsStart}", $"{now.KeepsStart}"),
            ("the rows per shard", $"{RowsPerShard}", $"{now.RowsPerShard}"),
        };
        foreach ((string what, string was, string given) in differences)
            if (!string.Equals(was, given, StringComparison.Ordinal)) return $"{what} was {was}, now {given}";
        foreach (string key in Settings.Keys.Union(now.Settings.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            string was = Settings.GetValueOrDefault(key) ?? "not set", given = now.Settings.GetValueOrDefault(key) ?? "not set";
            if (!string.Equals(was, given, StringComparison.Ordinal))
                return $"the setting '{TensorFile.OneLine(key)}' was {TensorFile.OneLine(was)}, now {TensorFile.OneLine(given)}";
        }

        return null;
    }

    private static string Text(HarvestInput input) => $"{TensorFile.OneLine(input.Name)} (SHA-256 {TensorFile.OneLine(input.Sha256)})";

    private static string Text(IReadOnlyList<HarvestHook> hooks) =>
        string.Join(", ", hooks.Select(hook => $"'{TensorFile.OneLine(hook.Name)}' of width {hook.Width}"));
}
