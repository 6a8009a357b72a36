using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>How the codes of a text's tokens become the text's.</summary>
internal enum TextPool
{
    /// <summary>The mean over its tokens, as SAEBench has it.</summary>
    Mean,

    /// <summary>The value of largest magnitude over its tokens.</summary>
    Max,
}

/// <summary>Texts as rows: the mean of each text's vectors, and for each coder the pooled codes of its tokens.</summary>
/// <param name="Rows">Mean vectors, <c>[texts, d]</c>.</param>
/// <param name="Codes">A row a text, for each coder.</param>
/// <param name="Kept">Which of the texts these are: those that have a token.</param>
internal sealed record PooledTexts(Matrix Rows, IReadOnlyList<SparseCodes> Codes, int[] Kept) : IDisposable
{
    /// <summary>Runs texts through a host model and pools what is at its hook.</summary>
    /// <param name="pass">The model at one hook.</param>
    /// <param name="documents">The texts.</param>
    /// <param name="coders">What codes are made with.</param>
    /// <param name="pool">How.</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static PooledTexts Read(ActivationPass pass, IReadOnlyList<Document> documents, IReadOnlyList<IRowCoder> coders, TextPool pool,
        IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        var rows = new List<float[]>();
        var kept = new List<int>();
        Accumulator[] sums = [.. coders.Select(coder => new Accumulator(coder.Latents, pool))];
        SparseCodes[] codes = [.. coders.Select(coder => new SparseCodes(coder.Latents))];
        double[] mean = [];
        long tokens = 0;
        foreach (DocumentRows document in pass.Run(documents.Select((document, i) => ((long)i, document)), cancellationToken))
        {
            Matrix x = document.Activations[0];
            if (document.FirstRow == 0) (mean, tokens) = (new double[x.Columns], 0);
            for (int r = 0; r < x.Rows; r++)
                for (int c = 0; c < mean.Length; c++) mean[c] += x[r, c];
            tokens += x.Rows;
            for (int i = 0; i < coders.Count; i++)
            {
                coders[i].Encode(x, codes[i]); // one text a call: to some autoencoders a call is a sequence
                sums[i].Add(codes[i]);
            }

            if (!document.Last) continue;
            rows.Add([.. mean.Select(sum => (float)(sum / tokens))]);
            kept.Add((int)document.Number);
            foreach (Accumulator sum in sums) sum.End(tokens);
            progress?.Report(kept.Count);
        }

        return Make(rows, kept, sums);
    }

    /// <summary>Codes vectors that texts have already, one each: sentence embeddings.</summary>
    /// <param name="vectors">A row a text, <c>[texts, d]</c>; copied.</param>
    /// <param name="coders">What codes are made with.</param>
    public static PooledTexts Of(Matrix vectors, IReadOnlyList<IRowCoder> coders)
    {
        var made = new List<SparseCodes>();
        foreach (IRowCoder coder in coders)
        {
            var codes = new SparseCodes(coder.Latents);
            coder.Encode(vectors, codes);
            made.Add(codes);
        }

        return new PooledTexts(vectors.Clone(), made, [.. Enumerable.Range(0, vectors.Rows)]);
    }

    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();

    private static PooledTexts Make(List<float[]> rows, List<int> kept, Accumulator[] sums)
    {
        if (rows.Count == 0) throw new InputException("There is no token in these texts, so there is nothing to probe.");
        var matrix = new Matrix(rows.Count, rows[0].Length);
        for (int r = 0; r < rows.Count; r++) rows[r].CopyTo(matrix.Row(r));
        return new PooledTexts(matrix, [.. sums.Select(sum => sum.Codes())], [.. kept]);
    }

    /// <summary>Pools the codes of one text after another.</summary>
    private sealed class Accumulator(int latents, TextPool pool)
    {
        private readonly SortedDictionary<int, float> open = [];
        private readonly List<long> starts = [0];
        private readonly List<int> all = [];
        private readonly List<float> values = [];

        public void Add(SparseCodes codes)
        {
            ReadOnlySpan<int> active = codes.AllLatents;
            ReadOnlySpan<float> strengths = codes.AllValues;
            for (int j = 0; j < active.Length; j++)
            {
                open.TryGetValue(active[j], out float known);
                open[active[j]] = pool == TextPool.Mean ? known + strengths[j]
                    : Math.Abs(strengths[j]) > Math.Abs(known) ? strengths[j] : known;
            }
        }

        public void End(long tokens)
        {
            foreach ((int latent, float value) in open)
            {
                all.Add(latent);
                values.Add(pool == TextPool.Mean ? value / tokens : value);
            }

            starts.Add(all.Count);
            open.Clear();
        }

        public SparseCodes Codes() => new(latents, [.. starts], [.. all], [.. values]);
    }
}
