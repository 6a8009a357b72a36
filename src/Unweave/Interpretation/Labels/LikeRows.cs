using System.Numerics.Tensors;

namespace Unweave.Interpretation;

/// <summary>
/// A label for rows whose texts share no words, such as single words: the three rows that say best what the others are like.
/// </summary>
/// <remarks>
/// What a reader makes of “diabetes”, “arthritis”, “glaucoma” is that things like these are meant. As a rule that can be checked: a row is
/// meant when the cosine of its direction with the sum of the three is at least <see cref="Least"/>, which is chosen with the three.
/// </remarks>
/// <param name="Texts">The three texts.</param>
/// <param name="Direction">The sum of their directions, of length 1.</param>
/// <param name="Least">The least cosine.</param>
/// <param name="Recall">Share of the rows it was made from on which the latent fires that are meant.</param>
/// <param name="FalseAlarms">Share of the others that are.</param>
internal sealed record LikeRows(IReadOnlyList<string> Texts, float[] Direction, double Least, double Recall, double FalseAlarms)
{
    private const int Named = 3, Tried = 12, LongestText = 40;
    private const double LikenessWorth = 1;

    /// <summary>The label.</summary>
    public string Text => "like " + string.Join(", ", Texts.Select(text => $"“{text}”"));

    /// <summary>Whether a row is meant.</summary>
    public bool Means(float[] row) => TensorPrimitives.Dot(row, Direction) >= Least;

    /// <summary>
    /// The three of the strongest rows that tell best the rows on which a latent fires from others, those in the upper half of its range
    /// before all, and that are most like one another; null where fewer than three have a text that is short enough to be named.
    /// </summary>
    /// <param name="texts">Texts of rows on which it fires, the strongest first.</param>
    /// <param name="firing">Their directions.</param>
    /// <param name="strong">Which of them are in the upper half of the range.</param>
    /// <param name="random">Directions of rows at random on which it is silent.</param>
    /// <param name="near">Directions of near misses.</param>
    public static LikeRows? Find(IReadOnlyList<string> texts, float[][] firing, bool[] strong, float[][] random, float[][] near)
    {
        var told = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        int[] tried = [.. Enumerable.Range(0, texts.Count)
            .Where(i => texts[i].Trim() is { Length: > 0 and <= LongestText } text && told.Add(text)).Take(Tried)];
        if (tried.Length < Named) return null;
        double[][] toFiring = Cosines(firing), toStrong = Cosines([.. firing.Where((_, i) => strong[i])]);
        double[][] toRandom = Cosines(random), toNear = Cosines(near);
        (double Worth, int A, int B, int C, double Least, double Recall, double Alarms) best = (double.NegativeInfinity, 0, 0, 0, 0, 0, 0);
        for (int a = 0; a < tried.Length; a++)
        {
            for (int b = a + 1; b < tried.Length; b++)
            {
                for (int c = b + 1; c < tried.Length; c++)
                {
                    (double worth, double least, double recall, double alarms) = Split(
                        Sums(toFiring, a, b, c), Sums(toStrong, a, b, c), Sums(toRandom, a, b, c), Sums(toNear, a, b, c));
                    worth += LikenessWorth * (Between(a, b) + Between(a, c) + Between(b, c)) / 3;
                    if (worth > best.Worth) best = (worth, a, b, c, least, recall, alarms);
                }
            }
        }

        float[][] named = [firing[tried[best.A]], firing[tried[best.B]], firing[tried[best.C]]];
        float[] direction = RowVectors.Sum(named);
        float length = Math.Max(named.Sum(one => TensorPrimitives.Dot(one, direction)), float.Epsilon);
        return new LikeRows(
            [.. new[] { best.A, best.B, best.C }.Select(i => texts[tried[i]].Trim())],
            direction, best.Least / length, best.Recall, best.Alarms);

        double Between(int a, int b) => TensorPrimitives.Dot(firing[tried[a]], firing[tried[b]]);

        double[][] Cosines(float[][] rows) =>
            [.. tried.Select(i => rows.Select(row => (double)TensorPrimitives.Dot(row, firing[i])).ToArray())];
    }

    private static double[] Sums(double[][] cosines, int a, int b, int c)
    {
        var sums = new double[cosines[a].Length];
        for (int i = 0; i < sums.Length; i++) sums[i] = cosines[a][i] + cosines[b][i] + cosines[c][i];
        Array.Sort(sums);
        return sums;
    }

    // The bound that tells them best: half-way between a row on which the latent fires and what is below it.
    private static (double Worth, double Least, double Recall, double Alarms) Split(
        double[] firing, double[] strong, double[] random, double[] near)
    {
        (double Worth, double Least, double Recall, double Alarms) best = (double.NegativeInfinity, 0, 0, 0);
        for (int i = 0; i < firing.Length; i++)
        {
            double least = i == 0 ? firing[0] : (firing[i] + firing[i - 1]) / 2, recall = (double)(firing.Length - i) / firing.Length;
            double alarms = near.Length == 0 ? Above(random, least) : (Above(random, least) + Above(near, least)) / 2;
            double worth = strong.Length == 0 ? recall - alarms : ((recall + Above(strong, least)) / 2) - alarms;
            if (worth > best.Worth) best = (worth, least, recall, alarms);
        }

        return best;

        static double Above(double[] sorted, double least)
        {
            if (sorted.Length == 0) return 0;
            int at = Array.BinarySearch(sorted, least);
            at = at < 0 ? ~at : at;
            while (at > 0 && sorted[at - 1] >= least) at--;
            return (double)(sorted.Length - at) / sorted.Length;
        }
    }
}
