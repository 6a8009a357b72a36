using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>Where the rows of feature statistics come from: a model as it is run, a harvest, or a set of vectors.</summary>
internal static class WindowBlocks
{
    private const int BlockRows = 16_384;

    /// <summary>Texts run through a model. The model runs ahead on a thread of its own.</summary>
    public static IEnumerable<WindowBlock> FromTexts(
        ActivationPass pass, IEnumerable<(long Number, Document Document)> documents, long rows, CancellationToken cancellationToken)
    {
        return Ahead(Blocks, cancellationToken);

        IEnumerable<WindowBlock> Blocks(CancellationToken stop)
        {
            var pieces = new List<(RowWindow[] Windows, int[] Tokens, int[] Positions, Matrix Rows)>();
            long done = 0;
            int waiting = 0;
            foreach (DocumentRows document in pass.Run(documents, stop))
            {
                pieces.Add(pass.PerText
                    ? ([Whole(document.Document, document.Tokens, done, waiting)], [], [], document.Activations[0].Clone())
                    : (Windows(document, done, waiting), document.RowTokens, document.RowPositions, document.Activations[0].Clone()));
                done += document.RowTokens.Length;
                waiting += document.RowTokens.Length;
                if (waiting < BlockRows && done < rows) continue;
                yield return Joined(pieces);
                pieces.Clear();
                waiting = 0;
                if (done >= rows && document.Last) yield break;
            }

            if (pieces.Count > 0) yield return Joined(pieces);
        }
    }

    /// <summary>A hook of a harvest.</summary>
    public static IEnumerable<WindowBlock> FromHarvest(HarvestSource source, ITokenizer tokenizer, CancellationToken cancellationToken)
    {
        var texts = new TokenPieces(tokenizer);
        for (long first = 0; first < source.Rows;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(BlockRows, source.Rows - first);
            int[] tokens = new int[count], positions = new int[count];
            long[] documents = new long[count];
            source.Harvest.ReadTokens(first, tokens);
            source.Harvest.ReadPositions(first, positions);
            source.Harvest.ReadDocuments(first, documents);
            int[] starts = [.. Enumerable.Range(0, count)
                .Where(i => i == 0 || documents[i] != documents[i - 1] || positions[i] <= positions[i - 1])];

            // The last window may go on behind the block; it is read again with the next.
            int end = first + count < source.Rows && starts.Length > 1 ? starts[^1] : count;
            var windows = new List<RowWindow>();
            for (int w = 0; w < starts.Length && starts[w] < end; w++)
            {
                int from = starts[w], until = w + 1 < starts.Length ? starts[w + 1] : count;
                (string text, int[] lengths) = texts.Decode(tokens.AsSpan(from, until - from));
                string document = source.Harvest.DocumentId(documents[from]);
                windows.Add(new RowWindow(document, first + from, from, until - from, text, lengths));
            }

            yield return new WindowBlock(source.Rows(first, end), tokens[..end], positions[..end], windows);
            first += end;
            source.Harvest.ForgetBefore(first);
        }
    }

    /// <summary>A hook of a harvest that has one row for each text, with the texts that it was made of.</summary>
    public static IEnumerable<WindowBlock> FromHarvest(
        HarvestSource source, ITokenizer tokenizer, IEnumerable<(long Number, Document Document)> documents,
        CancellationToken cancellationToken)
    {
        using IEnumerator<(long Number, Document Document)> texts = documents.GetEnumerator();
        int room = TokenWindow.Room(tokenizer, source.Harvest.Manifest.ContextLength);
        for (long first = 0; first < source.Rows; first += BlockRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long[] numbers = new long[(int)Math.Min(BlockRows, source.Rows - first)];
            source.Harvest.ReadDocuments(first, numbers);
            var windows = new RowWindow[numbers.Length];
            for (int i = 0; i < windows.Length; i++)
            {
                do
                {
                    if (!texts.MoveNext())
                    {
                        throw new InputException($"{source.Name} has a row of document {numbers[i]}, which the texts do not reach; give "
                            + "those that it was made of.");
                    }
                }
                while (texts.Current.Number < numbers[i]);
                Document document = texts.Current.Document;
                windows[i] = Whole(document, [.. tokenizer.Encode(document.Text).Take(room)], first + i, i);
            }

            yield return new WindowBlock(source.Rows(first, windows.Length), [], [], windows);
            source.Harvest.ForgetBefore(first + windows.Length);
        }
    }

