using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Tests.Autoencoders;

/// <summary>
/// Each architecture's loss, written again from its definition in plain double-precision loops. The set of active latents is taken
/// once and held fixed, so that central differences never step over a kink.
/// </summary>
internal sealed class ReferenceLosses
{
    private readonly AutoencoderOptions options;
    private readonly double[][] x, y;
    private readonly StepSettings settings;
    private readonly Dictionary<string, List<int>[]> held = [];
    private readonly Dictionary<string, double[]> rowWeights = [];
    private readonly Dictionary<int, double[][]> fixedErrors = [];
    private double[][]? residual;
    private int[]? closest;
    private double[]? firstBounds, firstThresholds;
    private double[][][]? frozen;

    public ReferenceLosses(AutoencoderOptions options, Batch batch, StepSettings settings)
    {
        (this.options, this.settings) = (options, settings);
        (x, y) = (Rows(batch.Input), Rows(batch.Target));
    }

    public static double[][] Rows(Matrix matrix) =>
        [.. Enumerable.Range(0, matrix.Rows).Select(r => matrix.Row(r).ToArray().Select(v => (double)v).ToArray())];

    /// <summary>The loss at given parameters, in the order of <see cref="Autoencoder.Parameters"/>.</summary>
    public double Loss(double[][][] p) => options switch
    {
        SelectionOptions selection => Selection(selection, p),
        ReluOptions relu => Relu(relu, p),
        JumpReluOptions jump => JumpRelu(jump, p),
        GatedOptions gated => Gated(gated, p),
        MatchingPursuitOptions pursuit => Pursuit(pursuit, p),
        KlOptions kl => Kl(kl, p),
        UndercompleteOptions undercomplete => Undercomplete(undercomplete, p),
        VariationalOptions variational => Variational(variational, p),
        _ => throw new NotSupportedException(),
    };

    /// <summary>How often each latent fired in the batch; valid after <see cref="Loss"/>.</summary>
    public int[] Fired(double[][][] p)
    {
        int[] fired = new int[options is DictionaryOptions dictionary ? dictionary.Latents : 0];
        if (options is KlOptions)
        {
            for (int i = 0; i < fired.Length; i++) fired[i] = x.Count(row => Dot(p[0][i], row) + p[1][0][i] > 0);
            return fired;
        }

        foreach (int latent in held.GetValueOrDefault("k", held.GetValueOrDefault("relu", [])).SelectMany(row => row)) fired[latent]++;
        return fired;
    }

    // Selection by number: TopK and its kin. Parameters: W_enc, b_enc, W_dec, b_dec, then W_skip where there is one.
    private double Selection(SelectionOptions o, double[][][] p)
    {
        Func<int, double[]> first = r => Pre(p, Centered(p, r)), pre = first;
        if (o.IstaStep > 0)
        {
            List<int>[] start = Select("first", o, first, p[2]);
            pre = r =>
            {
                double[] centered = Centered(p, r), before = first(r), refined = [.. centered.Select(v => (1 + o.IstaStep) * v)];
                foreach (int i in start[r])
                    for (int c = 0; c < refined.Length; c++) refined[c] -= o.IstaStep * before[i] * p[2][i][c];
                return Pre(p, refined);
            };
        }

        List<int>[] active = Select("k", o, pre, p[2]);
        double[][] values = [.. x.Select((_, r) => pre(r))];
        double[][] error = Errors(p, active, values, bias: true);
        double loss = o is HierarchicalTopKOptions ? 0 : Rows("loss", error, o.Tilt);
        switch (o)
        {
            case TopKOptions { MultiK: > 0 } multi:
                List<int>[] wide = Hold("multi", r => Largest(values[r], multi.MultiK));
                loss += multi.MultiCoefficient * Rows("multi", Errors(p, wide, values, bias: true), o.Tilt);
                break;
            case HierarchicalTopKOptions:
                for (int j = 1; j <= o.K; j++)
                    loss += Rows("", Errors(p, [.. active.Select(row => row.Take(j).ToList())], values, bias: true), 0) / o.K;
                break;
            case MatryoshkaOptions matryoshka:
                loss += Prefixes(matryoshka, p, active, values);
                break;
        }

        return loss + AuxK(o, error, values, p) + Balance(o, active, values) + Orthogonality(o, p);
    }

