using System.Text.Json;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

public sealed class EvaluatorTests
{
    [Fact]
    public void Beside_rows_of_zeros_the_others_are_no_outliers()
    {
        using Matrix rows = new(100, 3), rebuilt = new(100, 3);
        for (int row = 60; row < 100; row++) rows.Row(row).Fill(row);
        EvaluationReport report = Evaluator.Compare(rows, rebuilt, "mostly zeros");
        Assert.Equal((null, null), (report.OutlierRows, report.OrdinaryFvu));
    }

    [Fact]
    public void Outlier_rows_are_counted_and_FVU_is_given_without_them()
    {
        var rng = new Rng(3);
        using Matrix rows = new(3000, 8), rebuilt = new(3000, 8);
        for (int i = 0; i < rows.AsSpan().Length; i++) rows.AsSpan()[i] = (float)rng.NextNormal();
        for (int i = 0; i < rows.AsSpan().Length; i++) rebuilt.AsSpan()[i] = rows.AsSpan()[i] + (0.5f * (float)rng.NextNormal());
        EvaluationReport plain = Evaluator.Compare(rows, rebuilt, "plain");
        Assert.Equal((null, null), (plain.OutlierRows, plain.OrdinaryFvu));
        int[] outliers = [0, 7, 1500, 2999];
        int[] ordinary = [.. Enumerable.Range(0, 3000).Except(outliers)];
        using Matrix kept = new(ordinary.Length, 8), keptRebuilt = new(ordinary.Length, 8);
        for (int i = 0; i < ordinary.Length; i++)
        {
            rows.Row(ordinary[i]).CopyTo(kept.Row(i));
            rebuilt.Row(ordinary[i]).CopyTo(keptRebuilt.Row(i));
        }

        foreach (int row in outliers)
        {
            rows.Row(row).Fill(1000);
            rebuilt.Row(row).Fill(1001);
        }

        EvaluationReport hidden = Evaluator.Compare(rows, rebuilt, "hidden");
        Assert.InRange(hidden.Fvu, 0, 0.001);
        Assert.Equal(4, hidden.OutlierRows);
        Assert.Equal([0L, 7, 1500, 2999], hidden.Outliers.Select(outlier => outlier.Row));
        Assert.All(hidden.Outliers, outlier => Assert.InRange(outlier.Times, 900, 1200)); // rows of 8 normal numbers are about √8 long
        Assert.Equal(Evaluator.Compare(kept, keptRebuilt, "kept").Fvu, hidden.OrdinaryFvu!.Value, 1e-9);
    }

    [Fact]
    public void Metrics_match_their_definitions_over_several_blocks()
    {
        var rng = new Rng(1);
        using var x = new Matrix(2500, 6);
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < x.Rows; r++) x[r, 2] += 5;
        using var directions = new Matrix(4, 6);
        rng.FillNormal(directions.AsSpan(), 0.5);
        directions.Row(3).Clear(); // never fires
        using var autoencoder = new FixedDictionary(directions);
        using var source = new MatrixSource(x);
        EvaluationReport report = Evaluator.Run(autoencoder, source);

        // The same from the definitions, by plain loops over everything at once.
        double[] mean = new double[6];
        for (int r = 0; r < x.Rows; r++)
            for (int c = 0; c < 6; c++) mean[c] += (double)x[r, c] / x.Rows;
        using var rebuilt = new Matrix(x.Rows, 6);
        SparseCodes codes = autoencoder.Encode(x);
        autoencoder.Decode(codes, rebuilt);
        double errors = 0, spread = 0, cosines = 0, ratios = 0, squares = 0, products = 0;
        for (int r = 0; r < x.Rows; r++)
        {
            double a = 0, b = 0, ab = 0;
            for (int c = 0; c < 6; c++)
            {
                errors += Math.Pow((double)x[r, c] - rebuilt[r, c], 2);
                spread += Math.Pow(x[r, c] - mean[c], 2);
                a += Math.Pow(x[r, c], 2);
                b += Math.Pow(rebuilt[r, c], 2);
                ab += (double)x[r, c] * rebuilt[r, c];
            }

            if (b > 0) cosines += ab / Math.Sqrt(a * b);
            ratios += Math.Sqrt(b / a);
            squares += b;
            products += ab;
        }

