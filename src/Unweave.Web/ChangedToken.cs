using Unweave.Interpretation;

namespace Unweave.Web;

/// <summary>A token that may come next, in the model as it is and changed; a probability is null where the token is not among the likeliest.</summary>
internal sealed record ChangedToken(int Token, string Text, double? Without, double? With)
{
    /// <summary>How far the probability moved; where it is not listed it is taken as 0.</summary>
    public double Move => (With ?? 0) - (Without ?? 0);

    /// <summary>Joins two lists of next tokens: those likely in either, likeliest first.</summary>
    public static IReadOnlyList<ChangedToken> Join(IReadOnlyList<NextToken> without, IReadOnlyList<NextToken> with, int count)
    {
        Dictionary<int, NextToken> before = without.ToDictionary(token => token.Token), after = with.ToDictionary(token => token.Token);
        return [.. without.Take(count).Concat(with.Take(count)).DistinctBy(token => token.Token)
            .Select(token => new ChangedToken(token.Token, token.Text, before.GetValueOrDefault(token.Token)?.Probability, after.GetValueOrDefault(token.Token)?.Probability))
            .OrderByDescending(token => Math.Max(token.Without ?? 0, token.With ?? 0))];
    }
}
