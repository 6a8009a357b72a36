using System.Text;
using Spectre.Console;
using Unweave.Interpretation;

namespace Unweave.Cli.Rendering;

/// <summary>Examples of a latent: the tokens that it fires on, in their context.</summary>
internal static class TokenCards
{
    private const int ActivationWidth = 6;

    /// <summary>Other tokens are colored from this share of the strongest one's activation on: below it, latents fire on much.</summary>
    private const float Strong = 0.3f;

    /// <summary>
    /// Writes one line: the activation, then the text with the token marked, and others that the latent fires on strongly colored.
    /// </summary>
    public static void Line(FeatureExample example)
    {
        const int marks = 2;
        int room = Math.Max(30, Screen.Results.Profile.Width - ActivationWidth - 3 - marks);
        string[] pieces = [.. example.Pieces.Select(piece => piece.ReplaceLineEndings("⏎"))];
        int left = Math.Max(8, (room * 3 / 5) - pieces[example.Peak].Length);

        // The text before, from the token backwards, until there is no more room; then what comes after.
        int start = example.Peak, used = 0;
        while (start > 0 && used + pieces[start - 1].Length < left) used += pieces[--start].Length;
        int end = example.Peak + 1;
        used += pieces[example.Peak].Length;
        while (end < pieces.Length && used + pieces[end].Length < room - 1) used += pieces[end++].Length;
        string peak = Screen.Results.Profile.Capabilities.Ansi
            ? $"[black on aqua]{Markup.Escape(pieces[example.Peak])}[/]"
            : Markup.Escape($"«{pieces[example.Peak]}»");
        string before = (start > 0 ? "…" : "") + Colored(start, example.Peak);
        string after = Colored(example.Peak + 1, end) + (end < pieces.Length ? "…" : "");
        Screen.Results.MarkupLine($"{Figures.Short(example.Activation).PadLeft(ActivationWidth)}  {before}{peak}{after}");

        string Colored(int from, int to)
        {
            var text = new StringBuilder();
            for (int i = from; i < to; i++)
            {
                bool strong = example.Activations[i] >= Strong * example.Activation;
                text.Append(strong ? $"[aqua]{Markup.Escape(pieces[i])}[/]" : Markup.Escape(pieces[i]));
            }

            return text.ToString();
        }
    }
}
