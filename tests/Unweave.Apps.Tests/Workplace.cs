using System.Buffers.Binary;
using System.Text;

namespace Unweave.Apps.Tests;

/// <summary>A folder of a test's own with files for commands to work on, gone when the test is.</summary>
internal sealed class Workplace : IDisposable
{
    public Workplace() => Folder = Directory.CreateTempSubdirectory("unweave-apps-").FullName;

    public string Folder { get; }

    public string this[string name] => Path.Combine(Folder, name);

    public Task<Outcome> Run(params string[] arguments) => Cli.Run(Folder, arguments);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
    }

    public void WriteBytes(string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
    }

    /// <summary>
    /// Writes vectors, each a sum of two of some fixed directions and a little noise, so that there is something to learn.
    /// </summary>
    public string WriteVectors(string name, int rows = 1000, int width = 16, int seed = 1)
    {
        const int Directions = 24;
        uint state = (uint)seed;
        float Next()
        {
            state = (state * 1664525) + 1013904223;
            return ((state >> 8) / (float)(1 << 24)) - 0.5f;
        }

        float[] directions = new float[Directions * width];
        for (int i = 0; i < directions.Length; i++) directions[i] = Next();
        float[] vectors = new float[rows * width];
        for (int row = 0; row < rows; row++)
        {
            int first = (int)((Next() + 0.5f) * Directions) % Directions, second = (int)((Next() + 0.5f) * Directions) % Directions;
            for (int i = 0; i < width; i++)
                vectors[(row * width) + i] = directions[(first * width) + i] + (0.5f * directions[(second * width) + i]) + (0.02f * Next());
        }

        return WriteArray(name, [rows, width], vectors);
    }

    /// <summary>
    /// Writes an array of 32-bit floats in the format of the name's ending: npy (version 1.0) or safetensors (one tensor, <c>vectors</c>).
    /// </summary>
    public string WriteArray(string name, int[] shape, float[] values)
    {
        string lengths = string.Join(", ", shape);
        byte[] header;
        if (name.EndsWith(".npy", StringComparison.Ordinal))
        {
            string description = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({lengths}{(shape.Length == 1 ? "," : "")}), }}"
                .PadRight(117) + "\n";
            header = [0x93, .. "NUMPY"u8, 1, 0, (byte)description.Length, 0, .. Encoding.ASCII.GetBytes(description)];
        }
        else
        {
            byte[] description = Encoding.ASCII.GetBytes(
                $$$"""{"vectors":{"dtype":"F32","shape":[{{{lengths}}}],"data_offsets":[0,{{{4 * values.Length}}}]}}""");
            header = [.. BitConverter.GetBytes((ulong)description.Length), .. description];
        }

        byte[] data = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(4 * i), values[i]);
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], [.. header, .. data]);
        return name;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
