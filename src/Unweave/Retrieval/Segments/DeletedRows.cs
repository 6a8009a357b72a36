using System.Collections;
using System.Globalization;
using System.Numerics;
using Unweave.Formats;

namespace Unweave.Retrieval.Segments;

/// <summary>The file that says which rows of a segment are deleted: a segment itself never changes.</summary>
internal static class DeletedRows
{
    private const string Tensor = "rows";

    /// <summary>How many rows are deleted.</summary>
    public static int Count(BitArray? deleted)
    {
        if (deleted is null) return 0;
        int[] words = new int[(deleted.Count + 31) / 32];
        deleted.CopyTo(words, 0);
        return words.Sum(word => BitOperations.PopCount((uint)word));
    }

    /// <summary>Name of the file.</summary>
    public static string Name(long segment, long generation) =>
        string.Create(CultureInfo.InvariantCulture, $"{segment}.{generation}.deleted");

    /// <summary>Writes it.</summary>
    public static void Write(string path, BitArray deleted) => SafetensorsWriter.Write(path,
        [TensorToWrite.From(Tensor, Enumerable.Range(0, deleted.Count).Where(row => deleted[row]).ToArray())]);

    /// <summary>Reads it.</summary>
    /// <exception cref="InputException">It is missing or damaged.</exception>
    public static BitArray Read(string path, int rows)
    {
        using var file = new SegmentTensors(new SafetensorsFile(path));
        var deleted = new BitArray(rows);
        int count = file.Count(Tensor);
        unsafe
        {
            int* numbers = file.Ints(Tensor, count);
            for (int i = 0; i < count; i++)
            {
                file.Check((uint)numbers[i] < (uint)rows, $"row {numbers[i]} is past the segment");
                deleted[numbers[i]] = true;
            }
        }

        return deleted;
    }
}
