using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Training;

/// <summary>Each optimizer against its paper's formulas in double precision, a loop a formula.</summary>
public sealed class OptimizerTests
{
    private const double Rate = 0.01;

    public static TheoryData<OptimizerKind> Kinds => [.. Enum.GetValues<OptimizerKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Twenty_steps_are_those_of_the_formulas(OptimizerKind kind)
    {
        foreach (int threads in (int[])[1, 3])
        {
            var rng = new Rng(3);
            using var workers = new Workers(threads);
            Parameter[] parameters =
            [
                new("tall", Normal(rng, 37, 5)), new("wide", Normal(rng, 5, 70)), new("unit", Unit(Normal(rng, 23, 9)), UnitRows: true),
                new("vector", Normal(rng, 1, 19)), new("kept", Normal(rng, 1, 4), Trained: false),
            ];
            double[][][] expected = [.. parameters.Select(parameter => Rows(parameter.Value))];
            TrainingOptions options = Options(kind);
            using Optimizer optimizer = Optimizer.Create(parameters, options, workers);
            using var gradients = new FixedGradients(parameters);
            Reference reference = Reference.Of(kind, expected, parameters, options);
            for (int step = 1; step <= 20; step++)
            {
                double rate = Rate * Math.Min(1, step / 4.0);
                gradients.Draw(rng);
                optimizer.Apply(gradients, rate, scale: 0.5);
                reference.Step(step, rate, [.. gradients.Values.Select((value, p) => Projected(value, parameters[p], expected[p], 0.5))]);
            }

            Assert.True(optimizer.Show(use: true) == (kind == OptimizerKind.ScheduleFree));
            for (int p = 0; p < parameters.Length; p++)
            {
                double[][] there = reference.Used(p);
                for (int r = 0; r < there.Length; r++)
                    for (int c = 0; c < there[r].Length; c++) Assert.Equal(there[r][c], parameters[p].Value[r, c], 2e-4);
            }

            Assert.Equal(20, optimizer.Step);
            foreach (Parameter parameter in parameters) parameter.Value.Dispose();
        }
    }

    // w = torch.tensor([[0.5, -0.25, 1.0], [2.0, 0.125, -1.5]], requires_grad=True)
    // o = torch.optim.Adam([w], lr=0.01, betas=(0.9, 0.999), eps=1e-8)
    // for t in range(1, 6):
    //     w.grad = torch.tensor([[math.sin(t + 3*r + c) for c in range(3)] for r in range(2)]); o.step()
    // print([round(float(v), 7) for v in w.flatten()])
    [Fact]
    public void Adam_is_that_of_torch()
    {
        using var workers = new Workers(1);
        Parameter[] parameters = [new("w", new Matrix(2, 3, [0.5f, -0.25f, 1, 2, 0.125f, -1.5f]))];
        using Optimizer optimizer = Optimizer.Create(parameters, Options(OptimizerKind.Adam), workers);
        using var gradients = new FixedGradients(parameters);
        for (int t = 1; t <= 5; t++)
        {
            for (int r = 0; r < 2; r++)
                for (int c = 0; c < 3; c++) gradients.Values[0][r, c] = (float)Math.Sin(t + (3 * r) + c);
            optimizer.Apply(gradients, Rate);
        }

        float[] torch = [0.4696741f, -0.2613455f, 1.014824f, 2.0322392f, 0.1396372f, -1.5122929f];
        for (int i = 0; i < torch.Length; i++) Assert.Equal(torch[i], parameters[0].Value.AsSpan()[i], 1e-6);
        parameters[0].Value.Dispose();
    }

    // def zeropower(G):  # torch.float64
    //     a, b, c = 3.4445, -4.7750, 2.0315
    //     X = G / G.norm(); tall = G.size(0) > G.size(1)
    //     if tall: X = X.T
    //     for _ in range(5):
    //         A = X @ X.T; X = a*X + (b*A + c*A@A) @ X
    //     return X.T if tall else X
    // G = torch.tensor([[math.cos(0.9*(r + 1)*(c + 2)) for c in range(m)] for r in range(n)], dtype=torch.float64)
    [Theory]
    [InlineData(5, 3, new[]
        {
            -0.61862, -0.60802, -0.55607, -0.39321, 0.46888, -0.18413, 0.39133, -0.43628,
            0.49289, 0.35103, 0.43361, -0.39929, -0.38867, -0.23092, 0.51556,
        })]
    [InlineData(3, 5, new[]
        {
            -0.16965, -0.55734, -0.54555, -0.17051, 0.18853, -0.57647, 0.27182, 0.26632,
            -0.59649, -0.29449, 0.25547, -0.2483, -0.21007, 0.21952, -0.6965,
        })]
    public void A_first_step_of_Muon_goes_along_the_orthogonalized_gradient_of_torch(int rows, int columns, double[] torch)
    {
        using var workers = new Workers(2);
        Parameter[] parameters = [new("w", new Matrix(rows, columns))];
        using Optimizer optimizer = Optimizer.Create(parameters, Options(OptimizerKind.Muon), workers);
        using var gradients = new FixedGradients(parameters);
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++) gradients.Values[0][r, c] = (float)Math.Cos(0.9 * (r + 1) * (c + 2));
        optimizer.Apply(gradients, Rate);
        double size = -Rate * 0.2 * Math.Sqrt(Math.Max(rows, columns));
        for (int i = 0; i < torch.Length; i++) Assert.Equal(torch[i], parameters[0].Value.AsSpan()[i] / size, 2e-4);
        parameters[0].Value.Dispose();
    }

