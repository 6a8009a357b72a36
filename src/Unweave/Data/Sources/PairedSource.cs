using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>Rows of one source with the rows of another as their targets: two hooks of a model, two models, before and after.</summary>
public sealed class PairedSource : IActivationSource
{
    private readonly IActivationSource input;

    /// <summary>Pairs two sources row by row.</summary>
    /// <param name="input">The inputs; they stay the caller's to dispose.</param>
    /// <param name="target">Their targets, as many rows in the same order; they stay the caller's to dispose.</param>
    /// <exception cref="InputException">The sources have different numbers of rows.</exception>
    public PairedSource(IActivationSource input, IActivationSource target)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(target);
        if (input.Rows != target.Rows)
        {
            throw new InputException(
                $"{input.Name} has {input.Rows} rows but {target.Name}, its target, has {target.Rows}; give two sources that are aligned "
                + "row by row.");
        }

        (this.input, Target) = (input, target);
    }

    /// <inheritdoc/>
    public int Width => input.Width;

    /// <inheritdoc/>
    public long Rows => input.Rows;

    /// <inheritdoc/>
    public string Name => $"{input.Name} to {Target.Name}";

    /// <summary>The targets.</summary>
    public IActivationSource Target { get; }

    IActivationSource? IActivationSource.Target => Target;

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination) => input.Read(rows, destination);

    /// <summary>Nothing to give back: both sources stay the caller's.</summary>
    public void Dispose()
    {
    }
}