    /// <summary>A set of vectors, each with a text or none.</summary>
    public static IEnumerable<WindowBlock> FromVectors(
        IActivationSource source, Func<long, string>? text, CancellationToken cancellationToken)
    {
        for (long first = 0; first < source.Rows; first += BlockRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(BlockRows, source.Rows - first);
            long start = first;
            RowWindow[] windows = [.. Enumerable.Range(0, count).Select(i =>
            {
                string own = text?.Invoke(start + i) ?? $"row {start + i}";
                return new RowWindow((start + i).ToString(CultureInfo.InvariantCulture), start + i, i, 1, own, [own.Length]);
            })];
            yield return new WindowBlock(source.Rows(first, count), [], [], windows);
        }
    }

    // A text with one row, as far as the model saw it.
    private static RowWindow Whole(Document document, IReadOnlyList<Token> seen, long row, int before)
    {
        string text = document.Text[..(seen[^1].Start + seen[^1].Length)];
        return new RowWindow(document.Id, row, before, 1, text, [text.Length]);
    }

    // What a tokenizer drops between tokens goes to the token after it, so that the pieces are the whole text.
    private static RowWindow[] Windows(DocumentRows document, long row, int before)
    {
        string text = document.Document.Text;
        var windows = new List<RowWindow>();
        int count = document.RowTokens.Length;
        for (int from = 0; from < count;)
        {
            int until = from + 1;
            while (until < count && document.RowPositions[until] > document.RowPositions[until - 1]) until++;
            int[] lengths = new int[until - from];
            int own = from;
            while (own < until && document.RowSources[own] < 0) own++;
            int start = own < until ? End(document.RowSources[own] - 1) : 0, end = start;
            for (int i = own; i < until; i++)
            {
                if (document.RowSources[i] < 0) continue;
                int next = Math.Max(end, End(document.RowSources[i]));
                lengths[i - from] = next - end;
                end = next;
            }

            windows.Add(new RowWindow(document.Document.Id, row + from, before + from, until - from, text[start..end], lengths));
            from = until;
        }

        return [.. windows];

        int End(int token) => token < 0 ? 0 : document.Tokens[token].Start + document.Tokens[token].Length;
    }

    private static WindowBlock Joined(List<(RowWindow[] Windows, int[] Tokens, int[] Positions, Matrix Rows)> pieces)
    {
        var rows = new Matrix(pieces.Sum(piece => piece.Rows.Rows), pieces[0].Rows.Columns);
        int at = 0;
        foreach ((_, _, _, Matrix piece) in pieces)
        {
            piece.CopyRows(0, piece.Rows, rows, at);
            at += piece.Rows;
            piece.Dispose();
        }

        return new WindowBlock(
            rows, [.. pieces.SelectMany(piece => piece.Tokens)], [.. pieces.SelectMany(piece => piece.Positions)], [.. pieces
                .SelectMany(piece => piece.Windows)]);
    }

    private static IEnumerable<WindowBlock> Ahead(
        Func<CancellationToken, IEnumerable<WindowBlock>> make, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ready = new BlockingCollection<WindowBlock>(boundedCapacity: 2);
        ExceptionDispatchInfo? failure = null;
        var maker = new Thread(Make) { IsBackground = true, Name = "Unweave windows" };
        maker.Start();
        try
        {
            foreach (WindowBlock block in ready.GetConsumingEnumerable(CancellationToken.None)) yield return block;
            failure?.Throw();
        }
        finally
        {
            stop.Cancel();
            maker.Join();
            while (ready.TryTake(out WindowBlock? left)) left.Dispose();
        }

        void Make()
        {
            try
            {
                foreach (WindowBlock block in make(stop.Token)) ready.Add(block, stop.Token);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                ready.CompleteAdding();
            }
        }
    }
}