    [Fact]
    public void Signum_leaves_weights_without_a_gradient_alone()
    {
        using var workers = new Workers(1);
        Parameter[] parameters = [new("w", new Matrix(2, 20))];
        using Optimizer optimizer = Optimizer.Create(parameters, Options(OptimizerKind.Signum), workers);
        using var gradients = new FixedGradients(parameters);
        gradients.Values[0].AsSpan().Fill(1);
        optimizer.Apply(gradients, 0.25);
        gradients.Values[0].Row(1).Clear();
        optimizer.Apply(gradients, 0.25);
        Assert.All(parameters[0].Value.Row(0).ToArray(), value => Assert.Equal(-0.5f, value));
        Assert.All(parameters[0].Value.Row(1).ToArray(), value => Assert.Equal(-0.25f, value));
        parameters[0].Value.Dispose();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_forgets_a_latent_that_starts_afresh(OptimizerKind kind)
    {
        var rng = new Rng(5);
        using var workers = new Workers(1);
        Parameter[] parameters =
        [
            new("W_dec", Unit(Normal(rng, 6, 4)), UnitRows: true, PerLatent: true), new("b_enc", Normal(rng, 1, 6), PerLatent: true),
            new("b_dec", Normal(rng, 1, 4)),
        ];
        using Optimizer optimizer = Optimizer.Create(parameters, Options(kind), workers);
        using var gradients = new FixedGradients(parameters);
        for (int step = 0; step < 3; step++)
        {
            gradients.Draw(rng);
            optimizer.Apply(gradients, Rate);
        }

        optimizer.Forget(2);
        foreach (Parameter state in optimizer.State.Where(state => !state.Name.EndsWith("weights", StringComparison.Ordinal)))
        {
            Parameter of = parameters.First(parameter => state.Name.EndsWith("." + parameter.Name, StringComparison.Ordinal));
            bool copied = state.Name.StartsWith("scheduleFree.z", StringComparison.Ordinal)
                || state.Name.StartsWith("scheduleFree.x", StringComparison.Ordinal);
            for (int latent = 0; latent < 6 && of.PerLatent; latent++)
            {
                float[] kept = Latent(state.Value, latent), begun = copied ? Latent(of.Value, latent) : new float[kept.Length];
                Assert.Equal(latent == 2, kept.AsSpan().SequenceEqual(begun));
            }

            if (!of.PerLatent) Assert.Contains(state.Value.AsSpan().ToArray(), value => value != 0);
        }

        foreach (Parameter parameter in parameters) parameter.Value.Dispose();

        static float[] Latent(Matrix value, int latent) => value.Rows == 1 ? [value[0, latent]] : value.Row(latent).ToArray();
    }

    [Fact]
    public void Schedule_free_validates_and_saves_the_average_and_trains_on_what_it_trained_on()
    {
        using var source = new SyntheticFeatures(new() { Width = 16, Features = 48, Rows = 600, ActivePerRow = 3, Noise = 0.05 });
        TrainingOptions options = new()
        {
            Autoencoder = new TopKOptions { Latents = 48, K = 3 },
            Rows = 64 * 40,
            Batch = 64,
            LearningRate = 3e-3,
            Optimizer = OptimizerKind.ScheduleFree,
            DecayFraction = 0,
            ValidateEvery = 0,
        };
        using TrainingRun looked = TrainingRun.Start(options, source), alone = TrainingRun.Start(options, source);
        double last = 0;
        while (!looked.Finished)
        {
            StepReport one = looked.Next(), other = alone.Next();
            Assert.Equal(other.Loss, one.Loss); // looking at it changes nothing
            last = looked.Validate();
            if (looked.Step < 2 || looked.Finished) continue; // after the first step the average is what was trained
            float[] used = looked.Autoencoder.Parameters[0].Value.AsSpan().ToArray(), average = [], trained = [];
            looked.Learner.Save(state =>
            {
                if (state.Name is "scheduleFree.x.W_enc") average = state.Value.AsSpan().ToArray();
                if (state.Name is "W_enc") trained = state.Value.AsSpan().ToArray();
            });
            Assert.Equal(used, average);
            Assert.NotEqual(used, trained);
        }

        Assert.Equal(alone.Validate(), last);
    }

    [Theory]
    [InlineData(OptimizerKind.Signum, 0.45)]
    [InlineData(OptimizerKind.Muon, 0.45)]
    [InlineData(OptimizerKind.ScheduleFree, 0.45)]
    [InlineData(OptimizerKind.Adam, 0.45)]
    public void Each_learns(OptimizerKind kind, double most)
    {
        using var source = new SyntheticFeatures(new() { Width = 16, Features = 48, Rows = 2000, ActivePerRow = 3, Noise = 0.05 });
        TrainingOptions options = new()
        {
            Autoencoder = new TopKOptions { Latents = 64, K = 3 },
            Rows = 64 * 300,
            Batch = 64,
            Optimizer = kind,
            LearningRate = 2e-3,
            DecayFraction = kind == OptimizerKind.ScheduleFree ? 0 : 0.2,
        };
        using TrainingRun run = TrainingRun.Start(options, source);
        while (!run.Finished) run.Next();
        Assert.InRange(run.Validate(), 0, most);
    }

    [Fact]
    public void Contradictions_are_refused_by_name()
    {
        var options = new TrainingOptions { Autoencoder = new TopKOptions { Latents = 16, K = 2 } };
        Assert.Contains("decayFraction is 0.2 but optimizer is scheduleFree",
            Refused(options with { Optimizer = OptimizerKind.ScheduleFree }), StringComparison.Ordinal);
        Assert.Contains("beta2 is 0.9 but optimizer is signum",
            Refused(options with { Optimizer = OptimizerKind.Signum, Beta2 = 0.9 }), StringComparison.Ordinal);
        Assert.Contains("epsilon is 0.1 but optimizer is signum",
            Refused(options with { Optimizer = OptimizerKind.Signum, Epsilon = 0.1 }), StringComparison.Ordinal);

        static string Refused(TrainingOptions options) => Assert.Throws<InputException>(() => options.Validate(8)).Message;
    }

    private static TrainingOptions Options(OptimizerKind kind) => new() { Optimizer = kind, Epsilon = 1e-8 };

    private static Matrix Normal(Rng rng, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        rng.FillNormal(matrix.AsSpan());
        return matrix;
    }

    private static Matrix Unit(Matrix matrix)
    {
        for (int r = 0; r < matrix.Rows; r++)
        {
            double norm = Norms.L2(matrix.Row(r));
            foreach (ref float value in matrix.Row(r)) value = (float)(value / norm);
        }

        return matrix;
    }

    private static double[][] Rows(Matrix matrix) =>
        [.. Enumerable.Range(0, matrix.Rows).Select(r => matrix.Row(r).ToArray().Select(value => (double)value).ToArray())];

    private static double[][] Projected(Matrix gradient, Parameter parameter, double[][] weights, double scale)
    {
        double[][] rows = Rows(gradient);
        for (int r = 0; r < rows.Length; r++)
        {
            double along = parameter.UnitRows ? rows[r].Zip(weights[r], (g, w) => g * w).Sum() : 0;
            for (int c = 0; c < rows[r].Length; c++) rows[r][c] = scale * (rows[r][c] - (along * weights[r][c]));
        }

        return rows;
    }

    private sealed class FixedGradients(Parameter[] parameters) : LossAndGradients
    {
        public Matrix[] Values { get; } = [.. parameters.Select(parameter => new Matrix(parameter.Value.Rows, parameter.Value.Columns))];

        public override ReadOnlySpan<double> RowErrors => [];

        public void Draw(Rng rng)
        {
            foreach (Matrix value in Values) rng.FillNormal(value.AsSpan());
        }

        public override LossTerms Compute(Batch batch, in StepSettings settings) => default;

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination) =>
            Values[parameter].Block(firstRow, rowCount).CopyTo(destination);

        public override void Dispose()
        {
            foreach (Matrix value in Values) value.Dispose();
        }
    }

