using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>What writes rows as sparse codes and makes rows of codes again: a trained autoencoder, or a baseline beside it.</summary>
internal interface IRowCoder
{
    /// <summary>What it is, for tables.</summary>
    string Name { get; }

    /// <summary>Width d of the rows that it takes.</summary>
    int InputWidth { get; }

    /// <summary>Width of the rows that it gives.</summary>
    int OutputWidth { get; }

    /// <summary>Directions that a code may use.</summary>
    int Latents { get; }

    /// <summary>Writes rows as codes.</summary>
    /// <param name="x">The rows, <c>[rows, d]</c>.</param>
    /// <param name="codes">Overwritten.</param>
    void Encode(Matrix x, SparseCodes codes);

    /// <summary>Makes rows of codes.</summary>
    /// <param name="codes">The codes.</param>
    /// <param name="input">The rows that they are of, for coders whose scale depends on the row.</param>
    /// <param name="reconstruction">Overwritten, <c>[rows, output width]</c>.</param>
    void Decode(SparseCodes codes, Matrix input, Matrix reconstruction);
}