    private List<int>[] Select(string name, SelectionOptions o, Func<int, double[]> pre, double[][] decoder)
    {
        double k = o.KAt(settings.Progress);
        if (o is not BatchSelectionOptions)
            return Hold(name, r => o is AbsTopKOptions
                ? [.. pre(r).Select((v, i) => (v, i)).OrderByDescending(e => Math.Abs(e.v)).Take((int)Math.Round(k)).Select(e => e.i)]
                : Largest(pre(r), (int)Math.Round(k)));
        if (!held.ContainsKey(name))
        {
            double Weight(int latent) => o is not CrosscoderOptions crosscoder ? 1 : decoder[latent]
                .Chunk(decoder[latent].Length / crosscoder.Layers).Sum(part => Math.Sqrt(Square(part)));
            var largest = x.SelectMany((_, r) => pre(r).Select((value, latent) => (Row: r, Latent: latent, Value: value * Weight(latent))))
                .Where(entry => entry.Value > 0).OrderByDescending(entry => entry.Value).Take((int)Math.Round(x.Length * k))
                .ToLookup(entry => entry.Row);
            Hold(name, r => [.. largest[r].Select(entry => entry.Latent)]);
        }

        return held[name];
    }

    private double Prefixes(MatryoshkaOptions o, double[][][] p, List<int>[] active, double[][] values)
    {
        int n = p[0].Length;
        int[] rank = new int[n];
        foreach ((int latent, int at) in Enumerable.Range(0, n)
            .OrderByDescending(i => o.SortByFrequency ? active.Count(row => row.Contains(i)) : 0).Select((latent, at) => (latent, at)))
            rank[latent] = at;
        double loss = 0;
        int inside = 0;
        foreach (int size in o.InnerSizes)
        {
            List<int>[] set = [.. active.Select(row => row.Where(i => rank[i] < size).ToList())];
            double[][] errors = Errors(p, set, values, bias: true);
            if (o.DetachPrefixes && inside > 0)
            {
                // What lies inside, with b_dec, is the number that it was at first.
                List<int>[] inner = [.. active.Select(row => row.Where(i => rank[i] < inside).ToList())];
                if (!fixedErrors.TryGetValue(inside, out double[][]? still))
                    fixedErrors[inside] = still = Errors(p, inner, values, bias: true);
                double[][] moving = Errors(p, inner, values, bias: true);
                errors = [.. errors.Select((row, r) => row.Select((e, c) => e - moving[r][c] + still[r][c]).ToArray())];
            }

            loss += o.PrefixWeight * Rows($"prefix {size}", errors, o.Tilt);
            inside = size;
        }

        return loss;
    }

    // Σ w_r ‖e_r‖², the weights held at what they were at first.
    private double Rows(string name, double[][] errors, double tilt)
    {
        if (tilt == 0) return errors.Average(Square);
        if (!rowWeights.TryGetValue(name, out double[]? weights))
        {
            double mean = errors.Average(Square), sum = errors.Sum(e => Math.Exp(tilt * Square(e) / mean));
            rowWeights[name] = weights = [.. errors.Select(e => Math.Exp(tilt * Square(e) / mean) / sum)];
        }

        return errors.Select((e, r) => weights[r] * Square(e)).Sum();
    }

    private double Balance(SelectionOptions o, List<int>[] active, double[][] values)
    {
        double[] means = new double[values[0].Length];
        for (int r = 0; r < x.Length; r++)
            foreach (int i in active[r]) means[i] += values[r][i] / x.Length;
        return settings.SparsityWarmup * o.BalanceCoefficient * means.Length / o.KAt(settings.Progress) * Square(means);
    }

