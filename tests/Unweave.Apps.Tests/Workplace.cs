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

    /// <summary>Writes vectors, each a sum of two of some fixed directions and a little noise, so that there is something to learn.</summary>
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

        return WriteNpy(name, [rows, width], vectors);
    }

    /// <summary>Writes an npy file of 32-bit floats (NEP 1, version 1.0).</summary>
    public string WriteNpy(string name, int[] shape, float[] values)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Join(", ", shape)}{(shape.Length == 1 ? "," : "")}), }}";
        header = header.PadRight(128 - 10 - 1) + "\n";
        byte[] bytes = new byte[128 + (4 * values.Length)];
        "\u0093NUMPY\u0001\0"u8[1..].CopyTo(bytes);
        bytes[0] = 0x93;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)header.Length);
        Encoding.ASCII.GetBytes(header).CopyTo(bytes, 10);
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(128 + (4 * i)), values[i]);
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], bytes);
        return name;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
