namespace Unweave.Onnx;

/// <summary>Checks that tokens and ids belong to each other one to one.</summary>
internal static class Vocabulary
{
    /// <summary>The tokens in the order of their ids.</summary>
    /// <param name="vocabulary">Ids by token.</param>
    /// <param name="added">Tokens added to them; those of the vocabulary may be among them.</param>
    /// <param name="file">The file, for messages.</param>
    public static string[] InOrder(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<AddedToken> added, string file)
    {
        if (vocabulary.Count == 0) throw new InputException($"{file}: the vocabulary is empty; the file is incomplete.");
        var all = new Dictionary<string, int>(vocabulary, StringComparer.Ordinal);
        foreach (AddedToken token in added)
        {
            if (!all.TryAdd(token.Content, token.Id) && all[token.Content] != token.Id)
                throw new InputException($"{file}: the token '{token.Content}' has the id {all[token.Content]} in one place and {token.Id} in another; the file was edited or damaged.");
        }

        string?[] tokens = new string?[all.Count];
        int largest = -1;
        string? outside = null;
        foreach ((string token, int id) in all)
        {
            if (id >= tokens.Length)
            {
                if (id > largest) (largest, outside) = (id, token);
            }
            else if (tokens[id] is { } other)
            {
                throw new InputException($"{file}: the tokens '{other}' and '{token}' have the same id {id}; the file was edited or damaged.");
            }
            else
            {
                tokens[id] = token;
            }
        }

        if (outside is not null)
            throw new InputException($"{file}: no token has the id {Array.IndexOf(tokens, null)}, yet '{outside}' has {largest}: {all.Count} tokens should have the ids 0 to {all.Count - 1}; the file was edited or is incomplete.");
        return tokens!;
    }
}
