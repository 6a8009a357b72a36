using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Evaluation;

public sealed class TruthScoresTests
{
    // import numpy as np
    // fired = lambda r, l: (r*r*7 + l*l*11 + r*l*5) % 13 < 3 + l % 3
    // there = lambda r, f: (r*r*3 + f*f*5 + r*f*7) % 11 < 2 + f % 4
    // z = np.array([[fired(r,l) for l in range(9)] for r in range(200)]); z[:, 4] = False
    // t = np.array([[there(r,f) for f in range(12)] for r in range(200)]); m = [0, 3, 3, 7, 1, 11, 5, 5, 2]
    // tp, fp, fn = (z & t[:, m]).sum(0), (z & ~t[:, m]).sum(0), (~z & t[:, m]).sum(0)
    // (tp/np.maximum(tp + fp, 1)).mean(), (tp/np.maximum(tp + fn, 1)).mean(), (2*tp/(2*tp + fp + fn)).mean(), z.sum()/200, t.sum()/200
    [Fact]
    public void Detection_matches_numpy()
    {
        int[] featureOf = [0, 3, 3, 7, 1, 11, 5, 5, 2];
        var tally = new DetectionTally(9, 12, featureOf);
        for (int first = 0; first < 200; first += 50)
        {
            tally.Add(
                Codes(50, 9, (r, l) => l != 4 && Cell(first + r, l, 7, 11, 5) % 13 < 3 + (l % 3)),
                Codes(50, 12, (r, f) => Cell(first + r, f, 3, 5, 7) % 11 < 2 + (f % 4)));
        }

        (double precision, double recall, double f1) = tally.Means();
        Assert.Equal(0.42228949445335784, precision, 1e-12);
        Assert.Equal(0.3265274270482604, recall, 1e-12);
        Assert.Equal(0.35582863075367743, f1, 1e-12);
        Assert.Equal(2.985, tally.L0, 1e-12);
        Assert.Equal(4.91, tally.TrueL0, 1e-12);
        Assert.Equal(1, tally.Dead);
    }

    // from scipy.optimize import linear_sum_assignment
    // i, j, d = np.arange(n)[:,None], np.arange(m)[:,None], np.arange(3)[None]
    // w = ((i*37 + d*61 + i*d*13) % 101 - 50)/10; v = ((j*29 + d*53 + j*d*17) % 103 - 51)/10
    // c = abs((w/np.linalg.norm(w,axis=1)[:,None]) @ (v/np.linalg.norm(v,axis=1)[:,None]).T)
    // r, s = linear_sum_assignment(-c); c[r, s].mean(), c.max(1).mean(), len(set(c.argmax(1)))/n
    [Theory]
    [InlineData(7, 8, 0.9282826364885841, 0.9576867994033422, 0.8571428571428571)]
    [InlineData(9, 6, 0.9607909625030255, 0.9250521828267634, 0.6666666666666666)]
    public void Cosines_match_scipy(int latents, int features, double mcc, double mmcs, double uniqueness)
    {
        using Matrix w = new(latents, 3), v = new(features, 3);
        for (int d = 0; d < 3; d++)
        {
            for (int i = 0; i < latents; i++) w[i, d] = ((((i * 37) + (d * 61) + (i * d * 13)) % 101) - 50) / 10f;
            for (int j = 0; j < features; j++) v[j, d] = ((((j * 29) + (d * 53) + (j * d * 17)) % 103) - 51) / 10f;
        }

        DictionaryMatch match = DictionaryMatch.Of(w, v);
        Assert.Equal(mcc, match.Mcc, 1e-6);
        Assert.Equal(mmcs, match.Mmcs, 1e-6);
        Assert.Equal(uniqueness, match.Uniqueness, 1e-12);
    }

