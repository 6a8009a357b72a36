using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// The order in which training sees a set of rows: some rows held out for validation, the others shuffled anew in each epoch. Every
/// answer is a pure function of the constructor's arguments and a position, so a run resumes by its position alone.
/// </summary>
internal sealed class ShuffledRows
{
    private readonly Permutation split;
    private readonly Lock entry = new();
    private (long Number, Permutation Order) epoch;

    /// <summary>Splits and shuffles.</summary>
    /// <param name="rows">Number of rows N of the set.</param>
    /// <param name="seed">Seed of the split and of every epoch's order.</param>
    /// <param name="validationShare">
    /// Share of the rows held out, in [0, 1): ⌊N·share⌋ of them, but at least one when it is above 0 and N above 1.
    /// </param>
    /// <exception cref="InputException">No row would be left to train on.</exception>
    public ShuffledRows(long rows, ulong seed, double validationShare)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        if (validationShare is not (>= 0 and < 1)) throw new InputException($"validation is {validationShare}; it must lie in [0, 1).");
        Rows = rows;
        Seed = seed;
        ValidationRows = (long)Math.Floor(rows * validationShare);
        if (ValidationRows == 0 && validationShare > 0 && rows > 1) ValidationRows = 1;
        TrainingRows = rows - ValidationRows;
        if (TrainingRows < 1)
        {
            throw new InputException($"Of {rows} rows, {ValidationRows} are held out for validation (validation is {validationShare}) "
                + $"and none is left to train on; give more rows or lower validation.");
        }

        split = new Permutation(rows, seed);
        epoch = (0, Order(0));
    }

    /// <summary>Number of rows N of the whole set.</summary>
    public long Rows { get; }

    /// <summary>Seed of the split and of every epoch's order.</summary>
    public ulong Seed { get; }

    /// <summary>Number of rows trained on: the length of an epoch.</summary>
    public long TrainingRows { get; }

    /// <summary>Number of rows held out.</summary>
    public long ValidationRows { get; }

    /// <summary>Gives rows of the endless training stream, in which each epoch has every training row once.</summary>
    /// <param name="position">Position in the stream of the first row; epoch e starts at e × <see cref="TrainingRows"/>.</param>
    /// <param name="rows">Filled with the rows at <paramref name="position"/> and after it, across epochs as needed.</param>
    public void Fill(long position, Span<long> rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        lock (entry)
        {
            (long number, long index) = Math.DivRem(position, TrainingRows);
            for (int i = 0; i < rows.Length; i++, index++)
            {
                if (index == TrainingRows) (number, index) = (number + 1, 0);
                if (epoch.Number != number) epoch = (number, Order(number));
                rows[i] = split[ValidationRows + epoch.Order[index]];
            }
        }
    }

    /// <summary>A held-out row; their order is random and always the same.</summary>
    /// <param name="index">In [0, <see cref="ValidationRows"/>).</param>
    public long ValidationRow(long index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)ValidationRows, nameof(index));
        return split[index];
    }

    private Permutation Order(long number) => new(TrainingRows, Rng.Mix(Seed + 0x9E3779B97F4A7C15UL) + (ulong)number);
}
