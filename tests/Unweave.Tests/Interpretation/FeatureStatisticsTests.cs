using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Interpretation;

/// <summary>What a statistics counts and keep, against the same counted from all rows at once.</summary>
public sealed class FeatureStatisticsTests
{
    private const int Broad = 0, Dead = 1, Dense = 2, Token = 3, Start = 4, Partner = 5, FewTokens = 6, Latents = 7, Context = 32;

    private static readonly FeatureStatisticsOptions Small = new() { Top = 7, Drawn = 5, Before = 3, After = 2, Listed = 10, Seed = 3 };

    [Fact]
    public void Settings_that_keep_nothing_are_refused()
    {
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureStatisticsOptions { Top = 0 });
        Assert.Contains("Top is at least 1", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureStatisticsOptions { Contrasts = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureStatisticsOptions { Before = -1 });
        Assert.Equal(0, new FeatureStatisticsOptions { After = 0 }.After);
    }

    [Fact]
    public void Counts_are_those_of_all_rows()
    {
        using Planted planted = Made();
        using FeatureStatistics statistics = planted.Statistics(Small);
        Feature[] features = [.. statistics.Features().Select(made => made.Feature)];
        int windows = planted.Rows.Select(row => (row.Number, row.Window)).Distinct().Count();
        Assert.Equal((planted.Rows.Count, windows), (statistics.Rows, statistics.Windows));
        Assert.Equal(Enumerable.Range(0, Latents), features.Select(feature => feature.Latent));
        for (int latent = 0; latent < Latents; latent++)
        {
            float[] values = [.. planted.Rows.Select(row => row.X[latent]).Where(value => value > 0)];
            Feature feature = features[latent];
            Assert.Equal(values.Length, feature.Fired);
            Assert.Equal((double)values.Length / planted.Rows.Count, feature.Frequency, 1e-12);
            Assert.Equal((double)planted.Windows(latent).Count() / windows, feature.Density, 1e-12);
            Assert.Equal(values.Append(0).Max(), feature.Max);
            Assert.Equal(values.Select(value => (double)value).DefaultIfEmpty(0).Average(), feature.Mean, 1e-9);

            long[] bins = new long[feature.Histogram.Counts.Count];
            foreach (float value in values) bins[Enumerable.Range(0, bins.Length).First(i => value <= (i + 1) * feature.Histogram.Width)]++;
            Assert.Equal(bins, feature.Histogram.Counts);

            // Bins were joined only as far as the strongest asks for.
            if (values.Length > 0) Assert.InRange(feature.Max, feature.Histogram.Width * 8 * 0.999, feature.Histogram.Width * 32);

            foreach (PositionShare range in feature.Positions)
            {
                PlantedRow[] there = [.. planted.Rows.Where(row => row.Position >= range.First && row.Position <= range.Last)];
                Assert.Equal((double)there.Count(row => row.X[latent] > 0) / there.Length, range.Frequency, 1e-12);
            }

            Assert.Equal(0, feature.Positions[0].First);
            Assert.True(feature.Positions[^1].Last >= Context - 1);
            for (int i = 1; i < feature.Positions.Count; i++) Assert.Equal(feature.Positions[i - 1].Last + 1, feature.Positions[i].First);
        }
    }

