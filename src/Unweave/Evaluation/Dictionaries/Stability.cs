using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// How far two trainings found the same latents: their decoders matched one to one for the greatest total cosine (Paulo and Belrose 2025).
/// Cosines are signed: a latent that points the other way is another.
/// </summary>
/// <param name="First">Name of one.</param>
/// <param name="Second">Name of the other.</param>
/// <param name="Pairs">Pairs: as many as the smaller has latents.</param>
/// <param name="MeanCosine">Mean cosine of the pairs.</param>
/// <param name="Above7">Share of pairs whose cosine is above 0.7.</param>
/// <param name="Above9">Share of pairs whose cosine is above 0.9.</param>
/// <param name="Chance">The mean cosine that random directions of the same number and width reach when they are matched alike.</param>
internal sealed record Stability(
    string First, string Second, int Pairs, double MeanCosine, double Above7, double Above9, double Chance)
{
    // The chance level of more latents is that of this many, which takes a second: it is for orientation.
    private const int ChanceLatents = 2048;

    /// <summary>Compares two dictionaries.</summary>
    /// <param name="first">Name of one.</param>
    /// <param name="a">Its directions, unit rows, <c>[n, d]</c>.</param>
    /// <param name="second">Name of the other.</param>
    /// <param name="b">Its directions, unit rows, <c>[m, d]</c>.</param>
    /// <exception cref="InputException">They are of different widths.</exception>
    public static Stability Measure(string first, Matrix a, string second, Matrix b)
    {
        if (a.Columns != b.Columns)
        {
            throw new InputException($"{first} reconstructs vectors of width {a.Columns}, {second} of width {b.Columns}; only dictionaries "
                + "of one width can be matched.");
        }

        (double mean, double above7, double above9) = Match(a, b);
        int n = Math.Min(a.Rows, ChanceLatents), m = Math.Min(b.Rows, ChanceLatents);
        var rng = new Rng(0);
        using Matrix c = RandomDictionaryBaseline.UnitRows(n, a.Columns, rng), d = RandomDictionaryBaseline.UnitRows(m, a.Columns, rng);
        return new Stability(first, second, Math.Min(a.Rows, b.Rows), mean, above7, above9, Match(c, d).Mean);
    }

    private static (double Mean, double Above7, double Above9) Match(Matrix a, Matrix b)
    {
        using var cosines = new Matrix(a.Rows, b.Rows);
        using (var product = new DenseProduct(Workers.Shared))
        {
            product.PackRight(b, transposed: true);
            product.Multiply(a, transposed: false, cosines);
        }

        int[] match = Assignment.Maximize(cosines);
        double[] matched = [.. Enumerable.Range(0, a.Rows).Where(i => match[i] >= 0).Select(i => (double)cosines[i, match[i]])];
        return (matched.Average(), Share(0.7), Share(0.9));

        double Share(double least) => matched.Count(cosine => cosine > least) / (double)matched.Length;
    }
}
