using Unweave.Autoencoders;
using Unweave.Evaluation;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

public sealed class ProbingTests
{
    // import numpy as np; from sklearn.linear_model import LogisticRegression
    // x = np.array([[((i*37+j*61+i*j*13)%101)/100 for j in range(3)] for i in range(40)])
    // y = x[:,0]+.5*x[:,1]+.3*np.sin(np.arange(40)*7) > .9
    // for C, cw in ((1, None), (10, 'balanced'), (.1, None)):
    //     m = LogisticRegression(C=C, class_weight=cw, tol=1e-12, max_iter=10000).fit(x, y); print(m.coef_[0], m.intercept_)
    [Theory]
    [InlineData(1, false, 1.93011475, 0.93389145, -0.52649783, -2.2276697)]
    [InlineData(10, true, 6.36623148, 2.96743983, -0.36596576, -5.35995983)]
    [InlineData(0.1, false, 0.30473951, 0.14860809, -0.12119793, -1.13604094)]
    public void Logistic_regression_matches_scikit_learn(
        double c, bool balanced, double first, double second, double third, double intercept)
    {
        using var x = new Matrix(40, 3);
        bool[] y = new bool[40];
        for (int i = 0; i < 40; i++)
        {
            for (int j = 0; j < 3; j++) x[i, j] = ((i * 37) + (j * 61) + (i * j * 13)) % 101 / 100f;
            y[i] = x[i, 0] + (0.5 * x[i, 1]) + (0.3 * Math.Sin(i * 7)) > 0.9;
        }

        LogisticRegression fitted = LogisticRegression.Fit(x, y, c, balanced, 1e-8);
        Assert.Equal(first, fitted.Weights[0], 1e-4);
        Assert.Equal(second, fitted.Weights[1], 1e-4);
        Assert.Equal(third, fitted.Weights[2], 1e-4);
        Assert.Equal(intercept, fitted.Intercept, 1e-4);
    }

    [Fact]
    public void Standardized_features_give_the_same_answers_at_any_scale_and_place()
    {
        var rng = new Rng(3);
        using Matrix x = new(100, 3), moved = new(100, 3);
        bool[] y = new bool[100];
        for (int r = 0; r < 100; r++)
        {
            for (int c = 0; c < 3; c++)
            {
                x[r, c] = (float)rng.NextNormal();
                moved[r, c] = (x[r, c] * MathF.Pow(10, c - 1)) + 2 - c;
            }

            y[r] = x[r, 0] - x[r, 1] + rng.NextNormal() > 0;
        }

        LogisticRegression one = LogisticRegression.FitStandardized(x, y), other = LogisticRegression.FitStandardized(moved, y);
        for (int r = 0; r < 100; r++) Assert.Equal(one.Score(x.Row(r)), other.Score(moved.Row(r)), 1e-3);
    }

    // Latent 3 is active on class 0 alone, latent 5 on class 1 alone; the others say nothing. Class 2 has neither.
    private static PooledTexts Told(int texts, int[] labels)
    {
        var rng = new Rng(5);
        List<long> starts = [0];
        List<int> latents = [];
        List<float> values = [];
        var rows = new Matrix(texts, 4);
        for (int r = 0; r < texts; r++)
        {
            for (int latent = 0; latent < 8; latent++)
            {
                bool on = latent switch { 3 => labels[r] == 0, 5 => labels[r] == 1, _ => rng.NextDouble() < 0.5 };
                if (!on) continue;
                latents.Add(latent);
                float value = (float)(latent is 3 or 5 ? 2 : rng.NextDouble());
                values.Add(value);
                if (latent is 3 or 5) rows[r, latent == 3 ? 0 : 1] += value;
            }

            starts.Add(latents.Count);
            for (int c = 0; c < 4; c++) rows[r, c] += (float)(0.1 * rng.NextNormal());
        }

        return new PooledTexts(rows, [new SparseCodes(8, [.. starts], [.. latents], [.. values])], [.. Enumerable.Range(0, texts)]);
    }

    private static int[] Labels(int texts) => [.. Enumerable.Range(0, texts).Select(i => i * 7 % 3)];

