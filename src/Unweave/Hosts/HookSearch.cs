using System.Text.RegularExpressions;

namespace Unweave.Hosts;

/// <summary>Finds hooks by what a person writes.</summary>
public static class HookSearch
{
    /// <summary>The hooks that a pattern names.</summary>
    /// <param name="model">The host model.</param>
    /// <param name="pattern">
    /// A short name, a tensor's name, or either with <c>*</c> for any text and <c>?</c> for any character, whatever the case.
    /// </param>
    /// <exception cref="InputException">None has such a name; the nearest names are in the message.</exception>
    public static IReadOnlyList<Hook> Find(this IHostModel model, string pattern)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(pattern);
        if (model.Hooks.FirstOrDefault(hook => Named(hook, pattern)) is { } exact) return [exact];
        if (pattern.AsSpan().ContainsAny('*', '?'))
        {
            string expression = "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace(
                "\\?", ".", StringComparison.Ordinal) + "$";
            var glob = new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking);
            Hook[] matches = [.. model.Hooks.Where(hook => glob.IsMatch(hook.Name) || glob.IsMatch(hook.Tensor))];
            if (matches.Length > 0) return matches;
        }

        throw new InputException($"{model.Name}: no tensor is named {pattern}.{Suggestions(model, pattern)}");
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
