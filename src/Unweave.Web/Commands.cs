using System.Globalization;
using System.Text;
using Unweave.Interpretation;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web;

/// <summary>The commands that give what these pages show: the only place that writes them.</summary>
internal static class Commands
{
    private const int LongestText = 200;

    /// <summary>The latents of a text.</summary>
    public static string Read(ServedRun run, string text) => $"unweave read {CommandHint.Quote(run.Folder)} {Quote(text)}";

    /// <summary>Text with and without changes.</summary>
    public static string Steer(ServedRun run, IEnumerable<Change> changes, string prompt, int tokens, double temperature, ulong seed)
    {
        var command = new StringBuilder($"unweave steer {CommandHint.Quote(run.Folder)} {Quote(prompt)}");
        foreach (Change change in changes)
        {
            command.Append(CultureInfo.InvariantCulture, $" --{change.Kind.ToString().ToLowerInvariant()} {change.Latent}");
            if (change.Kind != InterventionKind.Ablate) command.Append(CultureInfo.InvariantCulture, $"={change.Strength:0.###}");
        }

        return command.Append(CultureInfo.InvariantCulture, $" --tokens {tokens} --temperature {temperature:0.##} --seed {seed}").ToString();
    }

    /// <summary>The map.</summary>
    public static string Map(ServedRun run) => $"unweave features map {CommandHint.Quote(run.Folder)}";

    private static string Quote(string text) => CommandHint.Quote(text.Length > LongestText ? text[..LongestText] + "…" : text);
}