    private double Orthogonality(SparseOptions o, double[][][] p)
    {
        if (o.OrthogonalityCoefficient == 0) return 0;
        int n = p[2].Length;
        closest ??=
        [
            .. Enumerable.Range(0, n).Select(i =>
                Enumerable.Range(0, n).Where(j => j != i).MaxBy(j => Math.Abs(Dot(p[2][i], p[2][j])))),
        ];
        return o.OrthogonalityCoefficient * o.OrthogonalityEvery
            * Enumerable.Range(0, n).Average(i => Math.Pow(Dot(p[2][i], p[2][closest[i]]), 2));
    }

    private double AuxK(SelectionOptions o, double[][] error, double[][] values, double[][][] p)
    {
        if (settings.Dead.Length == 0 || o.AuxK is 0) return 0;
        residual ??= error; // e = x − x̂ does not move with the weights
        int[] dead = settings.Dead.ToArray();
        List<int>[] chosen = Hold("dead", r => o is AbsTopKOptions
            ? [.. dead.OrderByDescending(i => Math.Abs(values[r][i])).Take(o.AuxK ?? int.MaxValue)]
            : [.. dead.Where(i => values[r][i] > 0).OrderByDescending(i => values[r][i]).Take(o.AuxK ?? int.MaxValue)]);
        return o.AuxCoefficient * residual.Select((e, r) => Square(Subtract(e, Sum(p, chosen[r], values[r])))).Average();
    }

    private double Relu(ReluOptions o, double[][][] p)
    {
        List<int>[] active = Hold("relu", r => Largest(Pre(p, Centered(p, r)), int.MaxValue));
        double[][] values = [.. x.Select((_, r) => Pre(p, Centered(p, r)))];
        double lambda = o.L1Coefficient * settings.SparsityWarmup;
        double penalty = active.Select((row, r) => row.Sum(i => values[r][i] * (o.UnitDecoder ? 1 : Math.Sqrt(Square(p[2][i]))))).Average();
        return Rows("loss", Errors(p, active, values, bias: true), o.Tilt) + (lambda * penalty) + Orthogonality(o, p);
    }

    // A step has no slope: in θ it has that of the straight-through estimate, as a line through what it was at first.
    private double JumpRelu(JumpReluOptions o, double[][][] p)
    {
        // Slopes reach a θ below 0 too, which counts as 0.
        double[] theta = p[o.Skip ? 5 : 4][0];
        firstThresholds ??= [.. theta];
        double[] bound = [.. theta.Select((t, i) => Math.Max(firstThresholds[i], 0) + t - firstThresholds[i])];
        double[][] pre = [.. x.Select((_, r) => Pre(p, Centered(p, r)))];
        firstBounds ??= [.. bound];
        List<int>[] active = Hold("relu", r => [.. Enumerable.Range(0, bound.Length).Where(i => pre[r][i] > bound[i])]);
        List<int>[] window = Hold("window",
            r => [.. Enumerable.Range(0, bound.Length).Where(i => Math.Abs(pre[r][i] - bound[i]) < o.Bandwidth / 2)]);
        double[][] values = [.. pre.Select(row => new double[row.Length])];
        double l0 = active.Average(row => row.Count);
        for (int r = 0; r < x.Length; r++)
        {
            foreach (int i in active[r]) values[r][i] = pre[r][i];
            foreach (int i in window[r])
            {
                values[r][i] -= firstBounds[i] / o.Bandwidth * (bound[i] - firstBounds[i]);
                l0 -= (bound[i] - firstBounds[i]) / o.Bandwidth / x.Length;
            }
        }

        List<int>[] all = [.. x.Select((_, r) => active[r].Union(window[r]).ToList())];
        double lambda = o.SparsityCoefficient * settings.SparsityWarmup;
        double sparsity = o.Sparsity switch
        {
            SparsityLoss.Step => l0,
            SparsityLoss.Tanh => values.Average(row => row.Sum(z => Math.Tanh(4 * z))),
            _ => Math.Pow((l0 / o.TargetL0) - 1, 2),
        };
        double lifted = 0;
        foreach (int i in settings.Dead.ToArray())
            for (int r = 0; r < x.Length; r++) lifted += active[r].Contains(i) ? 0 : (bound[i] - pre[r][i]) / x.Length;
        return Rows("loss", Errors(p, all, values, bias: true), o.Tilt) + (lambda * sparsity) + (o.PreActivationCoefficient * lifted)
            + Orthogonality(o, p);
    }

