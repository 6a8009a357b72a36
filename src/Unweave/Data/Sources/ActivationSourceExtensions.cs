using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>Ways to read a source.</summary>
public static class ActivationSourceExtensions
{
    extension(IActivationSource source)
    {
        /// <summary>Reads consecutive rows into a new matrix.</summary>
        /// <param name="first">Position of the first row.</param>
        /// <param name="count">Number of rows.</param>
        public Matrix Rows(long first, int count)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(first);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, source.Rows, nameof(count));
            var matrix = new Matrix(count, source.Width);
            long[] rows = new long[count];
            for (int i = 0; i < count; i++) rows[i] = first + i;
            source.Read(rows, matrix);
            return matrix;
        }

        /// <summary>Reads rows by position, with their targets, into a new batch.</summary>
        /// <param name="rows">Positions; repeats are allowed.</param>
        public Batch Pairs(ReadOnlySpan<long> rows)
        {
            Batch batch = Batch.Create(rows.Length, source.Width, source.Target?.Width);
            source.Read(rows, batch);
            return batch;
        }

        /// <summary>Reads rows by position, with their targets.</summary>
        /// <param name="rows">Positions; repeats are allowed.</param>
        /// <param name="destination">Its first rows are written.</param>
        public void Read(ReadOnlySpan<long> rows, Batch destination)
        {
            source.Read(rows, destination.Input);
            source.Target?.Read(rows, destination.Target);
        }

        /// <summary>Reads rows by position into a new matrix.</summary>
        /// <param name="rows">Positions; repeats are allowed.</param>
        public Matrix Rows(ReadOnlySpan<long> rows)
        {
            var matrix = new Matrix(rows.Length, source.Width);
            source.Read(rows, matrix);
            return matrix;
        }
    }
}
