using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Unweave.Formats;

/// <summary>
/// Writes checkpoints that <c>torch.load</c> reads, also with <c>weights_only=True</c>: a zip archive of a pickle of dictionaries and the
/// elements of each tensor. Whole or not at all (<see cref="AtomicFile"/>), and the same bytes for the same content.
/// </summary>
internal static class TorchWriter
{
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the first that a zip archive can say

    /// <summary>Writes a dictionary.</summary>
    /// <param name="path">The target; its folder exists. The archive's folder is named after it, as torch does.</param>
    /// <param name="content">
    /// Texts or integers as keys; as values tensors, which keep only what they hold and not their names, texts, integers, floats, booleans,
    /// null, lists of these and dictionaries.
    /// </param>
    /// <exception cref="InputException">The disk is full or the target may not be written; an earlier file is unchanged.</exception>
    public static void Write(string path, PickledDictionary content)
    {
        var tensors = new List<TensorToWrite>();
        using var pickle = new MemoryStream();
        pickle.Write([0x80, 2]);
        Put(pickle, content, tensors);
        pickle.WriteByte((byte)'.');
        string root = Path.GetFileNameWithoutExtension(path);
        AtomicFile.Write(path, file =>
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
            Entry(zip, $"{root}/data.pkl", target => pickle.WriteTo(target));
            Entry(zip, $"{root}/byteorder", target => target.Write("little"u8));
            for (int i = 0; i < tensors.Count; i++)
            {
                TensorToWrite tensor = tensors[i];
                Entry(zip, $"{root}/data/{i.ToString(CultureInfo.InvariantCulture)}", target => tensor.Emit(target.Write));
            }

            Entry(zip, $"{root}/version", target => target.Write("3\n"u8));
        });
    }

    private static void Entry(ZipArchive zip, string name, Action<Stream> write)
    {
        ZipArchiveEntry entry = zip.CreateEntry(name, CompressionLevel.NoCompression);
        entry.LastWriteTime = NoTime;
        using Stream target = entry.Open();
        write(target);
    }

    private static void Put(MemoryStream pickle, object? value, List<TensorToWrite> tensors)
    {
        switch (value)
        {
            case null: pickle.WriteByte((byte)'N'); break;
            case bool flag: pickle.WriteByte(flag ? (byte)0x88 : (byte)0x89); break;
            case int number: Put(pickle, (long)number); break;
            case long number: Put(pickle, number); break;
            case double number:
                Span<byte> bits = stackalloc byte[sizeof(double)];
                BinaryPrimitives.WriteDoubleBigEndian(bits, number);
                pickle.WriteByte((byte)'G');
                pickle.Write(bits);
                break;
            case string text: Put(pickle, text); break;
            case TensorToWrite tensor: Put(pickle, tensor, tensors); break;
            case PickledDictionary dictionary:
                pickle.Write("}("u8);
                foreach ((object? key, object? inner) in dictionary)
                {
                    Put(pickle, key is string or long ? key : throw new ArgumentException($"{key} is no key of a dictionary."), tensors);
                    Put(pickle, inner, tensors);
                }

                pickle.WriteByte((byte)'u');
                break;
            case List<object?> list:
                pickle.Write("]("u8);
                foreach (object? inner in list) Put(pickle, inner, tensors);
                pickle.WriteByte((byte)'e');
                break;
            default: throw new ArgumentException($"{value.GetType()} is nothing that a checkpoint holds.", nameof(value));
        }
    }

    private static void Put(MemoryStream pickle, TensorToWrite tensor, List<TensorToWrite> tensors)
    {
        pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Put(pickle, "storage");
        pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{StorageName(tensor.Info.Type)}\n"));
        Put(pickle, tensors.Count.ToString(CultureInfo.InvariantCulture));
        Put(pickle, "cpu");
        Put(pickle, tensor.Info.Count);
        pickle.Write("tQK\0"u8);
        Put(pickle, tensor.Info.Shape);
        Put(pickle, StridedElements.RowMajor([.. tensor.Info.Shape]));
        pickle.WriteByte(0x89); // needs no gradient
        pickle.Write("ccollections\nOrderedDict\n)RtR"u8); // hooks of the backward pass: none
        tensors.Add(tensor);
    }

    private static void Put(MemoryStream pickle, IReadOnlyList<long> lengths)
    {
        pickle.WriteByte((byte)'(');
        foreach (long length in lengths) Put(pickle, length);
        pickle.WriteByte((byte)'t');
    }

    private static void Put(MemoryStream pickle, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        if (number is >= int.MinValue and <= int.MaxValue)
        {
            pickle.WriteByte((byte)'J');
            pickle.Write(bytes[..sizeof(int)]);
        }
        else
        {
            pickle.Write([0x8a, sizeof(long)]);
            pickle.Write(bytes);
        }
    }

    private static void Put(MemoryStream pickle, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        pickle.WriteByte((byte)'X');
        pickle.Write(length);
        pickle.Write(bytes);
    }

    private static string StorageName(ElementType type) => type switch
    {
        ElementType.Float64 => "DoubleStorage",
        ElementType.Float32 => "FloatStorage",
        ElementType.Float16 => "HalfStorage",
        ElementType.BFloat16 => "BFloat16Storage",
        ElementType.Int64 => "LongStorage",
        ElementType.Int32 => "IntStorage",
        ElementType.Int16 => "ShortStorage",
        ElementType.Int8 => "CharStorage",
        ElementType.UInt8 => "ByteStorage",
        ElementType.Bool => "BoolStorage",
        _ => throw new ArgumentException($"torch has no storage of {type}; write 64-bit integers.", nameof(type)),
    };
}