    /// <summary>The papers' formulas, weight by weight.</summary>
    private abstract class Reference(double[][][] weights, Parameter[] parameters, TrainingOptions options)
    {
        protected double[][][] W => weights;

        protected Parameter[] Parameters => parameters;

        protected TrainingOptions Options => options;

        public static Reference Of(OptimizerKind kind, double[][][] weights, Parameter[] parameters, TrainingOptions options) => kind switch
        {
            OptimizerKind.Adam => new OfAdam(weights, parameters, options),
            OptimizerKind.Signum => new OfSignum(weights, parameters, options),
            OptimizerKind.Muon => new OfMuon(weights, parameters, options),
            _ => new OfScheduleFree(weights, parameters, options),
        };

        public virtual double[][] Used(int p) => weights[p];

        public void Step(int step, double rate, double[][][] gradient)
        {
            for (int p = 0; p < weights.Length; p++)
            {
                if (!parameters[p].Trained) continue;
                Change(p, step, rate, gradient[p]);
                if (parameters[p].UnitRows) Normalize(weights[p]);
            }
        }

        protected abstract void Change(int p, int step, double rate, double[][] g);

        protected static double[][][] Zeros(double[][][] like) =>
            [.. like.Select(tensor => tensor.Select(row => new double[row.Length]).ToArray())];

