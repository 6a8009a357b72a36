using Spectre.Console;
using Unweave.Interpretation;
using Unweave.Learn;

namespace Unweave.Cli.Rendering;

/// <summary>Latents with the texts that they are strongest on.</summary>
internal static class LatentCards
{
    private const int ActivationWidth = 6, WordWidth = 24, PartWidth = 4;

    /// <summary>Writes a card for each latent.</summary>
    /// <param name="latents">The latents.</param>
    /// <param name="texts">Text of each row.</param>
    /// <param name="shown">Texts shown of each latent.</param>
    public static void Write(IEnumerable<ClearLatent> latents, IReadOnlyList<WordNetText> texts, int shown)
    {
        foreach (ClearLatent latent in latents)
        {
            Screen.Results.MarkupLine($"\n[bold]latent {latent.Latent}[/]  [grey]fires on {Figures.Percent(latent.Frequency)} of the texts, clarity {Figures.Short(latent.Score)}[/]");
            foreach (Example example in latent.Examples.Take(shown))
            {
                WordNetText text = texts[(int)example.Row];
                int glossWidth = Math.Max(20, Screen.Results.Profile.Width - ActivationWidth - WordWidth - PartWidth - 6);
                string strength = Figures.Short(example.Activation).PadLeft(ActivationWidth);
                Screen.Results.MarkupLine($"{strength}  [aqua]{Markup.Escape(Fit(text.Word, WordWidth))}[/]  [grey]{text.PartOfSpeech,-PartWidth}[/]  {Markup.Escape(Cut(text.Gloss, glossWidth))}");
            }
        }
    }

    private static string Fit(string text, int width) => Cut(text, width).PadRight(width);

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + "…";
}
