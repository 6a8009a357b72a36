using Unweave.Interpretation;

namespace Unweave.Web.Steering;

/// <summary>
/// A token that may come next, in the model as it is and changed; a probability is null where the token is not among the likeliest.
/// </summary>
internal sealed record ChangedToken(int Token, string Text, double? Without, double? With)
{
    /// <summary>How far the probability moved; where it is not listed it is taken as 0.</summary>
    public double Move => (With ?? 0) - (Without ?? 0);

    /// <summary>Joins two lists of next tokens: those likely in either, those that moved most first.</summary>
    public static IReadOnlyList<ChangedToken> Join(IReadOnlyList<NextToken> without, IReadOnlyList<NextToken> with, int count)
    {
        Dictionary<int, double> before = without.ToDictionary(token => token.Token, token => token.Probability);
        Dictionary<int, double> after = with.ToDictionary(token => token.Token, token => token.Probability);
        static double? Probability(Dictionary<int, double> of, int token) => of.TryGetValue(token, out double known) ? known : null;
        IEnumerable<NextToken> likely = without.Take(count).Concat(with.Take(count)).DistinctBy(token => token.Token);
        return
        [
            .. likely
                .Select(next => new ChangedToken(next.Token, next.Text, Probability(before, next.Token), Probability(after, next.Token)))
                .OrderByDescending(token => Math.Abs(token.Move)).ThenByDescending(token => Math.Max(token.Without ?? 0, token.With ?? 0)),
        ];
    }
}