        protected static void Normalize(double[][] rows)
        {
            foreach (double[] row in rows)
            {
                double length = Math.Sqrt(row.Sum(value => value * value));
                for (int c = 0; c < row.Length; c++) row[c] /= length;
            }
        }

        protected static void Each(double[][] rows, Action<int, int> change)
        {
            for (int r = 0; r < rows.Length; r++)
                for (int c = 0; c < rows[r].Length; c++) change(r, c);
        }
    }

    private class OfAdam(double[][][] weights, Parameter[] parameters, TrainingOptions options) : Reference(weights, parameters, options)
    {
        private readonly double[][][] first = Zeros(weights), second = Zeros(weights);

        protected override void Change(int p, int step, double rate, double[][] g) => Each(g, (r, c) =>
            (W[p][r][c], first[p][r][c], second[p][r][c]) = Unweave.Numerics.Kernels.ReferenceKernels.Adam(W[p][r][c], first[p][r][c],
                second[p][r][c], g[r][c], rate, Options.Beta1, Options.Beta2, Options.Epsilon, step));
    }

    private sealed class OfSignum(double[][][] weights, Parameter[] parameters, TrainingOptions options)
        : Reference(weights, parameters, options)
    {
        private readonly double[][][] momentum = Zeros(weights);

        protected override void Change(int p, int step, double rate, double[][] g) => Each(g, (r, c) =>
        {
            double m = momentum[p][r][c] = (Options.Beta1 * momentum[p][r][c]) + ((1 - Options.Beta1) * g[r][c]);
            W[p][r][c] -= rate * Math.Sign(m);
        });
    }

