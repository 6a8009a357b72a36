namespace Unweave.Hosts;

/// <summary>
/// A piece of a document that is run through a model at once: the start token, then as many of the document's tokens as the context
/// holds, then the end token where the tokenizer puts one. Longer documents become several windows, which do not see each other.
/// </summary>
/// <param name="Document">The document's place in the list it came from.</param>
/// <param name="First">Which of the document's tokens is the window's first own one.</param>
/// <param name="Ids">What the model is fed.</param>
/// <param name="Lead">Special tokens before the document's own.</param>
/// <param name="Count">Tokens of the document.</param>
internal readonly record struct TokenWindow(int Document, int First, ReadOnlyMemory<int> Ids, int Lead, int Count)
{
    /// <summary>Where the tokens begin whose rows are used, and how many they are.</summary>
    /// <param name="keepSpecial">Whether special ones are.</param>
    public (int Skip, int Count) Used(bool keepSpecial) => keepSpecial ? (0, Ids.Length) : (Lead, Count);

    /// <summary>Cuts a document's tokens into windows.</summary>
    /// <param name="document">Its place in a list.</param>
    /// <param name="tokens">Its tokens; none gives no window.</param>
    /// <param name="tokenizer">Tells the start and end tokens.</param>
    /// <param name="context">The most tokens of a window, special ones included.</param>
    /// <param name="from">The token to start at: where a window starts, so a multiple of <see cref="Room"/>.</param>
    /// <param name="until">The token to end before; −1 goes to the end.</param>
    /// <exception cref="ArgumentOutOfRangeException">The context has no room for a token besides the special ones.</exception>
    public static IEnumerable<TokenWindow> Cut(
        int document, IReadOnlyList<Token> tokens, ITokenizer tokenizer, int context, int from = 0, int until = -1)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(tokenizer);
        int lead = tokenizer.Start is null ? 0 : 1, tail = tokenizer.End is null ? 0 : 1;
        ArgumentOutOfRangeException.ThrowIfLessThan(context, lead + tail + 1);
        return Windows();

        IEnumerable<TokenWindow> Windows()
        {
            int room = context - lead - tail, stop = until < 0 ? tokens.Count : until;
            for (int first = from; first < stop; first += room)
            {
                int count = Math.Min(room, stop - first);
                int[] ids = new int[lead + count + tail];
                if (tokenizer.Start is { } start) ids[0] = start;
                for (int i = 0; i < count; i++) ids[lead + i] = tokens[first + i].Id;
                if (tokenizer.End is { } end) ids[^1] = end;
                yield return new TokenWindow(document, first, ids, lead, count);
            }
        }
    }

    /// <summary>Tokens of a document that a window has room for.</summary>
    /// <param name="tokenizer">Tells the start and end tokens.</param>
    /// <param name="context">The most tokens of a window, special ones included.</param>
    public static int Room(ITokenizer tokenizer, int context)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return context - (tokenizer.Start is null ? 0 : 1) - (tokenizer.End is null ? 0 : 1);
    }

    /// <summary>Puts windows of like length together in batches.</summary>
    /// <param name="windows">The windows, of one tokenizer and context.</param>
    /// <param name="input">
    /// What the model insists on. A model that neither masks padding nor is causal gets windows of equal length only.
    /// </param>
    /// <param name="padding">Id of the filling.</param>
    /// <param name="tokens">About how many tokens a batch has, padding included; 4,096 keeps two cores busy.</param>
    /// <returns>
    /// Batches, longest first, with the windows of their rows; where the model insists on a batch size, the last batch may have rows beyond
    /// its windows.
    /// </returns>
    /// <exception cref="InputException">The model insists on a length that the windows do not have and could not be padded to.</exception>
    public static IEnumerable<(TokenBatch Batch, TokenWindow[] Windows)> Batches(
        IEnumerable<TokenWindow> windows, HostInput input, int padding, int tokens = 4096)
    {
        ArgumentNullException.ThrowIfNull(windows);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        TokenWindow[] order = [.. windows.OrderByDescending(window => window.Ids.Length)];
        return Made();

        IEnumerable<(TokenBatch, TokenWindow[])> Made()
        {
            bool pads = input.Pads;
            for (int first = 0; first < order.Length;)
            {
                int length = input.FixedLength ?? order[first].Ids.Length;
                if (order[first].Ids.Length > length)
                {
                    throw new InputException($"The model takes exactly {length} tokens; a window has {order[first].Ids.Length}. Set the "
                        + $"context to {length}.");
                }

                if (!pads && order[first].Ids.Length < length)
                {
                    throw new InputException($"The model takes exactly {length} tokens and has no attention mask that hides filling, so "
                        + $"a text of {order[first].Ids.Length} tokens cannot be padded; export it with a mask or a free length.");
                }

                int most = input.FixedBatch ?? Math.Max(1, tokens / length), end = first + 1;
                while (end < order.Length && end - first < most
                    && (pads ? 2 * order[end].Ids.Length >= length || input.FixedLength is not null : order[end].Ids.Length == length))
                    end++;
                TokenWindow[] rows = order[first..end];
                IEnumerable<ReadOnlyMemory<int>> ids = rows.Select(window => window.Ids);
                if (input.FixedBatch is { } batch) ids = ids.Concat(Enumerable.Repeat(rows[0].Ids, batch - rows.Length));
                yield return (new TokenBatch([.. ids], padding, length), rows);
                first = end;
            }
        }
    }
}