    // Decoder rows are the features. Two latents are active where often one feature is, so that not all of what fires is right.
    [Fact]
    public void A_dictionary_of_the_features_is_matched_whole_and_one_of_a_single_feature_is_not()
    {
        SyntheticModelOptions options = new()
        {
            Name = "orthogonal",
            Features = 64,
            Width = 32,
            Roots = 4,
            Branching = 2,
            Depth = 2,
            MostProbable = 0.02,
            LeastProbable = 0.005,
            Rank = 3,
        };
        using var model = new SyntheticModel(options);
        using TopKAutoencoder same = Dictionary(model.Directions, 64), turned = Dictionary(model.Directions, 64);
        for (int i = 0; i < 64; i++)
            for (int c = 0; c < 32; c++) turned.Decoder[i, c] *= -1;
        TruthScores scores = Measure(same, model, 3000);
        Assert.Equal((1.0, 1.0, 1.0), (Math.Round(scores.Mcc, 5), Math.Round(scores.Mmcs, 5), scores.Uniqueness));
        Assert.Equal((3000L, 64, false), (scores.Rows, scores.Latents, scores.ByBatch));
        Assert.InRange(scores.F1, 0.5, 1);
        Assert.InRange(scores.Recall, 0.7, 1);
        Assert.Equal(1, Measure(turned, model, 10).Mcc, 5);

        // features 3, 3, 3 … by every latent
        for (int i = 0; i < 64; i++) model.Directions.Row(3).CopyTo(same.Decoder.Row(i));
        scores = Measure(same, model, 1000);
        Assert.Equal((1.0 / 64, 1.0), (scores.Uniqueness, Math.Round(scores.Mmcs, 5)));
        Assert.True(scores.Mcc < 0.3, $"{scores.Mcc}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    public void By_batch_the_largest_of_the_whole_batch_are_active(double istaStep)
    {
        var options = new BatchTopKOptions { Latents = 40, K = 3, IstaStep = istaStep };
        using var x = new Matrix(64, 16);
        new Rng(3).FillNormal(x.AsSpan());
        using var source = new MatrixSource(x);
        using TrainingRun run = TrainingRun.Start(new() { Autoencoder = options, Rows = 6000, Batch = 50, Validation = 0 }, source);
        while (!run.Finished) run.Next();
        var trained = (SparseAutoencoder)run.Autoencoder;
        Assert.True(trained.SelectsByBatch);
        SparseCodes byBatch = new(40), byRow = trained.Encode(x);
        trained.EncodeBatch(x, byBatch);
        Assert.Equal(64 * 3, byBatch.Count);
        Assert.NotEqual(byRow.Count, byBatch.Count);
        if (istaStep > 0) return;

        // with one stage, both keep the largest of the same pre-activations
        float least = byBatch.AllValues.ToArray().Min();
        for (int r = 0; r < 64; r++)
        {
            var kept = byBatch.Latents(r).ToArray().ToHashSet();
            for (int j = 0; j < byRow.RowCount(r); j++)
                Assert.Equal(byRow.Values(r)[j] >= least, kept.Contains(byRow.Latents(r)[j]));
        }
    }

    private static TruthScores Measure(SparseAutoencoder autoencoder, SyntheticModel model, int rows) => Assert.Single(
        TruthScores.Measure(autoencoder, model, rows, cancellationToken: TestContext.Current.CancellationToken));

    private static int Cell(int r, int c, int a, int b, int both) => (r * r * a) + (c * c * b) + (r * c * both);

    [Fact]
    public void What_is_published_is_shown_beside_its_architecture_on_its_model_alone()
    {
        Assert.All(PublishedTruthScores.All, one => Assert.NotNull(Architecture.Find(one.Architecture)));
        Assert.Equal([20, 25], PublishedTruthScores.Beside("matryoshka", "synth:synth-sae-bench-16k-v2").Select(one => one.L0));
        Assert.Empty(PublishedTruthScores.Beside("matryoshka", "synth:synth-sae-bench-16k-v1"));
        Assert.Empty(PublishedTruthScores.Beside("topk", "synth:synth-sae-bench-16k-v2"));
    }

    private static TopKAutoencoder Dictionary(Matrix directions, int latents)
    {
        var autoencoder = (TopKAutoencoder)new TopKOptions { Latents = latents, K = 2, AuxK = 0 }.Build(
            directions.Columns, directions.Columns, rng: null);
        directions.CopyTo(autoencoder.Decoder);
        directions.CopyTo(autoencoder.Weights.Encoder);
        return autoencoder;
    }

    private static SparseCodes Codes(int rows, int size, Func<int, int, bool> active)
    {
        var starts = new List<long> { 0 };
        var latents = new List<int>();
        for (int r = 0; r < rows; r++)
        {
            latents.AddRange(Enumerable.Range(0, size).Where(l => active(r, l)));
            starts.Add(latents.Count);
        }

        return new SparseCodes(size, [.. starts], [.. latents], [.. latents.Select(_ => 1f)]);
    }
}
