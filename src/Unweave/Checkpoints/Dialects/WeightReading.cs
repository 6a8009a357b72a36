using System.Buffers;
using System.Numerics.Tensors;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Checkpoints.Dialects;

/// <summary>Takes a row of weights.</summary>
internal delegate void PutRow(int row, ReadOnlySpan<float> values);

/// <summary>
/// Reads weights into matrices block after block: widened to 32 bits and transposed on the way, so that no second copy of them exists.
/// </summary>
internal static class WeightReading
{
    private const int BlockElements = 1 << 18; // of rows that are read as they lie
    private const int ColumnsOfTile = 64, LatentsOfTile = 2048; // of what is transposed: half a megabyte, which stays in a cache
    private const int PartsBetweenForgetting = 64; // so that little of a mapped file is in memory beside what was made of it

    extension(TensorFile file)
    {
        /// <summary>The tensor of a name, or null.</summary>
        public TensorInfo? Find(string name) =>
            file.Tensors.FirstOrDefault(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal));

        /// <summary>Whether there is a tensor of a name, of so many axes.</summary>
        public bool Has(string name, int axes) => file.Find(name)?.Shape.Count == axes;

        /// <summary>Whether there are tensors of all the names.</summary>
        public bool HasAll(params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
                if (file.Find(name) is null) return false;
            return true;
        }

        /// <summary>A tensor's shape, which has to have so many axes, each of 1 to 2³¹−1 elements.</summary>
        /// <exception cref="InputException">It is missing, of another shape, or not of floating-point numbers.</exception>
        public int[] ShapeOf(string name, int axes)
        {
            TensorInfo tensor = file[name];
            if (tensor.Shape.Count != axes || tensor.Shape.Any(length => length is < 1 or > int.MaxValue))
            {
                throw new InputException(
                    $"{file.Path}: '{name}' has shape [{string.Join(", ", tensor.Shape)}]; it has to have {axes} axes.");
            }


            if (!tensor.Type.IsFloat()) throw new InputException($"{file.Path}: '{name}' is of {tensor.Type}, not of floating-point "
                + $"numbers.");
            return [.. tensor.Shape.Select(length => (int)length)];
        }

        /// <summary>Reads a tensor <c>[rows, columns]</c>, or a part of a larger one, as it lies.</summary>
        /// <param name="name">Its name.</param>
        /// <param name="target">Overwritten.</param>
        /// <param name="first">Row-major position of the first element; the part is the whole tensor when it is null.</param>
        public void ReadRows(string name, Matrix target, long? first = null)
        {
            TensorInfo tensor = file.Checked(name, target.Rows, target.Columns, first);
            int rows = Math.Max(1, BlockElements / Math.Max(target.Columns, 1));
            file.InParts(tensor, (target.Rows + rows - 1) / rows, part =>
            {
                int from = part * rows;
                Span<float> block = target.Block(from, Math.Min(rows, target.Rows - from));
                file.Read(tensor, (first ?? 0) + ((long)from * target.Columns), block);
                file.CheckFinite(name, block);
            });
        }

        /// <summary>Reads a tensor <c>[columns, rows]</c>, or a part of a larger one, transposed; parameters as above.</summary>
        public unsafe void ReadTransposed(string name, Matrix target, long? first = null)
        {
            TensorInfo tensor = file.Checked(name, target.Columns, target.Rows, first);
            int n = target.Rows, columns = target.Columns, across = (n + LatentsOfTile - 1) / LatentsOfTile;
            int bands = (columns + ColumnsOfTile - 1) / ColumnsOfTile;
            file.InParts(tensor, bands * across, part =>
            {
                int top = part / across * ColumnsOfTile, from = part % across * LatentsOfTile;
                int deep = Math.Min(ColumnsOfTile, columns - top), count = Math.Min(LatentsOfTile, n - from);
                float[] tile = ArrayPool<float>.Shared.Rent(deep * count);
                fixed (float* values = tile)
                {
                    float** rows = stackalloc float*[ColumnsOfTile];
                    for (int c = 0; c < deep; c++)
                    {
                        rows[c] = values + (c * count);
                        file.Read(tensor, (first ?? 0) + ((long)(top + c) * n) + from, tile.AsSpan(c * count, count));
                    }

                    file.CheckFinite(name, tile.AsSpan(0, deep * count));
                    Panels.Transpose(rows, deep, count, target.Pointer + ((nint)from * columns) + top, columns);
                }

                ArrayPool<float>.Shared.Return(tile);
            });
        }