    private double Gated(GatedOptions o, double[][][] p)
    {
        (double[] bias, double[] log) = (p[o.Skip ? 5 : 4][0], p[o.Skip ? 6 : 5][0]);
        double[][] gate = [.. x.Select((_, r) => Pre(p, Centered(p, r)))];
        double Magnitude(int r, int i) => (Math.Exp(log[i]) * (gate[r][i] - p[1][0][i])) + bias[i];
        List<int>[] open = Hold("open", r => Largest(gate[r], int.MaxValue));
        List<int>[] active = Hold("relu", r => [.. open[r].Where(i => Magnitude(r, i) > 0)]);
        double[][] values = [.. gate.Select((row, r) => row.Select((_, i) => Magnitude(r, i)).ToArray())];
        frozen ??= [.. p.Select(tensor => tensor.Select(row => row.ToArray()).ToArray())];
        double penalty = open.Select((row, r) => row.Sum(i => gate[r][i])).Average();
        return Rows("loss", Errors(p, active, values, bias: true), o.Tilt)
            + Rows("gates", Errors(frozen, open, gate, bias: true), o.Tilt)
            + (o.L1Coefficient * settings.SparsityWarmup * penalty) + Orthogonality(o, p);
    }

    // Parameters: W_dec, b_dec. The latents that the steps choose are held.
    private double Pursuit(MatchingPursuitOptions o, double[][][] p)
    {
        var chosen = new List<int>[x.Length];
        double loss = 0;
        for (int r = 0; r < x.Length; r++)
        {
            double[] rest = Subtract(x[r], p[1][0]);
            chosen[r] = held.TryGetValue("relu", out List<int>[]? before) ? before[r] : [];
            bool choosing = before is null;
            for (int step = 0; choosing ? step < o.K : step < chosen[r].Count; step++)
            {
                if (choosing)
                {
                    int best = Enumerable.Range(0, p[0].Length).MaxBy(i => Dot(p[0][i], rest));
                    if (Dot(p[0][best], rest) <= 0) break;
                    chosen[r].Add(best);
                }

                double[] direction = p[0][chosen[r][step]];
                double value = Dot(direction, rest);
                rest = [.. rest.Select((v, c) => v - (value * direction[c]))];
                if (choosing && o.ResidualThreshold > 0 && Math.Sqrt(Square(rest)) < o.ResidualThreshold) break;
            }

            loss += Square(rest) / x.Length;
        }

        held["relu"] = chosen;
        return loss;
    }

    private double Kl(KlOptions o, double[][][] p)
    {
        int n = p[0].Length;
        double[][] z =
        [
            .. x.Select(row => Enumerable.Range(0, n).Select(i => 1 / (1 + Math.Exp(-(Dot(p[0][i], row) + p[1][0][i])))).ToArray()),
        ];
        double loss = x.Select((row, r) =>
        {
            double[] reconstruction = [.. p[3][0]];
            for (int i = 0; i < n; i++)
                for (int c = 0; c < row.Length; c++) reconstruction[c] += z[r][i] * p[2][i][c];
            return Square(Subtract(row, reconstruction));
        }).Average();
        double rho = o.TargetActivation;
        for (int i = 0; i < n; i++)
        {
            double mean = z.Average(row => row[i]);
            loss += o.KlCoefficient * settings.SparsityWarmup * (
                (rho * Math.Log(rho / mean)) + ((1 - rho) * Math.Log((1 - rho) / (1 - mean))));
        }

        return loss;
    }

    private double Undercomplete(UndercompleteOptions o, double[][][] p) =>
        x.Average(row => Square(Subtract(row, Layers(o, p, row, 0, p.Length / 2))));

