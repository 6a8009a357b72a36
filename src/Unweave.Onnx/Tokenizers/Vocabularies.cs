namespace Unweave.Onnx;

/// <summary>What every vocabulary must be.</summary>
internal static class Vocabularies
{
    // No model has a tenth of this; a greater id would only be a table of nothing.
    private const int MostIds = 1 << 24;

    /// <summary>One above the highest id.</summary>
    public static int Size(Dictionary<string, int> vocabulary, IReadOnlyList<AddedToken> added) =>
        Math.Max(vocabulary.Values.Max(), added.Select(token => token.Id).DefaultIfEmpty(0).Max()) + 1;

    /// <summary>Refuses a vocabulary without tokens, or with ids that are negative, too great, or given twice.</summary>
    public static void Check(Dictionary<string, int> vocabulary, IReadOnlyList<AddedToken> added, string file)
    {
        if (vocabulary.Count == 0) throw new InputException($"{file} has an empty vocabulary; fetch it again.");
        var byId = new Dictionary<int, string>();
        foreach (
            (string token, int id) in vocabulary.Select(pair => (pair.Key, pair.Value)).Concat(
                added.Select(token => (token.Content, token.Id))))
        {
            if (id is < 0 or >= MostIds)
            {
                throw new InputException($"{file} gives the token '{token}' the id {id}, which is not in [0, {MostIds}); the file is "
                    + "damaged.");
            }

            if (!byId.TryAdd(id, token) && !string.Equals(byId[id], token, StringComparison.Ordinal))
            {
                throw new InputException($"{file} gives the id {id} to both '{byId[id]}' and '{token}'; the file was edited or is "
                    + "damaged.");
            }
        }

        if (added.FirstOrDefault(
                token => string.IsNullOrEmpty(token.Content)
                    || (vocabulary.TryGetValue(token.Content, out int id) && id != token.Id)) is { } wrong)
            throw new InputException($"{file} adds the token '{wrong.Content}' as id {wrong.Id}, which its vocabulary does not; the "
                + $"file was edited or is damaged.");
    }
}