        /// <summary>Reads rows of a tensor of any axes and has each put where it belongs.</summary>
        /// <param name="name">Its name.</param>
        /// <param name="rows">Number of rows.</param>
        /// <param name="width">Numbers of a row.</param>
        /// <param name="first">Row-major position of the first number.</param>
        /// <param name="put">Takes a row; called from several threads.</param>
        public void ReadEach(string name, int rows, int width, long first, PutRow put)
        {
            TensorInfo tensor = file.Checked(name, rows, width, first);
            int deep = Math.Max(1, BlockElements / Math.Max(width, 1));
            file.InParts(tensor, (rows + deep - 1) / deep, part =>
            {
                int from = part * deep, count = Math.Min(deep, rows - from);
                float[] block = ArrayPool<float>.Shared.Rent(count * width);
                Span<float> read = block.AsSpan(0, count * width);
                file.Read(tensor, first + ((long)from * width), read);
                file.CheckFinite(name, read);
                for (int r = 0; r < count; r++) put(from + r, read.Slice(r * width, width));
                ArrayPool<float>.Shared.Return(block);
            });
        }

        /// <summary>Reads all of a tensor, whatever its axes, into a row.</summary>
        public void ReadVector(string name, Span<float> target, long? first = null)
        {
            TensorInfo tensor = file[name];
            if ((first is null && tensor.Count != target.Length) || (first ?? 0) + target.Length > tensor.Count)
            {
                throw new InputException(
                    $"{file.Path}: '{name}' has shape [{string.Join(", ", tensor.Shape)}] where {target.Length} numbers are due.");
            }

            file.Read(tensor, first ?? 0, target);
            file.CheckFinite(name, target);
        }

        /// <summary>Reads a tensor of one number.</summary>
        public float ReadNumber(string name)
        {
            Span<float> number = stackalloc float[1];
            file.ReadVector(name, number);
            return number[0];
        }

        private TensorInfo Checked(string name, int rows, int columns, long? first)
        {
            TensorInfo tensor = file[name];
            if (!tensor.Type.IsFloat()) throw new InputException($"{file.Path}: '{name}' is of {tensor.Type}, not of floating-point "
                + $"numbers.");
            bool fits = first is { } start
                ? start + ((long)rows * columns) <= tensor.Count
                : tensor.Shape.SequenceEqual([rows, columns]);
            return fits ? tensor : throw new InputException(
                $"{file.Path}: '{name}' has shape [{string.Join(", ", tensor.Shape)}] where [{rows}, {columns}] is due.");
        }

        private void CheckFinite(string name, ReadOnlySpan<float> values)
        {
            if (!TensorPrimitives.IsFiniteAll(values))
                throw new InputException($"{file.Path}: '{name}' has NaN or an infinity; the file is damaged or its training diverged.");
        }

        // What has to be decoded from front to back is read by one thread in order.
        private void InParts(TensorInfo tensor, int parts, Action<int> read)
        {
            bool sequential = file.IsSequential(tensor);
            file.Prepare(tensor);
            for (int from = 0; from < parts; from += PartsBetweenForgetting)
            {
                int start = from, count = Math.Min(PartsBetweenForgetting, parts - from);
                if (sequential)
                    for (int part = 0; part < count; part++) read(start + part);
                else Workers.Shared.Run(count, part => read(start + part));
                file.Forget();
            }
        }
    }
}
