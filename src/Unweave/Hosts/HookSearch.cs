using System.Globalization;
using System.Text.RegularExpressions;

namespace Unweave.Hosts;

/// <summary>Finds hooks by what a person writes.</summary>
public static class HookSearch
{
    /// <summary>The hooks that a pattern names.</summary>
    /// <param name="model">The host model.</param>
    /// <param name="pattern">
    /// A short name, a tensor's name, or either with <c>*</c> for any text and <c>?</c> for any character, whatever the case. Behind it
    /// may stand <c>.3</c> for one head of a tensor that has several, and <c>.mean</c> for the mean over the tokens of a text.
    /// </param>
    /// <exception cref="InputException">None has such a name; the nearest names are in the message.</exception>
    public static IReadOnlyList<Hook> Find(this IHostModel model, string pattern)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(pattern);
        if (Matching(model, pattern) is [_, ..] found) return found;
        if (Derived(model, pattern) is [_, ..] derived) return derived;
        throw new InputException($"{model.Name}: no tensor is named {pattern}.{Suggestions(model, pattern)}");
    }

    // A head or a mean of what the rest of the pattern names.
    private static IReadOnlyList<Hook> Derived(IHostModel model, string pattern)
    {
        if (pattern.EndsWith(Hook.MeanSuffix, StringComparison.OrdinalIgnoreCase))
        {
            string whole = pattern[..^Hook.MeanSuffix.Length];
            IReadOnlyList<Hook> named = Matching(model, whole) is [_, ..] found ? found : Derived(model, whole);
            return Each(named, hook => hook.PerToken, hook => hook.OfMean());
        }

        int dot = pattern.LastIndexOf('.');
        return dot > 0 && int.TryParse(pattern.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int head)
            ? Each(Matching(model, pattern[..dot]), hook => head < hook.Heads, hook => hook.OfHead(head))
            : [];

        // One that was named alone is refused with a reason; of several, those that have none are not meant.
        static IReadOnlyList<Hook> Each(IReadOnlyList<Hook> found, Func<Hook, bool> has, Func<Hook, Hook> make) =>
            [.. found.Where(hook => found.Count == 1 || has(hook)).Select(make)];
    }

    private static IReadOnlyList<Hook> Matching(IHostModel model, string pattern)
    {
        if (model.Hooks.FirstOrDefault(hook => Named(hook, pattern)) is { } exact) return [exact];
        if (pattern.AsSpan().ContainsAny('*', '?'))
        {
            string expression = "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace(
                "\\?", ".", StringComparison.Ordinal) + "$";
            var glob = new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking);
            return [.. model.Hooks.Where(hook => glob.IsMatch(hook.Name) || glob.IsMatch(hook.Tensor))];
        }

        return [];
    }

    /// <summary>The one hook that a pattern names.</summary>
    /// <param name="model">The host model.</param>
    /// <param name="pattern">As in <see cref="Find"/>.</param>
    /// <exception cref="InputException">None or several have such a name.</exception>
    public static Hook FindOne(this IHostModel model, string pattern)
    {
        IReadOnlyList<Hook> found = model.Find(pattern);
        return found.Count == 1
            ? found[0]
            : throw new InputException($"{model.Name}: {pattern} names {found.Count} tensors "
                + $"({string.Join(", ", found.Take(5).Select(hook => hook.Name))}{(found.Count > 5 ? ", …" : "")}); one is needed.");
    }

    private static bool Named(Hook hook, string name) =>
        string.Equals(hook.Name, name, StringComparison.Ordinal) || string.Equals(hook.Tensor, name, StringComparison.Ordinal);

    private static string Suggestions(IHostModel model, string pattern)
    {
        string[] names = [.. model.Hooks.SelectMany(hook => (string[])[hook.Name, hook.Tensor]).Distinct(StringComparer.Ordinal)];
        string[] nearest = [.. Nearest(pattern, names)];
        string[] shorts = [.. model.Hooks.Where(hook => hook.Kind != HookKind.Tensor).Select(hook => hook.Name)];
        if (nearest.Length > 0) return $" Nearest: {string.Join(", ", nearest)}.";
        return shorts.Length > 0
            ? $" There are {string.Join(", ", shorts.Take(6))}{(shorts.Length > 6 ? ", …" : "")}; `unweave hooks` lists all."
            : " `unweave hooks` lists all.";
    }

    // The nearest name by edits first, then names that contain what was written.
    private static IEnumerable<string> Nearest(string pattern, string[] names)
    {
        const int shown = 4;
        string bare = pattern.Replace("*", "", StringComparison.Ordinal);
        IEnumerable<string> near = Spelling.Nearest(pattern, names) is { } one ? [one] : [];
        IEnumerable<string> containing = bare.Length < 3
            ? []
            : names.Where(name => name.Contains(bare, StringComparison.OrdinalIgnoreCase)).OrderBy(name => name.Length);
        return near.Concat(containing).Distinct(StringComparer.Ordinal).Take(shown);
    }
}