    private double Variational(VariationalOptions o, double[][][] p) => x.Select((row, r) =>
    {
        int latents = o.Bottleneck, encoder = o.Hidden.Count + 1;
        double[] code = Layers(o, p, row, 0, encoder), z = new double[latents];
        var rng = new Rng(settings.NoiseSeed, (ulong)r);
        double kl = 0;
        for (int i = 0; i < latents; i++)
        {
            double mean = code[i], variance = Math.Exp(code[latents + i]);
            kl += ((mean * mean) + variance - Math.Log(variance) - 1) / 2;
            z[i] = mean + (Math.Sqrt(variance) * (float)rng.NextNormal());
        }

        double[] output = Layers(o, p, z, encoder, p.Length / 2);
        double surprise = 0;
        for (int c = 0; c < row.Length; c++)
        {
            double q = 1 / (1 + Math.Exp(-output[c])), error = row[c] - output[c];
            surprise += o.Likelihood == Likelihood.Bernoulli
                ? -(row[c] * Math.Log(q)) - ((1 - row[c]) * Math.Log(1 - q))
                : -Math.Log(
                    Math.Exp(-error * error / (2 * o.StandardDeviation * o.StandardDeviation)) / (
                        o.StandardDeviation * Math.Sqrt(2 * Math.PI)));
        }

        return surprise + (o.KlCoefficient * settings.SparsityWarmup * kl);
    }).Average();

    private static double[] Layers(LayeredOptions o, double[][][] p, double[] input, int first, int end)
    {
        double[] current = input;
        for (int layer = first; layer < end; layer++)
        {
            double[] next =
            [
                .. Enumerable.Range(0, p[2 * layer].Length).Select(i => Dot(p[2 * layer][i], current) + p[(2 * layer) + 1][0][i]),
            ];
            bool linear = layer == o.Hidden.Count || layer == (p.Length / 2) - 1;
            if (!linear && o.Activation == Activation.Tanh) next = [.. next.Select(Math.Tanh)];
            if (!linear && o.Activation == Activation.Relu) next = [.. next.Select(v => Math.Max(v, 0))];
            current = next;
        }

        return current;
    }

    private List<int>[] Hold(string name, Func<int, List<int>> select)
    {
        if (!held.TryGetValue(name, out List<int>[]? active)) held[name] = active = [.. Enumerable.Range(0, x.Length).Select(select)];
        return active;
    }

    // What the encoder multiplies: x less b_dec, or of a transcoder x.
    private double[] Centered(double[][][] p, int r) => options is SparseOptions { Transcoder: true } ? x[r] : Subtract(x[r], p[3][0]);

    private static double[] Pre(double[][][] p, double[] input) => [.. p[0].Select((w, i) => Dot(w, input) + p[1][0][i])];

    private static List<int> Largest(double[] pre, int k) =>
        [.. Enumerable.Range(0, pre.Length).Where(i => pre[i] > 0).OrderByDescending(i => pre[i]).Take(k)];

    private static double[] Sum(double[][][] p, List<int> active, double[] values)
    {
        double[] sum = new double[p[3][0].Length];
        foreach (int i in active)
            for (int c = 0; c < sum.Length; c++) sum[c] += values[i] * p[2][i][c];
        return sum;
    }

    // y less the reconstruction of each row.
    private double[][] Errors(double[][][] p, List<int>[] active, double[][] values, bool bias) =>
    [
        .. y.Select((row, r) =>
        {
            double[] error = Subtract(row, Sum(p, active[r], values[r]));
            if (bias) error = Subtract(error, p[3][0]);
            return options is SparseOptions { Skip: true } ? Subtract(error, [.. p[4].Select(w => Dot(w, x[r]))]) : error;
        }),
    ];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    private static double[] Subtract(double[] a, double[] b) => [.. a.Zip(b, (u, v) => u - v)];

    private static double Square(double[] a) => a.Sum(v => v * v);
}