    private sealed class OfScheduleFree(double[][][] weights, Parameter[] parameters, TrainingOptions options)
        : Reference(weights, parameters, options)
    {
        private readonly double[][][] v = Zeros(weights), z = Copy(weights), x = Copy(weights);
        private readonly double[] sums = new double[weights.Length];

        public override double[][] Used(int p) => x[p];

        protected override void Change(int p, int step, double rate, double[][] g)
        {
            double gamma = rate * Math.Sqrt(1 - Math.Pow(Options.Beta2, step));
            double share = gamma * gamma / (sums[p] += gamma * gamma);
            Each(g, (r, c) =>
            {
                v[p][r][c] = (Options.Beta2 * v[p][r][c]) + ((1 - Options.Beta2) * g[r][c] * g[r][c]);
                z[p][r][c] -= gamma * g[r][c] / (Math.Sqrt(v[p][r][c]) + Options.Epsilon);
            });
            if (Parameters[p].UnitRows) Normalize(z[p]);
            Each(g, (r, c) => x[p][r][c] = ((1 - share) * x[p][r][c]) + (share * z[p][r][c]));
            if (Parameters[p].UnitRows) Normalize(x[p]);
            Each(g, (r, c) => W[p][r][c] = ((1 - Options.Beta1) * z[p][r][c]) + (Options.Beta1 * x[p][r][c]));
        }

        private static double[][][] Copy(double[][][] of) => [.. of.Select(tensor => tensor.Select(row => row.ToArray()).ToArray())];
    }

    // The textbook's iteration on the matrix itself, not on its Gram matrix.
    private sealed class OfMuon(double[][][] weights, Parameter[] parameters, TrainingOptions options)
        : OfAdam(weights, parameters, options)
    {
        private readonly double[][][] momentum = Zeros(weights);

        protected override void Change(int p, int step, double rate, double[][] g)
        {
            if (g.Length == 1)
            {
                base.Change(p, step, rate, g);
                return;
            }

            Each(g, (r, c) => momentum[p][r][c] = (Options.Beta1 * momentum[p][r][c]) + ((1 - Options.Beta1) * g[r][c]));
            double norm = Math.Sqrt(momentum[p].Sum(row => row.Sum(value => value * value)));
            double[][] x = [.. momentum[p].Select(row => row.Select(value => value / norm).ToArray())];
            for (int i = 0; i < 5; i++)
            {
                double[][] gram = Times(x, Transposed(x)), again = Times(Times(gram, gram), x), once = Times(gram, x);
                x = [.. x.Select((row, r) => row.Select((value, c) =>
                    (3.4445 * value) - (4.7750 * once[r][c]) + (2.0315 * again[r][c])).ToArray())];
            }

            double size = rate * 0.2 * Math.Sqrt(Math.Max(x.Length, x[0].Length));
            Each(g, (r, c) => W[p][r][c] -= size * x[r][c]);
        }

        private static double[][] Transposed(double[][] a) =>
            [.. Enumerable.Range(0, a[0].Length).Select(c => a.Select(row => row[c]).ToArray())];

        private static double[][] Times(double[][] a, double[][] b) =>
            [.. a.Select(row => Enumerable.Range(0, b[0].Length).Select(c => row.Select((value, k) => value * b[k][c]).Sum()).ToArray())];
    }
}