    [Fact]
    public void One_latent_that_tells_a_class_is_found_and_probed()
    {
        int[] labels = Labels(240);
        using PooledTexts texts = Told(240, labels);
        int[] all = [.. Enumerable.Range(0, 240)];
        Assert.Equal(3, SparseProbing.MostDifferent(texts.Codes[0], all, [.. labels.Select(label => label == 0)], 1)[0].Latent);
        ProbeResult result = SparseProbing.Run("made", texts, ["coder"], labels, ["a", "b", "c"], 3);
        Assert.Equal((3, 0, 240), (result.Classes.Count, result.ClassesLeftOut, result.Texts));
        double[] one = result.Coders[0].Accuracies[1], two = result.Coders[0].Accuracies[2];
        Assert.Equal(3, one.Length);
        // Classes a and b are told by one latent, c by one latent only against one of the two.
        Assert.All(one, value => Assert.InRange(value, 0.85, 0.97));
        Assert.All(two, value => Assert.Equal(1, value, 1e-9));
        Assert.All(result.Dense, value => Assert.True(value > 0.95));

        ProbeResult again = SparseProbing.Run("made", texts, ["coder"], labels, ["a", "b", "c"], 3);
        Assert.Equal(one, again.Coders[0].Accuracies[1]);
    }

    [Fact]
    public void Labels_that_codes_do_not_tell_leave_a_probe_at_chance()
    {
        using PooledTexts texts = Told(400, Labels(400));
        var rng = new Rng(1);
        int[] labels = [.. Enumerable.Range(0, 400).Select(_ => (int)rng.NextBelow(2))];
        ProbeResult result = SparseProbing.Run("made", texts, ["coder"], labels, ["a", "b"], 4);
        Assert.Single(result.Classes); // of two classes each is the rest of the other
        Assert.InRange(result.Coders[0].Accuracies[5].Average(), 0.4, 0.6);
        Assert.InRange(result.Dense.Average(), 0.4, 0.6);
    }

