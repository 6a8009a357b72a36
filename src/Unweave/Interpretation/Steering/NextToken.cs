using Unweave.Hosts;

namespace Unweave.Interpretation;

/// <summary>A token that may come next.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Text">Its text.</param>
/// <param name="Logit">Its logit.</param>
/// <param name="Probability">Its probability.</param>
public sealed record NextToken(int Token, string Text, float Logit, double Probability)
{
    /// <summary>The likeliest tokens, likeliest first; of equals the lower id.</summary>
    internal static IReadOnlyList<NextToken> Likeliest(ReadOnlySpan<float> logits, ITokenizer tokenizer, int count)
    {
        float[] values = logits.ToArray();
        double most = values.Max(), sum = values.Sum(logit => Math.Exp(logit - most));
        return [.. Enumerable.Range(0, values.Length).OrderByDescending(token => values[token]).ThenBy(token => token).Take(count)
            .Select(token => new NextToken(token, tokenizer.TokenName(token), values[token], Math.Exp(values[token] - most) / sum))];
    }
}
