namespace Unweave.Numerics;

/// <summary>
/// Rows to learn from: what goes in and what should come out. An autoencoder's target is its input, the same matrix; a map between
/// two spaces has a target of its own, aligned row by row.
/// </summary>
/// <param name="Input">Inputs, <c>[batch, input width]</c>.</param>
/// <param name="Target">Targets, <c>[batch, output width]</c>; the same object as <paramref name="Input"/> where they are one.</param>
public readonly record struct Batch(Matrix Input, Matrix Target) : IDisposable
{
    /// <summary>A batch whose rows are their own targets.</summary>
    public Batch(Matrix rows)
        : this(rows, rows)
    {
    }

    /// <summary>Makes a batch of zeros.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="inputWidth">Width of an input.</param>
    /// <param name="targetWidth">Width of a target; null when inputs are their own targets.</param>
    public static Batch Create(int rows, int inputWidth, int? targetWidth)
    {
        var input = new Matrix(rows, inputWidth);
        return new Batch(input, targetWidth is { } width ? new Matrix(rows, width) : input);
    }

    /// <summary>Number of rows.</summary>
    public int Rows => Input.Rows;

    /// <summary>True when the inputs are their own targets.</summary>
    public bool IsSelf => ReferenceEquals(Input, Target);

    /// <summary>Gives the memory of both matrices back.</summary>
    public void Dispose()
    {
        Input.Dispose();
        Target.Dispose();
    }
}
