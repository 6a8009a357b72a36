using System.Globalization;

namespace Unweave.Indexing;

/// <summary>What a concept of a query counts, as people write it: <c>1207=2</c> for twice as much, <c>1207=0</c> for not at all.</summary>
internal static class FactorText
{
    /// <summary>Reads factors; of several for one latent, the last counts.</summary>
    /// <exception cref="InputException">One is not written so.</exception>
    public static Dictionary<int, float> Parse(IEnumerable<string> texts)
    {
        var factors = new Dictionary<int, float>();
        foreach (string text in texts)
        {
            if (!TryParse(text, out (int Latent, float Value) factor))
                throw new InputException($"the weight '{text}' cannot be read; write LATENT=F, such as 1207=2 or 1207=0.");
            factors[factor.Latent] = factor.Value;
        }

        return factors;
    }

    /// <summary>Reads one.</summary>
    public static bool TryParse(string text, out (int Latent, float Value) factor)
    {
        factor = default;
        return text.Split('=') is [var number, var times]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out factor.Latent)
            && float.TryParse(times, NumberStyles.Float, CultureInfo.InvariantCulture, out factor.Value)
            && float.IsFinite(factor.Value);
    }

    /// <summary>Writes one.</summary>
    public static string Write(int latent, float factor) => string.Create(CultureInfo.InvariantCulture, $"{latent}={factor}");
}