    [Fact]
    public void Classes_with_few_texts_are_left_out_or_refused()
    {
        int[] labels = [.. Labels(90)[..88], 3, 3];
        using PooledTexts texts = Told(90, labels);
        Assert.Equal(1, SparseProbing.Run("made", texts, ["coder"], labels, ["a", "b", "c", "d"], 2).ClassesLeftOut);
        int[] few = [.. Enumerable.Range(0, 90).Select(i => i % 30)];
        Assert.Contains("20 texts", Assert.Throws<InputException>(() => SparseProbing.Run("made", texts, ["coder"], few,
            [.. few.Distinct().Select(i => $"{i}")], 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_and_test_rows_are_balanced_and_apart()
    {
        int[] labels = Labels(200);
        (int[] training, int[] test) = SparseProbing.Balanced(labels, 1, new Rng(0));
        Assert.Empty(training.Intersect(test));
        foreach (int[] rows in (int[][])[training, test]) Assert.Equal(rows.Length, 2 * rows.Count(row => labels[row] == 1));
        Assert.Equal(rowsOfClass(1), (training.Length + test.Length) / 2);

        int rowsOfClass(int label) => labels.Count(one => one == label);
    }

    // By hand: variances 0.0001 and 0.0004 (deviations 0.01 and 0.02), accuracies 0.7 and 0.8, three splits, 300 predictions.
    [Fact]
    public void The_smallest_difference_follows_its_formula()
    {
        var result = new ProbeResult
        {
            Name = "",
            Texts = 0,
            Classes = [],
            ClassesLeftOut = 0,
            TestPredictions = 300,
            Dense = [1, 1, 1],
            Coders =
            [
                new ProbeFigures("a", new Dictionary<int, double[]> { [1] = [0.69, 0.7, 0.71] }),
                new ProbeFigures("b", new Dictionary<int, double[]> { [1] = [0.78, 0.8, 0.82] }),
            ],
        };
        double expected = 2.8 * Math.Sqrt(2) * Math.Sqrt((0.00025 / 3) + (0.75 * 0.25 / 300));
        Assert.Equal(expected, result.SmallestDifference(1), 1e-12);
    }

    [Theory]
    [InlineData(1, 1, 0.9, 0)] // the main latents have it all
    [InlineData(1, 0.5, 0.39, 0)] // the others carry too little
    [InlineData(1, 0, 0.5, 1)] // the main latents are silent
    [InlineData(1, 0.5, 0.4, 0.4 / 0.9)]
    [InlineData(1, 0.5, 0.8, 0.5)] // no more than what is unaccounted for
    public void The_absorption_fraction_is_SAEBenchs(double projection, double main, double absorbers, double expected) =>
        Assert.Equal(expected, Absorption.Fraction(projection, main, absorbers), 1e-12);

    [Fact]
    public void F1_of_answers()
    {
        Assert.Equal(2.0 * 2 / (3 + 3), Absorption.F1([(true, true), (true, true), (true, false), (false, true), (false, false)]), 1e-12);
        Assert.Equal(0, Absorption.F1([(false, false)]));
    }

    // Six letters along six axes, a latent each; but every fourth word of the letter a has a latent of its own instead, which points along
    // the letter's axis and one of the word's.
    [Fact]
    public void A_latent_that_takes_over_a_letter_is_absorption()
    {
        const int each = 120, letters = 6, width = 40;
        var rows = new Matrix(each * letters, width);
        int[] letter = [.. Enumerable.Range(0, rows.Rows).Select(i => i / each)];
        var rng = new Rng(9);
        for (int i = 0; i < rows.Rows; i++)
        {
            rows[i, letter[i]] = 2;
            if (i < each && i % 4 == 1) rows[i, 10 + (i / 4)] = 2;
            for (int c = 0; c < width; c++) rows[i, c] += (float)(0.01 * rng.NextNormal());
        }

        using var words = new FirstLetters([.. letter.Select(l => $"{(char)('a' + l)}")], letter, rows);
        AbsorptionResult result = Absorption.Run(words, [new LetterCoder(absorbs: true), new LetterCoder(absorbs: false)], 3);
        Assert.Null(result.Refused);
        Assert.True(result.ProbeF1 > 0.8, $"{result.ProbeF1}");
        Dictionary<char, double> Of(int coder, Func<LetterAbsorption, double> figure) =>
            result.Coders[coder].Letters.SelectMany(split => split).GroupBy(one => one.Letter)
                .ToDictionary(group => group.Key, group => group.Average(figure));
        // A quarter of its words at most: the probe does not tell all of them, as each has an axis that no other word has.
        Assert.InRange(Of(0, one => one.Fraction)['a'], 0.05, 0.35);
        Assert.InRange(Of(0, one => one.Full)['a'], 0.05, 0.35);
        Assert.All(Of(0, one => one.Fraction).Where(one => one.Key != 'a'), one => Assert.Equal(0, one.Value, 1e-9));
        Assert.All(Of(0, one => one.MainLatents).Values, count => Assert.Equal(1, count, 1e-9));
        Assert.All(Of(1, one => one.Fraction).Values, value => Assert.Equal(0, value, 1e-9));
        Assert.Equal(0, result.Coders[1].Full.Average(), 1e-9);
    }

    [Fact]
    public void Letters_that_a_model_does_not_tell_give_no_absorption()
    {
        var rng = new Rng(2);
        var rows = new Matrix(300, 40);
        rng.FillNormal(rows.AsSpan());
        int[] letter = [.. Enumerable.Range(0, 300).Select(i => i % 6)];
        using var words = new FirstLetters([.. letter.Select(l => $"{l}")], letter, rows);
        AbsorptionResult result = Absorption.Run(words, [new LetterCoder(absorbs: false)], 2);
        Assert.NotNull(result.Refused);
        Assert.Empty(result.Coders);
    }

    // Two classes, each along a direction that is also a latent's: ablating it takes the class from its own probe and from no other.
    [Fact]
    public void Latents_of_one_class_alone_have_a_high_tpp()
    {
        int[] labels = Labels(300);
        using PooledTexts texts = Told(300, labels);
        using Matrix apart = new(8, 4), mixed = new(8, 4);
        (apart[3, 0], apart[5, 1]) = (1, 1);
        for (int c = 0; c < 2; c++) (mixed[3, c], mixed[5, c]) = (0.5f, 0.5f);
        Dictionary<int, RemovalScore> good = ConceptRemoval.Tpp(texts, 0, apart, labels, 2), bad = ConceptRemoval.Tpp(texts, 0, mixed,
            labels, 2);
        Assert.True(good[2].Intended > 0.3, $"{good[2]}");
        Assert.True(good[2].Total > bad[2].Total + 0.1, $"{good[2]}, {bad[2]}");
        Assert.Equal(good[2].Intended - good[2].Unintended, good[2].Total, 1e-12);
    }

    // Label and second label each along an axis with a latent of its own: without the second's latent the biased probe is as good as a
    // clean one.
    [Fact]
    public void Ablating_the_latent_of_a_spurious_label_brings_the_accuracy_back()
    {
        const int count = 800;
        var rng = new Rng(6);
        bool[] first = [.. Enumerable.Range(0, count).Select(i => i % 2 == 1)];
        bool[] second = [.. Enumerable.Range(0, count).Select(i => i / 2 % 2 == 1)];
        var rows = new Matrix(count, 3);
        List<long> starts = [0];
        List<int> latents = [];
        List<float> values = [];
        for (int r = 0; r < count; r++)
        {
            if (first[r]) (rows[r, 0], _) = (1, Add(0, 1));
            if (second[r]) (rows[r, 1], _) = (3, Add(1, 3));
            starts.Add(latents.Count);
            for (int c = 0; c < 3; c++) rows[r, c] += (float)(0.3 * rng.NextNormal());
        }

        using var texts = new PooledTexts(
            rows, [new SparseCodes(3, [.. starts], [.. latents], [.. values])], [.. Enumerable.Range(0, count)]);
        using var directions = new Matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
        Dictionary<int, RemovalScore> scores = ConceptRemoval.Scr(texts, 0, directions, first, second);
        Assert.Equal(ConceptRemoval.Sizes.Order(), scores.Keys.Order());
        using var useless = new Matrix(3, 3);
        Assert.All(ConceptRemoval.Scr(texts, 0, useless, first, second).Values, score =>
            Assert.True(double.IsNaN(score.Intended) || Math.Abs(score.Intended) < 1e-9)); // nothing is ablated
        (int few, string message) = (40, "each of the four pairs");
        Assert.Contains(message, Assert.Throws<InputException>(() => ConceptRemoval.Scr(texts, 0, directions, first[..few].Concat(first[..(
            count - few)]).ToArray(), first)).Message, StringComparison.Ordinal);

        bool Add(int latent, float value)
        {
            latents.Add(latent);
            values.Add(value);
            return true;
        }
    }

    /// <summary>A latent a letter, and, where it absorbs, one for each of 30 words, which stands in for the letter's there.</summary>
    private sealed class LetterCoder(bool absorbs) : IRowCoder
    {
        public string Name => absorbs ? "absorbs" : "does not";

        public int InputWidth => 40;

        public int OutputWidth => 40;

        public int Latents => 36;

        public void Encode(Matrix x, SparseCodes codes) => NarrowedCodes.FromRows(
            [.. Enumerable.Range(0, x.Rows).Select(r =>
            {
                int word = Enumerable.Range(0, 30).FirstOrDefault(j => x[r, 10 + j] > 1, -1);
                return absorbs && word >= 0
                    ? (IReadOnlyList<(int, float)>)[(6 + word, 2)]
                    : [.. Enumerable.Range(0, 6).Where(i => x[r, i] > 1).Select(i => (i, x[r, i]))];
            })],
            codes);

        public void Decode(SparseCodes codes, Matrix input, Matrix reconstruction)
        {
            reconstruction.Clear();
            for (int r = 0; r < codes.Rows; r++)
            {
                for (int j = 0; j < codes.RowCount(r); j++)
                {
                    int latent = codes.Latents(r)[j];
                    float value = codes.Values(r)[j];
                    reconstruction[r, latent < 6 ? latent : 0] += value;
                    if (latent >= 6) reconstruction[r, latent + 4] += value;
                }
            }
        }
    }
}
