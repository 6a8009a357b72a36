using System.Numerics;
using Unweave.Numerics;

namespace Unweave.Retrieval.Vectors;

/// <summary>
/// A seeded rotation of vectors: four rounds of random signs and a fast Hadamard transform, of the first and of the last 2^⌊log₂ d⌋
/// numbers by turns, so that it serves any width in d·log d steps. Lengths and products stay as they are.
/// </summary>
internal sealed class Rotation
{
    private const int Rounds = 4;

    private readonly float[][] signs = new float[Rounds][];
    private readonly int width, part;

    /// <summary>Makes a rotation.</summary>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="seed">The same seed gives the same rotation.</param>
    public Rotation(int width, ulong seed)
    {
        this.width = width;
        part = (int)BitOperations.RoundUpToPowerOf2((uint)(width + 1)) >> 1;
        var rng = new Rng(seed, stream: 0x51C4);
        for (int round = 0; round < Rounds; round++)
            signs[round] = [.. Enumerable.Range(0, width).Select(_ => (rng.NextBits() & 1) == 0 ? 1f : -1f)];
    }

    /// <summary>Rotates a vector in its place.</summary>
    /// <param name="x">The vector, <c>[d]</c>.</param>
    public void Apply(Span<float> x)
    {
        if (width == 0) return;
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < width; i++) x[i] *= signs[round][i];
            Hadamard(round % 2 == 0 ? x[..part] : x[(width - part)..]);
        }
    }

    private static void Hadamard(Span<float> x)
    {
        for (int half = 1; half < x.Length; half *= 2)
        {
            for (int block = 0; block < x.Length; block += 2 * half)
            {
                for (int i = block; i < block + half; i++) (x[i], x[i + half]) = (x[i] + x[i + half], x[i] - x[i + half]);
            }
        }

        float scale = 1 / MathF.Sqrt(x.Length);
        for (int i = 0; i < x.Length; i++) x[i] *= scale;
    }
}
