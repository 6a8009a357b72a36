using System.Globalization;

namespace Unweave.Cli.Rendering;

/// <summary>Says how many tokens of a text the tokenizer's vocabulary lacks: the model sees the same one for all of them.</summary>
internal static class UnknownTokens
{
    // Below it are odd characters; above it, often, a tokenizer of another model or language.
    private const double Many = 0.01;

    /// <summary>What to say of them: nothing where there are none, and what may be wrong where there are many.</summary>
    public static string? Note(long unknown, long tokens)
    {
        if (unknown == 0) return null;
        double share = (double)unknown / tokens;
        string percent = share.ToString("0.0#%", CultureInfo.InvariantCulture);
        string said = $"{Figures.Count(unknown)} of {Figures.Count(tokens)} tokens ({percent}) are not in the tokenizer's vocabulary "
            + "and look the same to the model.";
        return share <= Many ? said
            : $"{said} That is many: check that the tokenizer is the model's own (--tokenizer) and that it knows the texts' language.";
    }
}