    [Fact]
    public void Top_examples_are_the_strongest_windows_one_a_window()
    {
        using Planted planted = Made();
        foreach ((Feature feature, _) in planted.Features(Small))
        {
            var expected = planted.Windows(feature.Latent)
                .Select(window => window.OrderByDescending(entry => entry.Row.X[feature.Latent]).ThenBy(entry => entry.Number).First())
                .OrderByDescending(peak => peak.Row.X[feature.Latent]).ThenBy(peak => peak.Number).Take(Small.Top).ToArray();
            Assert.Equal(expected.Select(peak => (long)peak.Number), feature.Top.Select(example => example.Row));
            foreach (FeatureExample example in feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples)))
                IsOfTheText(planted, feature.Latent, example);
        }
    }

    [Fact]
    public void Drawn_examples_are_of_their_bands_and_bands_have_their_shares()
    {
        using Planted planted = Made();
        foreach ((Feature feature, _) in planted.Features(Small).Where(made => made.Feature.Fired > 0))
        {
            float[] peaks = [.. planted.Windows(feature.Latent).Select(window => window.Max(entry => entry.Row.X[feature.Latent]))];
            Assert.Equal(1, feature.Quantiles.Sum(group => group.Share), 1e-9);
            Assert.Equal(feature.Quantiles.OrderByDescending(group => group.From), feature.Quantiles);
            foreach (ExampleGroup group in feature.Quantiles)
            {
                int count = peaks.Count(peak => peak > group.From && peak <= group.To);
                Assert.Equal((double)count / peaks.Length, group.Share, 1e-9);
                Assert.Equal(Math.Min(count, Small.Drawn), group.Examples.Count);
                Assert.Equal(group.Examples.Count, group.Examples.DistinctBy(example => example.Row).Count());
                Assert.All(group.Examples, example => Assert.True(example.Activation > group.From && example.Activation <= group.To));
                Assert.Equal(group.Examples.OrderByDescending(example => example.Activation).Select(example => example.Row),
                    group.Examples.Select(example => example.Row));
            }
        }
    }

    [Fact]
    public void Latents_are_of_the_kind_that_was_planted()
    {
        using Planted planted = Made();
        Feature[] features = [.. planted.Features(Small).Select(made => made.Feature)];
        Assert.Equal(
            [FeatureKind.Ordinary, FeatureKind.Dead, FeatureKind.Dense, FeatureKind.Token, FeatureKind.Position, FeatureKind.Ordinary,
                FeatureKind.Ordinary],
            features.Select(feature => feature.Kind));
        Feature dead = features[Dead];
        Assert.True(
            dead.Top.Count == 0 && dead.Quantiles.Count == 0 && dead.Tokens.Count == 0 && dead.Partners.Count == 0
                && dead.Contrasts.Count == 0);
        Assert.True(dead is { Max: 0, Mean: 0, Fired: 0 });

        // How much is listed is no matter of what a latent is.
        Assert.Equal(features.Select(feature => feature.Kind),
            planted.Features(Small with { Listed = 0 }).Select(made => made.Feature.Kind));
    }

    [Fact]
    public void Tokens_are_those_of_direct_counts()
    {
        using Planted planted = Made();
        foreach ((Feature feature, _) in planted.Features(Small with { Listed = 1000 }))
        {
            PlantedRow[] firing = [.. planted.Rows.Where(row => row.X[feature.Latent] > 0)];
            double total = firing.Sum(row => (double)row.X[feature.Latent]);
            var expected = firing.GroupBy(row => row.Word, StringComparer.Ordinal)
                .Select(group => (Token: planted.Tokenizer[group.Key], Text: group.Key, Count: (long)group.Count(),
                    Sum: group.Sum(row => (double)row.X[feature.Latent])))
                .OrderByDescending(word => word.Sum).ThenBy(word => word.Token).ToArray();
            Assert.Equal(expected.Select(word => (word.Token, word.Text, word.Count)),
                feature.Tokens.Select(token => (token.Token, token.Text, token.Count)));
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i].Sum / total, feature.Tokens[i].Share, 1e-12);
            if (feature.Latent is Broad) Assert.True(expected.Length > 100);
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(500)]
    public void Beyond_the_capacity_only_what_is_certain_is_told(int capacity)
    {
        var rng = new Rng(5);
        var sums = new TokenSums(capacity);
        var exact = new Dictionary<int, (long Count, double Sum)>();
        for (int i = 0; i < 20_000; i++)
        {
            // Few tokens are frequent and many are rare: 1 to 5,000, about as often as 1 / token.
            int token = (int)Math.Exp(rng.NextDouble() * Math.Log(5000));
            float value = (float)rng.NextDouble();
            sums.Add(token, value);
            (long count, double sum) = exact.GetValueOrDefault(token);
            exact[token] = (count + 1, sum + value);
        }

        Assert.True(sums.Forgotten > 0);
        (int Token, long Count, double Sum)[] told = [.. sums.Largest()];
        Assert.NotEmpty(told);
        foreach ((int token, long count, double sum) in told)
        {
            Assert.InRange(count, 1, exact[token].Count);
            Assert.InRange(exact[token].Sum, sum - 1e-6, sum + sums.Forgotten + 1e-6);
        }

        double leftOut = exact.Where(entry => told.All(one => one.Token != entry.Key)).Max(entry => entry.Value.Sum);
        Assert.True(leftOut <= 2 * sums.Forgotten);
        Assert.All(told, one => Assert.True(one.Sum > sums.Forgotten));
    }

    [Fact]
    public void Partners_are_those_of_direct_counts()
    {
        using Planted planted = Made();
        Feature[] features = [.. planted.Features(Small).Select(made => made.Feature)];
        for (int latent = 0; latent < Latents; latent++)
        {
            var expected = new List<(int Latent, double Value)>();
            for (int other = 0; other < Latents; other++)
            {
                double both = planted.Rows.Count(row => row.X[latent] > 0 && row.X[other] > 0),
                    own = planted.Rows.Count(row => row.X[latent] > 0), its = planted.Rows.Count(row => row.X[other] > 0);
                double information = Math.Log2(both / planted.Rows.Count / (own / planted.Rows.Count * (its / planted.Rows.Count)));
                if (other != latent && both >= 5 && information > 0) expected.Add((other, information));
            }

            expected = [.. expected.OrderByDescending(other => other.Value).ThenBy(other => other.Latent)];
            Assert.Equal(expected.Select(other => other.Latent), features[latent].Partners.Select(other => other.Latent));
            Assert.All(expected.Zip(features[latent].Partners), pair => Assert.Equal(pair.First.Value, pair.Second.Value, 1e-9));
        }

        Assert.Equal(Partner, features[Broad].Partners[0].Latent);
    }

    [Fact]
    public void A_cancelled_pass_leaves_no_file_and_gives_nothing()
    {
        using Planted planted = Made();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => planted.Statistics(Small, cancellationToken: stop.Token));
        using FeatureStatistics statistics = planted.Statistics(Small);
        Assert.ThrowsAny<OperationCanceledException>(() => statistics.Features(cancellationToken: stop.Token).Count());
    }

    [Fact]
    public void The_same_seed_draws_the_same_examples_and_another_draws_others()
    {
        using Planted planted = Made();
        long[] Drawn(ulong seed) =>
        [
            .. planted.Features(Small with { Seed = seed }).SelectMany(made => made.Feature.Quantiles).SelectMany(group => group.Examples)
            .Select(example => example.Row),
        ];
        Assert.Equal(Drawn(1), Drawn(1));
        Assert.NotEqual(Drawn(1), Drawn(2));
    }

    [Theory]
    [InlineData(40, 4, 10)]
    [InlineData(9, 4, 3)]
    [InlineData(60, 8, 0)]
    [InlineData(60, 8, 59)]
    public void Every_window_of_a_band_is_drawn_as_often_whether_bands_are_joined_or_not(int windows, int capacity, int joinedAt)
    {
        // Strengths in (0, 1] in bands of an eighth; at one window a strength of 16 joins them all into one, (0, 2].
        const int Trials = 20_000;
        var rng = new Rng(5);
        float[] strengths = [.. Enumerable.Range(0, windows).Select(_ => 0.5f + (0.5f * (float)rng.NextDouble()))];
        strengths[joinedAt] = 16;
        int[] drawn = new int[windows];
        for (int trial = 0; trial < Trials; trial++)
        {
            var bands = new StrengthBands(capacity, (ulong)trial);
            for (int i = 0; i < windows; i++)
            {
                (int Band, int Slot) place = bands.Offer(strengths[i]);
                if (place.Slot >= 0) bands.Keep(place, new KeptExample(0, i, 0, 0, strengths[i], []));
            }

            var groups = bands.Filled().ToArray();
            Assert.Equal(windows, groups.Sum(group => group.Count));
            Assert.All(groups, group => Assert.Equal(Math.Min(capacity, group.Count), group.Examples.Count));
            foreach (KeptExample example in groups.SelectMany(group => group.Examples)) drawn[example.Row]++;
        }

        // Each but the strong one is drawn with probability capacity/(windows − 1): within five standard errors of it.
        double share = (double)capacity / (windows - 1), error = Math.Sqrt(Trials * share * (1 - share));
        for (int i = 0; i < windows; i++)
        {
            if (i == joinedAt) Assert.Equal(Trials, drawn[i]);
            else Assert.InRange(drawn[i], (Trials * share) - (5 * error), (Trials * share) + (5 * error));
        }
    }

    [Fact]
    public void Co_activation_keeps_to_its_entries_when_codes_are_dense()
    {
        // Rows of one to twenty entries, and room for two hundred: the sample is full early, and its size goes up and down from there.
        var rng = new Rng(8);
        var together = new CoActivation(20, 5_000, 1, most: 200);
        for (int block = 0; block < 40; block++)
        {
            int[][] rows = [.. Enumerable.Range(0, 100).Select(_ => Enumerable.Range(0, (int)rng.NextBelow(20) + 1).ToArray())];
            var codes = new SparseCodes(20);
            codes.Layout([.. rows.Select(row => row.Length)]);
            int at = 0;
            foreach (int latent in rows.SelectMany(row => row))
            {
                codes.LatentsForWriting[at] = latent;
                codes.ValuesForWriting[at++] = 1;
            }

            together.Offer(codes, 0);
        }

        together.Complete();
        int[] scratch = new int[20];
        Assert.All(Enumerable.Range(0, 20),
            latent =>
                Assert.All(together.Partners(latent, 20, scratch),
                    partner => Assert.True(double.IsFinite(partner.Value) && partner.Latent != latent)));
        Assert.All(scratch, count => Assert.Equal(0, count));
    }

    [Fact]
    public void A_sample_of_rows_estimates_the_information_of_all()
    {
        using Planted planted = Made();
        double Of(int sample) =>
            planted.Features(Small with { Sample = sample })[Broad].Feature.Partners.First(partner => partner.Latent == Partner).Value;
        Assert.Equal(Of(200_000), Of(3_000), 0.5);
    }

    [Fact]
    public void Nearest_latents_are_those_of_a_scalar_loop()
    {
        // More latents than a block, a zero row, and a copy.
        const int Rows = 700, Width = 12, Count = 6;
        using var decoder = new Matrix(Rows, Width);
        new Rng(4).FillNormal(decoder.AsSpan(), 3);
        decoder.Row(40).Clear();
        decoder.Row(41).CopyTo(decoder.Row(600));
        RelatedLatent[][] nearest = NearestLatents.Find(decoder, Count);
        for (int latent = 0; latent < Rows; latent++)
        {
            var cosines = Enumerable.Range(0, Rows).Where(other => other != latent)
                .Select(other => (Other: other, Value: Cosine(decoder.Row(latent), decoder.Row(other)))).Where(other => other.Value > 0)
                .OrderByDescending(other => other.Value).ThenBy(other => other.Other).Take(Count).ToArray();
            Assert.Equal(cosines.Length, nearest[latent].Length);
            for (int i = 0; i < cosines.Length; i++)
            {
                Assert.Equal(cosines[i].Value, nearest[latent][i].Value, 1e-5);
                Assert.Equal(Cosine(decoder.Row(latent), decoder.Row(nearest[latent][i].Latent)), nearest[latent][i].Value, 1e-5);
            }
        }

        Assert.Empty(nearest[40]);
        Assert.Equal(600, nearest[41][0].Latent);
    }

    [Fact]
    public void Position_ranges_cover_all_positions_in_order()
    {
        for (int position = 0; position < 5000; position++)
        {
            int range = PositionRanges.IndexOf(position);
            Assert.True(PositionRanges.First(range) <= position && position < PositionRanges.First(range + 1), $"{position}");
        }

        Assert.True(PositionRanges.IndexOf(int.MaxValue) < PositionRanges.Count);
    }

    [Fact]
    public void Entries_are_sorted_by_latent_and_rows_stay_in_order()
    {
        var rng = new Rng(6);
        var sorted = new EntriesByLatent(30);
        foreach (int rows in (int[])[50, 200, 10])
        {
            (int Latent, float Value)[][] entries =
            [
                .. Enumerable.Range(0, rows)
                .Select(_ =>
                    Enumerable.Range(0, 30).Where(_ => rng.NextBelow(4) == 0).Select(latent => (latent, (float)rng.NextDouble()))
                        .ToArray()),
            ];
            var codes = new SparseCodes(30);
            codes.Layout([.. entries.Select(row => row.Length)]);
            int at = 0;
            foreach ((int latent, float value) in entries.SelectMany(row => row))
            {
                codes.LatentsForWriting[at] = latent;
                codes.ValuesForWriting[at++] = value;
            }

            sorted.Sort(codes, 0.5f);
            for (int latent = 0; latent < 30; latent++)
            {
                var own = entries.SelectMany((row, number) =>
                    row.Where(entry => entry.Latent == latent && entry.Value > 0.5f).Select(entry => (number, entry.Value))).ToArray();
                Assert.Equal(own.Select(entry => entry.number), sorted.Rows(latent).ToArray());
                Assert.Equal(own.Select(entry => entry.Value), sorted.Values(latent).ToArray());
            }
        }
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0, left = 0, right = 0;
        for (int i = 0; i < a.Length; i++)
            (product, left, right) = (product + ((double)a[i] * b[i]), left + ((double)a[i] * a[i]), right + ((double)b[i] * b[i]));
        return left == 0 || right == 0 ? 0 : product / Math.Sqrt(left * right);
    }

    private static void IsOfTheText(Planted planted, int latent, FeatureExample example)
    {
        int row = (int)example.Row, start = row - example.Peak;
        PlantedRow peak = planted.Rows[row];
        Assert.Equal((peak.Document, peak.Position, peak.X[latent]), (example.Document, example.Position, example.Activation));
        Assert.Equal(Math.Min(Small.Before, peak.Position), example.Peak);
        for (int i = 0; i < example.Pieces.Count; i++)
        {
            PlantedRow own = planted.Rows[start + i];
            Assert.Equal((peak.Number, peak.Window), (own.Number, own.Window));
            Assert.Equal(own.Word, example.Pieces[i]);
            Assert.Equal(Math.Max(0, own.X[latent]), example.Activations[i]);
        }

        // As much after the peak as there is in the window.
        int end = start + example.Pieces.Count;
        Assert.True(
            example.Pieces.Count - 1 - example.Peak == Small.After || end == planted.Rows.Count || planted.Rows[end].Number != peak.Number
                || planted.Rows[end].Window != peak.Window);
    }

    private static Planted Made()
    {
        var rng = new Rng(7);
        string[] words = [.. Enumerable.Range(0, 300).Select(i => $" w{i}")];
        string[][] documents =
        [
            .. Enumerable.Range(0, 400)
            .Select(_ =>
                Enumerable.Range(0, 1 + (int)rng.NextBelow(120)).Select(_ => words[(int)(300 * Math.Pow(rng.NextDouble(), 3))])
                    .ToArray()),
        ];
        return new Planted(documents, Context, Latents, (text, at, row, latent) => latent switch
        {
            Broad => Chance(row, Broad) < 0.06 ? (float)Math.Exp(4 * Chance(row, 99)) : -1,
            Dense => Chance(row, Dense) < 0.5 ? 1 + (float)Chance(row, 98) : 0,
            Token => text[at] is " w3" ? 2 + (float)Chance(row, 97) : Chance(row, Token) < 0.0005 ? 0.5f : 0,
            Start => at % Context < 2 ? 3 : 0,
            Partner => Chance(row, Broad) < 0.04 ? 1 : 0,
            FewTokens =>
                text[at] is " w5" or " w7" or " w11" or " w13" or " w17" or " w19" && Chance(row, FewTokens) < 0.7
                    ? 0.1f + (float)Chance(row, 96)
                    : 0,
            _ => 0,
        });
    }

    private static double Chance(long row, int stream) => new Rng((ulong)row, (ulong)stream).NextDouble();
}
