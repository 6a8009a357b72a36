namespace Unweave.Onnx;

/// <summary>Tokens by their characters, to find those that a text goes on with.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<long, int> children = [];
    private readonly List<int> values = [-1];

    public bool IsEmpty => children.Count == 0;

    /// <summary>Adds a token; the last of the same text counts.</summary>
    public void Add(string token, int value)
    {
        int node = 0;
        foreach (char unit in token)
        {
            long key = Key(node, unit);
            if (!children.TryGetValue(key, out int child))
            {
                child = values.Count;
                values.Add(-1);
                children.Add(key, child);
            }

            node = child;
        }

        if (node > 0) values[node] = value;
    }

    /// <summary>Goes on from a node, of which 0 is the root, by a character; false where no token goes on so.</summary>
    public bool TryStep(ref int node, char unit, out int value)
    {
        bool found = children.TryGetValue(Key(node, unit), out node);
        value = found ? values[node] : -1;
        return found;
    }

    /// <summary>The longest token that a text starts with: its value and length, or −1 and 0.</summary>
    public (int Value, int Length) Longest(ReadOnlySpan<char> text)
    {
        (int Value, int Length) longest = (-1, 0);
        for (int at = 0, node = 0; at < text.Length && TryStep(ref node, text[at], out int value); at++)
        {
            if (value >= 0) longest = (value, at + 1);
        }

        return longest;
    }

    private static long Key(int node, char unit) => ((long)node << 16) | unit;
}