        int withLength = Enumerable.Range(0, x.Rows).Count(r => codes.RowCount(r) > 0);
        Assert.Equal(errors / spread, report.Fvu, 1e-9);
        Assert.Equal(1 - report.Fvu, report.ExplainedVariance);
        Assert.Equal(errors / x.Rows, report.Mse, 1e-8);
        Assert.Equal(cosines / withLength, report.Cosine, 1e-9);
        Assert.Equal(ratios / x.Rows, report.L2Ratio, 1e-9);
        Assert.Equal(squares / products, report.RelativeReconstructionBias, 1e-9);
        Assert.Equal((double)codes.Count / x.Rows, report.L0!.Value, 1e-9);
        Assert.Equal(codes.AllValues.ToArray().Sum(value => (double)value) / x.Rows, report.L1!.Value, 1e-6);
        Assert.Equal(1, report.Dead);
        Assert.Equal(0.25, report.DeadFraction);
        Assert.Equal(codes.AllLatents.ToArray().Count(latent => latent == 1), report.Fired![1]);
        Assert.Equal(3, report.Density!.Counts.Sum());
    }

    [Fact]
    public void A_mean_far_from_zero_does_not_drown_the_variance()
    {
        // Exact in floats: values 4096 ± 1/64, so the spread is known to the last bit.
        using var x = new Matrix(3000, 2);
        for (int r = 0; r < x.Rows; r++)
            for (int c = 0; c < 2; c++) x[r, c] = 4096 + (((r + c) & 1) == 0 ? 1 / 64f : -1 / 64f);
        using var directions = new Matrix(1, 2); // rebuilds nothing: the error is ‖x‖²
        using var autoencoder = new FixedDictionary(directions);
        using var source = new MatrixSource(x);
        EvaluationReport report = Evaluator.Run(autoencoder, source);
        double spread = 3000 * 2 / 4096.0, errors = 3000 * 2 * ((4096.0 * 4096) + (1 / 4096.0));
        Assert.Equal(1, report.Fvu / (errors / spread), 1e-9);
    }

    [Fact]
    public void Constant_data_have_no_variance_to_explain()
    {
        using var x = new Matrix(10, 3);
        x.AsSpan().Fill(2);
        using var exact = new Matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
        using var nothing = new Matrix(1, 3);
        using var source = new MatrixSource(x);
        Assert.True(double.IsNaN(Evaluator.Run(new FixedDictionary(exact), source).Fvu));
        EvaluationReport report = Evaluator.Run(new FixedDictionary(nothing), source);
        Assert.True(double.IsPositiveInfinity(report.Fvu));
        JsonElement json = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal("Infinity", json.GetProperty("fvu").GetString());
        Assert.Equal(10, json.GetProperty("rows").GetInt32());
    }

    [Fact]
    public void Means_over_rows_of_length_0_are_not_numbers()
    {
        using var x = new Matrix(3, 2);
        using var directions = new Matrix(1, 2, [1, 0]);
        using var source = new MatrixSource(x);
        EvaluationReport zeros = Evaluator.Run(new FixedDictionary(directions), source);
        Assert.True(double.IsNaN(zeros.Cosine) && double.IsNaN(zeros.L2Ratio) && double.IsNaN(zeros.RelativeReconstructionBias));
        Assert.Equal(0, zeros.Mse);
        Assert.Equal(0, zeros.L0);

        // One row with a length, rebuilt at half of it: the two rows without count in neither mean.
        x[1, 0] = 1;
        x[1, 1] = (float)Math.Sqrt(3);
        EvaluationReport one = Evaluator.Run(new FixedDictionary(directions), source);
        Assert.Equal(0.5, one.Cosine, 1e-6);
        Assert.Equal(0.5, one.L2Ratio, 1e-6);
        Assert.Equal(1, one.Mse, 1e-6);
    }

    [Fact]
    public void Density_is_counted_by_half_decades_and_the_dead_apart()
    {
        var histogram = DensityHistogram.From([0, 1, 9, 10, 11, 1000, 0], 1000);
        Assert.Equal(2, histogram.Dead);
        Assert.Equal(5, histogram.Counts.Sum());
        Assert.Equal(histogram.Counts.Count + 1, histogram.Edges.Count);
        Assert.Equal(1, histogram.Counts[6]);  // 10⁻³ opens its bin
        Assert.Equal(1, histogram.Counts[^1]); // a latent that fires on every row is in the last
        Assert.Equal(1, histogram.Counts[8] - 1); // 10/1000 and 11/1000 lie in [10⁻², 10⁻¹·⁵)
    }
}
