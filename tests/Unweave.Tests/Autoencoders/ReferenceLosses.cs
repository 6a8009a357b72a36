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
    private readonly double[][] x;
    private readonly StepSettings settings;
    private readonly Dictionary<string, List<int>[]> held = [];
    private double[][]? residual;

    public ReferenceLosses(AutoencoderOptions options, Matrix x, StepSettings settings)
    {
        (this.options, this.settings) = (options, settings);
        this.x = Rows(x);
    }

    public static double[][] Rows(Matrix matrix) =>
        [.. Enumerable.Range(0, matrix.Rows).Select(r => matrix.Row(r).ToArray().Select(v => (double)v).ToArray())];

    /// <summary>The loss at given parameters, in the order of <see cref="Autoencoder.Parameters"/>.</summary>
    public double Loss(double[][][] p) => options switch
    {
        TopKOptions topK => TopK(topK, p),
        BatchTopKOptions batch => BatchTopK(batch, p),
        ReluOptions relu => Relu(relu, p),
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

    private double TopK(TopKOptions o, double[][][] p)
    {
        double loss = 0;
        List<int>[] active = Hold("k", r => Largest(Pre(p, r), o.K));
        double[][] error = [.. x.Select((row, r) => Subtract(row, Decode(p, r, active[r], bias: true)))];
        loss += error.Average(Square);
        if (o.MultiK > 0)
        {
            List<int>[] wide = Hold("multi", r => Largest(Pre(p, r), o.MultiK));
            loss += o.MultiCoefficient * x.Select((row, r) => Square(Subtract(row, Decode(p, r, wide[r], bias: true)))).Average();
        }

        return loss + AuxK(o.AuxK, o.AuxCoefficient, error, p) + Balance(o.BalanceCoefficient, o.K, p);
    }

    private double BatchTopK(BatchTopKOptions o, double[][][] p)
    {
        if (!held.ContainsKey("k"))
        {
            var largest = x.SelectMany((_, r) => Pre(p, r).Select((value, latent) => (Row: r, Latent: latent, Value: value)))
                .Where(entry => entry.Value > 0).OrderByDescending(entry => entry.Value).Take(x.Length * o.K).ToLookup(entry => entry.Row);
            Hold("k", r => [.. largest[r].Select(entry => entry.Latent)]);
        }

        double[][] error = [.. x.Select((row, r) => Subtract(row, Decode(p, r, held["k"][r], bias: true)))];
        return error.Average(Square) + AuxK(o.AuxK, o.AuxCoefficient, error, p) + Balance(o.BalanceCoefficient, o.K, p);
    }

    private double Balance(double coefficient, int k, double[][][] p)
    {
        double[] means = new double[p[0].Length];
        for (int r = 0; r < x.Length; r++)
        {
            double[] pre = Pre(p, r);
            foreach (int i in held["k"][r]) means[i] += pre[i] / x.Length;
        }

        return settings.SparsityWarmup * coefficient * means.Length / k * Square(means);
    }

    private double AuxK(int? auxK, double coefficient, double[][] error, double[][][] p)
    {
        if (settings.Dead.Length == 0 || auxK is 0) return 0;
        residual ??= error; // e = x − x̂ does not move with the weights
        int[] dead = settings.Dead.ToArray();
        List<int>[] chosen = Hold("dead", r =>
        {
            double[] pre = Pre(p, r);
            return [.. dead.Where(i => pre[i] > 0).OrderByDescending(i => pre[i]).Take(auxK ?? int.MaxValue)];
        });
        return coefficient * x.Select((_, r) => Square(Subtract(residual[r], Decode(p, r, chosen[r], bias: false)))).Average();
    }

    private double Relu(ReluOptions o, double[][][] p)
    {
        List<int>[] active = Hold("relu", r => Largest(Pre(p, r), int.MaxValue));
        double lambda = o.L1Coefficient * settings.SparsityWarmup;
        return x.Select((row, r) =>
        {
            double[] pre = Pre(p, r);
            double penalty = active[r].Sum(i => pre[i] * (o.UnitDecoder ? 1 : Math.Sqrt(Square(p[2][i]))));
            return Square(Subtract(row, Decode(p, r, active[r], bias: true))) + (lambda * penalty);
        }).Average();
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

    private double[] Pre(double[][][] p, int r) => [.. p[0].Select((w, i) => Dot(w, Subtract(x[r], p[3][0])) + p[1][0][i])];

    private static List<int> Largest(double[] pre, int k) =>
        [.. Enumerable.Range(0, pre.Length).Where(i => pre[i] > 0).OrderByDescending(i => pre[i]).Take(k)];

    private double[] Decode(double[][][] p, int r, List<int> active, bool bias)
    {
        double[] pre = Pre(p, r), sum = bias ? [.. p[3][0]] : new double[x[r].Length];
        foreach (int i in active)
            for (int c = 0; c < sum.Length; c++) sum[c] += pre[i] * p[2][i][c];
        return sum;
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    private static double[] Subtract(double[] a, double[] b) => [.. a.Zip(b, (u, v) => u - v)];

    private static double Square(double[] a) => a.Sum(v => v * v);
}
