using Spectre.Console;
using Unweave.Hosts;
using Unweave.Interpretation;

namespace Unweave.Cli.Rendering;

/// <summary>Latents with the tokens that they are strongest on, in their context.</summary>
internal static class TokenCards
{
    private const int ActivationWidth = 6;

    /// <summary>Other tokens are coloured from this share of the strongest one's activation on: below it, latents fire on much.</summary>
    private const float Strong = 0.3f;

    /// <summary>Writes the heading of a latent's card.</summary>
    public static void Heading(ClearLatent latent, long dense) =>
        Screen.Results.MarkupLine($"\n[bold]latent {latent.Latent}[/]  [grey]fires on {Figures.Percent(latent.Frequency)} of the tokens ({Figures.Count(dense)}), clarity {Figures.Short(latent.Score)}[/]");

    /// <summary>Writes one line: the activation, then the text with the token marked, and others that the latent fires on strongly coloured.</summary>
    /// <param name="context">The token and its surroundings.</param>
    /// <param name="tokenizer">Turns tokens into text.</param>
    public static void Line(TokenContext context, ITokenizer tokenizer)
    {
        const int marks = 2;
        int room = Math.Max(30, Screen.Results.Profile.Width - ActivationWidth - 3 - marks);
        int[] tokens = [.. context.Tokens];
        string token = Text(tokenizer, tokens.AsSpan(context.Peak, 1));
        int left = Math.Max(8, (room * 3 / 5) - token.Length);

        // The text before, from the token backwards, until there is no more room; then what comes after.
        int start = context.Peak;
        while (start > 0 && Text(tokenizer, tokens.AsSpan(start - 1, context.Peak - start + 1)).Length < left) start--;
        string before = Text(tokenizer, tokens.AsSpan(start, context.Peak - start));
        int end = context.Peak + 1;
        while (end < tokens.Length && before.Length + token.Length + Text(tokenizer, tokens.AsSpan(context.Peak + 1, end - context.Peak)).Length < room - 1) end++;
        string shown = (start > 0 ? "…" : "") + Marked(context, tokenizer, tokens, start, context.Peak);
        string peak = Screen.Results.Profile.Capabilities.Ansi ? $"[black on aqua]{Markup.Escape(token)}[/]" : Markup.Escape($"«{token}»");
        Screen.Results.MarkupLine($"{Figures.Short(context.Activations[context.Peak]).PadLeft(ActivationWidth)}  {shown}{peak}{Marked(context, tokenizer, tokens, context.Peak + 1, end)}{(end < tokens.Length ? "…" : "")}");
    }

    /// <summary>The text of tokens on one line.</summary>
    public static string Text(ITokenizer tokenizer, ReadOnlySpan<int> tokens) => tokenizer.Decode(tokens).ReplaceLineEndings("⏎");

    // Tokens that the latent fires on strongly are coloured, together with their like neighbours, so that a character of several tokens stays whole.
    private static string Marked(TokenContext context, ITokenizer tokenizer, int[] tokens, int start, int end)
    {
        var text = new System.Text.StringBuilder();
        for (int i = start; i < end;)
        {
            bool fires = Fires(i);
            int next = i + 1;
            while (next < end && Fires(next) == fires) next++;
            string part = Markup.Escape(Text(tokenizer, tokens.AsSpan(i, next - i)));
            text.Append(fires ? $"[aqua]{part}[/]" : part);
            i = next;
        }

        return text.ToString();

        bool Fires(int token) => context.Activations[token] >= Strong * context.Activations[context.Peak];
    }
}
