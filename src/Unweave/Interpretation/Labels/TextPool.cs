using System.Numerics.Tensors;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>A piece of random text, with every latent that fires in it.</summary>
/// <param name="Document">Id of its document.</param>
/// <param name="Row">Row of its first piece.</param>
/// <param name="Pieces">Its pieces.</param>
/// <param name="Latents">The latents, ascending.</param>
/// <param name="Spots">What patterns can ask about each piece.</param>
/// <param name="Patterns">All patterns that it matches, sorted.</param>
internal sealed record PooledText(
    string Document, long Row, string[] Pieces, int[] Latents, PieceTraits[] Spots, Pattern[] Patterns)
{
    /// <summary>Whether a latent fires in it.</summary>
    public bool Fires(int latent) => Array.BinarySearch(Latents, latent) >= 0;
}

/// <summary>Texts on which a latent is silent.</summary>
/// <param name="Random">Texts at random.</param>
/// <param name="Near">Texts that share words with those on which it fires.</param>
internal sealed record SilentTexts(PooledText[] Random, PooledText[] Near)
{
    /// <summary>All of them, those at random first.</summary>
    public PooledText[] All => [.. Random, .. Near];
}

/// <summary>
/// Pieces of random text that latents do not fire on are chosen from. Half of them make labels, the other half score them, so that no label
/// is scored on a text that it was made from.
/// </summary>
internal sealed class TextPool(FeatureStatisticsOptions options, TextSpots reader)
{
    private readonly List<(long Place, long Row, int From, int Count, int[] Latents)> slices = [];
    private readonly Dictionary<int, List<int>> textsOf = [];
    private PooledText[] texts = [];
    private Dictionary<long, float[]> directions = [];
    private long offered;

    /// <summary>Offers a window: Algorithm R over all that are offered.</summary>
    public void Offer(RowWindow window, long place, SparseCodes codes, float threshold)
    {
        long turn = offered++;
        ulong draw = Rng.Mix(~options.Seed + (ulong)turn);
        long slot = turn < options.Pool ? turn : (long)(draw % (ulong)(turn + 1));
        if (slot >= options.Pool) return;
        int count = Math.Min(window.Count, options.Before + options.After + 1), from = (int)(
            Rng.Mix(draw) % (ulong)(window.Count - count + 1));
        var latents = new HashSet<int>();
        for (int row = window.First + from; row < window.First + from + count; row++)
        {
            ReadOnlySpan<int> own = codes.Latents(row);
            ReadOnlySpan<float> values = codes.Values(row);
            for (int i = 0; i < own.Length; i++)
                if (values[i] > threshold) latents.Add(own[i]);
        }

        var slice = (place, window.Row + from, from, count, latents.Order().ToArray());
        if (slot < slices.Count) slices[(int)slot] = slice;
        else slices.Add(slice);
    }

    /// <summary>Reads the texts.</summary>
    public void Complete(WindowSpool spool)
    {
        texts = new PooledText[slices.Count];
        Workers.Shared.Run(texts.Length, i =>
        {
            (long place, long row, int from, int count, int[] latents) = slices[i];
            (string document, string[] pieces) = spool.Read(place);
            string[] own = pieces[from..(from + count)];
            PieceTraits[] spots = reader.Read(Readable(own));
            texts[i] = new PooledText(document, row, own, latents, spots, Pattern.FindAll(spots, reader.Source(document)));
        });
        for (int i = 0; i < texts.Length; i++)
        {
            foreach (int word in texts[i].Spots.Select(spot => spot.Piece).Distinct())
            {
                if (!textsOf.TryGetValue(word, out List<int>? list)) textsOf[word] = list = [];
                list.Add(i);
            }
        }
    }

    /// <summary>The rows' vectors, where the rows are vectors that can be read again.</summary>
    public RowVectors? Vectors { get; private set; }

    /// <summary>Reads the vectors of the texts, each of which is a row.</summary>
    public void Attach(IActivationSource source)
    {
        long[] rows = [.. texts.Select(text => text.Row)];
        Vectors = new RowVectors(source, rows);
        directions = rows.Zip(Vectors.Of(rows)).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    /// <summary>The direction of a text's row.</summary>
    public float[] Direction(PooledText text) => directions[text.Row];

    /// <summary>The pieces that patterns are read from: those of a text of one piece are its words.</summary>
    public static IReadOnlyList<string> Readable(IReadOnlyList<string> pieces) => pieces.Count == 1 ? TextSpots.Words(pieces[0]) : pieces;

    /// <summary>Texts on which a latent does not fire, at random and near misses; fewer where the pool has no more.</summary>
    /// <param name="latent">The latent.</param>
    /// <param name="words">Words on which it fires, with how often: near misses have them.</param>
    /// <param name="toward">
    /// Of vectors, the direction of those on which it fires: near misses are also rows near it, where too few share words.
    /// </param>
    /// <param name="random">How many at random; more where there are fewer near misses.</param>
    /// <param name="near">How many near misses.</param>
    /// <param name="half">0 or 1: which half of the pool.</param>
    public SilentTexts Without(int latent, IReadOnlyDictionary<int, int> words, float[]? toward, int random, int near, int half)
    {
        var votes = new Dictionary<int, int>();
        foreach ((int word, int often) in words)
        {
            if (!textsOf.TryGetValue(word, out List<int>? list)) continue;

            // A word that nearly every text has makes no near miss.
            if (list.Count * 2 > texts.Length) continue;
            foreach (int text in list)
                if (text % 2 == half) votes[text] = votes.GetValueOrDefault(text) + often;
        }

        var alike = new List<int>();
        foreach (
            (int text, _) in votes.OrderByDescending(vote => vote.Value).ThenBy(vote => Rng.Mix((ulong)latent ^ ((ulong)vote.Key << 32))))
        {
            if (alike.Count == near) break;
            if (!texts[text].Fires(latent)) alike.Add(text);
        }

        if (toward is not null && alike.Count < near)
        {
            alike.AddRange(Enumerable.Range(0, texts.Length)
                .Where(text => text % 2 == half && !texts[text].Fires(latent) && !alike.Contains(text))
                .OrderByDescending(text => TensorPrimitives.Dot<float>(Direction(texts[text]), toward)).ThenBy(text => text)
                .Take(near - alike.Count));
        }

        var any = new List<int>();
        ulong start = Rng.Mix(options.Seed + (ulong)latent);
        for (int i = 0; i < texts.Length && any.Count < random + near - alike.Count; i++)
        {
            int text = (int)((start + ((ulong)i * 7919)) % (ulong)texts.Length);
            if (text % 2 == half && !texts[text].Fires(latent) && !alike.Contains(text) && !any.Contains(text)) any.Add(text);
        }

        return new SilentTexts([.. any.Select(text => texts[text])], [.. alike.Select(text => texts[text])]);
    }
}
