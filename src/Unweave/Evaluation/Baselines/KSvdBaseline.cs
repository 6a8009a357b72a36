using System.Numerics.Tensors;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// k-SVD (Aharon, Elad and Bruckstein 2006): a dictionary learned by turns, codes by orthogonal matching pursuit, then each atom with its
/// coefficients by one power step towards the first singular pair of what the other atoms leave over (the approximate form of Rubinstein,
/// Zibulevsky and Elad 2008). An atom that no row uses takes the row that is worst reconstructed.
/// </summary>
internal sealed class KSvdBaseline : Baseline
{
    /// <summary>Atoms, at most: the Gram matrix takes 64 MiB then.</summary>
    internal const int MostAtoms = 4096;

    private const int SampleRows = 16_384, RowsOfAtom = 4, Rounds = 6;

    private readonly OrthogonalMatchingPursuit pursuit;

    private KSvdBaseline(int k, Matrix directions, float[] center)
        : base($"k-SVD, {k} of {directions.Rows}", k, directions, center) => pursuit = new OrthogonalMatchingPursuit(directions);

    /// <summary>Fits to rows of a source: all of them, or 16,384 drawn at random when there are more.</summary>
    public static KSvdBaseline Fit(IActivationSource source, int k, int latents, ulong seed, CancellationToken cancellationToken)
    {
        using var sample = BaselineSample.Draw(source, SampleRows, seed);
        int atoms = Math.Clamp(Math.Min(latents, sample.Rows.Rows / RowsOfAtom), Math.Min(k, sample.Rows.Rows), MostAtoms);
        Matrix dictionary = Learn(sample.Rows, atoms, k, Rounds, new Rng(seed, 1), cancellationToken);
        return new KSvdBaseline(Math.Min(k, atoms), dictionary, sample.Center);
    }

    /// <summary>Learns a dictionary.</summary>
    /// <param name="rows">Rows of mean 0, <c>[rows, d]</c>.</param>
    /// <param name="atoms">Its size.</param>
    /// <param name="k">Atoms of a row.</param>
    /// <param name="rounds">How often codes and atoms are made anew.</param>
    /// <param name="rng">Draws the rows that it starts from.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="told">Told the squared error after the codes and after the atoms of each round.</param>
    /// <returns>Unit rows, <c>[atoms, d]</c>.</returns>
    internal static Matrix Learn(Matrix rows, int atoms, int k, int rounds, Rng rng, CancellationToken cancellationToken,
        Action<double, double>? told = null)
    {
        Matrix dictionary = Start(rows, atoms, rng);
        using var residual = new Matrix(rows.Rows, rows.Columns);
        for (int round = 0; round < rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<(int Latent, float Value)>[] codes;
            using (var coder = new OrthogonalMatchingPursuit(dictionary)) codes = coder.Code(rows, k);
            Workers.Shared.Run(rows.Rows, r =>
            {
                Span<float> left = residual.Row(r);
                rows.Row(r).CopyTo(left);
                foreach ((int atom, float value) in codes[r]) TensorPrimitives.MultiplyAdd(dictionary.Row(atom), -value, left, left);
            });
            double before = told is null ? 0 : Error(residual);
            Update(dictionary, rows, residual, codes);
            told?.Invoke(before, Error(residual));
        }

        return dictionary;
    }

    /// <inheritdoc/>
    private protected override void EncodeCentered(Matrix centered, SparseCodes codes) =>
        NarrowedCodes.FromRows(pursuit.Code(centered, Numbers), codes);

    /// <inheritdoc/>
    private protected override void Release() => pursuit.Dispose();

    private static double Error(Matrix residual)
    {
        double sum = 0;
        for (int r = 0; r < residual.Rows; r++) sum += Math.Pow(Norms.L2(residual.Row(r)), 2);
        return sum;
    }

    private static Matrix Start(Matrix rows, int atoms, Rng rng)
    {
        var dictionary = new Matrix(atoms, rows.Columns);
        var order = new Permutation(rows.Rows, rng.NextBits());
        int next = 0;
        for (int i = 0; i < atoms; i++)
        {
            Span<float> atom = dictionary.Row(i);
            double norm = 0;
            for (; next < rows.Rows && norm == 0; next++)
            {
                rows.Row((int)order[next]).CopyTo(atom);
                norm = Norms.L2(atom);
            }

            if (norm == 0)
            {
                rng.FillNormal(atom); // there are fewer rows with a length than atoms
                norm = Norms.L2(atom);
            }

            TensorPrimitives.Divide(atom, (float)norm, atom);
        }

        return dictionary;
    }

    // Atom after atom, each with the coefficients and the residual that those before it leave.
    private static void Update(Matrix dictionary, Matrix rows, Matrix residual, List<(int Latent, float Value)>[] codes)
    {
        var users = new List<(int Row, int Place)>[dictionary.Rows];
        for (int i = 0; i < users.Length; i++) users[i] = [];
        for (int r = 0; r < codes.Length; r++)
            for (int place = 0; place < codes[r].Count; place++) users[codes[r][place].Latent].Add((r, place));
        double[] direction = new double[dictionary.Columns];
        var worst = new Queue<int>(Enumerable.Range(0, rows.Rows).OrderByDescending(r => Norms.L2(residual.Row(r))).Take(dictionary.Rows));
        for (int atom = 0; atom < dictionary.Rows; atom++)
        {
            Span<float> own = dictionary.Row(atom);
            if (users[atom].Count == 0)
            {
                if (!worst.TryDequeue(out int row) || Norms.L2(rows.Row(row)) is not (> 0 and var length)) continue;
                TensorPrimitives.Divide(rows.Row(row), (float)length, own);
                continue;
            }

            Array.Clear(direction);
            double squares = 0;
            foreach ((int r, int place) in users[atom])
            {
                float value = codes[r][place].Value;
                ReadOnlySpan<float> left = residual.Row(r);
                for (int c = 0; c < direction.Length; c++) direction[c] += (double)value * left[c];
                squares += (double)value * value;
            }

            for (int c = 0; c < direction.Length; c++) direction[c] += squares * own[c];
            double norm = Math.Sqrt(DoubleRows.Dot(direction, direction));
            if (norm == 0) continue;
            foreach ((int r, int place) in users[atom])
            {
                Span<float> left = residual.Row(r);
                TensorPrimitives.MultiplyAdd(own, codes[r][place].Value, left, left); // what is left without this atom
            }

            for (int c = 0; c < direction.Length; c++) own[c] = (float)(direction[c] / norm);
            foreach ((int r, int place) in users[atom])
            {
                Span<float> left = residual.Row(r);
                double value = 0;
                for (int c = 0; c < left.Length; c++) value += (double)left[c] * own[c];
                codes[r][place] = (atom, (float)value);
                TensorPrimitives.MultiplyAdd(own, (float)-value, left, left);
            }
        }
    }
}
