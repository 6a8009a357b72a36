using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Unweave.Formats;

/// <summary>A storage that a pickle names: its elements lie elsewhere in the archive.</summary>
/// <param name="Type">Type of its elements.</param>
/// <param name="Key">Name of the archive's entry.</param>
/// <param name="Count">Number of elements.</param>
internal sealed record PickledStorage(ElementType Type, string Key, long Count);

/// <summary>A tensor of a pickle: a strided window on a storage, in elements. Not yet checked against it.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>
/// Something of a pickle that is not read: a type, a function, or what they would make. It is named, and nothing is called.
/// </summary>
/// <param name="Name">Its name, short and on one line.</param>
internal sealed record PickledOther(string Name);

/// <summary>A dictionary of a pickle, in the order it was filled.</summary>
internal sealed class PickledDictionary : List<(object? Key, object? Value)>;

/// <summary>A class or function of the modules whose objects are read as bags of their attributes: only named, never looked up.</summary>
/// <param name="Name">Module and name.</param>
internal sealed record PickledName(string Name);

/// <summary>An object of such a class: nothing but the attributes that the file gives it.</summary>
/// <param name="Class">Module and name of its class.</param>
/// <param name="State">Its attributes.</param>
internal sealed record PickledObject(string Class, PickledDictionary State);

/// <summary>A pickle that was read.</summary>
/// <param name="Value">Its one value.</param>
/// <param name="Length">Number of its bytes, as another may follow.</param>
/// <param name="Foreign">Types and functions it names that are not read and might run code where a pickle is executed.</param>
/// <param name="Storages">The storages that it names, the first of each key.</param>
internal sealed record Pickle(
    object? Value, int Length, IReadOnlyList<string> Foreign, IReadOnlyDictionary<string, PickledStorage> Storages);

/// <summary>
/// Reads a pickle of protocol 2 to 5 that a checkpoint of tensors needs: dictionaries, lists, tuples, texts, numbers and tensors. A
/// pickle is a program for a stack machine that may call any Python function; here the only calls are the few that rebuild
/// tensors, ordered dictionaries and sets, known by name and done by hand. An object of torch's modules or of a library that saves its
/// models whole is a bag of its attributes (<see cref="PickledObject"/>). Anything else is skipped and named
/// (<see cref="PickledOther"/>): a pickle is parsed, never executed.
/// </summary>
/// <remarks>
/// Values are null, <see cref="bool"/>, <see cref="long"/>, <see cref="BigInteger"/>, <see cref="double"/>, <see cref="string"/>,
/// byte arrays, <c>List&lt;object?&gt;</c>, <c>object?[]</c> for tuples, and the types beside this one. They may be shared and even
/// contain themselves, so who walks them bounds the walk. Every operation takes at least a byte, so the work is bounded by the length.
/// </remarks>
internal ref struct PickleReader
{
    private const int LongestNumber = 64; // bytes; far more than any number of a checkpoint

    private const int HighestRank = 64;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> bytes;
    private readonly string source;
    private readonly List<object?> stack = [];
    private readonly Stack<int> marks = [];
    private readonly Dictionary<long, object?> memo = [];
    private readonly List<string> foreign = [];
    private readonly Dictionary<string, PickledStorage> storages = new(StringComparer.Ordinal);
    private int position;

    private PickleReader(ReadOnlySpan<byte> bytes, string source)
    {
        this.bytes = bytes;
        this.source = source;
    }

    /// <summary>The functions and types a pickle may name.</summary>
    private enum Callable
    {
        OrderedDictionary,
        RebuildTensor,
        RebuildParameter,
        Set,
    }

    /// <summary>Where the classes are whose objects are read as bags of attributes.</summary>
    private static ReadOnlySpan<string> Bags => new string[] { "torch.nn.", "overcomplete." };

    /// <summary>Reads the one value of a pickle.</summary>
    /// <param name="bytes">The pickle, and perhaps more after it.</param>
    /// <param name="source">The file, for errors.</param>
    /// <exception cref="InputException">It is damaged, or asks for something that is not read.</exception>
    public static Pickle Read(ReadOnlySpan<byte> bytes, string source)
    {
        var reader = new PickleReader(bytes, source);
        try
        {
            object? value = reader.Run();
            return new Pickle(value, reader.position, reader.foreign, reader.storages);
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{source}: its pickle has a text that is not UTF-8 before byte {reader.position}; the file is "
                + "damaged, use another copy.", e);
        }
    }

    private object? Run()
    {
        if (Byte() != 0x80) throw Bad("it does not start with a protocol");
        byte protocol = Byte();
        if (protocol is < 2 or > 5) throw Bad($"protocol {protocol} is not one of 2 to 5");
        while (true)
        {
            byte code = Byte();
            switch (code)
            {
                case (byte)'.':
                    if (marks.Count > 0) throw Bad("it ends inside a mark");
                    return stack.Count == 1 ? stack[0] : throw Bad($"it ends with {stack.Count} values instead of one");
                case 0x95: Take(sizeof(ulong)); break; // FRAME: a hint for buffering
                case (byte)'(': marks.Push(stack.Count); break;
                case (byte)'0': Pop(); break;
                case (byte)'1': Marked(); break;
                case (byte)'2': stack.Add(Peek()); break;
                case (byte)'N': stack.Add(null); break;
                case 0x88: stack.Add(true); break;
                case 0x89: stack.Add(false); break;
                case (byte)'K': stack.Add((long)Byte()); break;
                case (byte)'M': stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
                case (byte)'J': stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
                case 0x8a: PushInteger(Byte()); break;
                case 0x8b: PushInteger(Length4()); break;
                case (byte)'G': stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
                case 0x8c: stack.Add(Text(Byte())); break;
                case (byte)'X': stack.Add(Text(Length4())); break;
                case 0x8d: stack.Add(Text(Length8())); break;
                case (byte)'C': stack.Add(Take(Byte()).ToArray()); break;
                case (byte)'B': stack.Add(Take(Length4()).ToArray()); break;
                case 0x8e or 0x96: stack.Add(Take(Length8()).ToArray()); break;
                case (byte)']': stack.Add(new List<object?>()); break;
                case (byte)')': stack.Add(Array.Empty<object?>()); break;
                case (byte)'}': stack.Add(new PickledDictionary()); break;
                case (byte)'t': stack.Add(Marked()); break;
                case 0x85 or 0x86 or 0x87: stack.Add(Last(code - 0x84)); break;
                case (byte)'a': Append(Last(1)); break;
                case (byte)'e': Append(Marked()); break;
                case (byte)'s': Set(Last(2)); break;
                case (byte)'u': Set(Marked()); break;
                case (byte)'q': memo[Byte()] = Peek(); break;
                case (byte)'r': memo[Length4()] = Peek(); break;
                case 0x94: memo[memo.Count] = Peek(); break;
                case (byte)'h': stack.Add(Recall(Byte())); break;
                case (byte)'j': stack.Add(Recall(Length4())); break;
                case (byte)'c': stack.Add(Global(Line(), Line())); break;
                case 0x93: GlobalFromStack(); break;
                case (byte)'Q': stack.Add(Storage(Pop())); break;
                case (byte)'R': Call(); break;
                case 0x81: Make(Last(2)[0]); break; // NEWOBJ: the arguments are for a constructor that nobody runs
                case 0x92: Make(Last(3)[0]); break; // NEWOBJ_EX
                case (byte)'b': Build(); break;
                default: throw Bad($"operation 0x{code:x2} at byte {position - 1} is not read");
            }
        }
    }

    private void Append(object?[] values)
    {
        switch (Peek())
        {
            case List<object?> list: list.AddRange(values); break;
            case PickledOther: break;
            default: throw Bad("it appends to what is not a list");
        }
    }

    private void Set(object?[] values)
    {
        if (Peek() is PickledOther) return;
        if (Peek() is not PickledDictionary dictionary || values.Length % 2 != 0) throw Bad("it sets entries of what is not a dictionary");
        for (int i = 0; i < values.Length; i += 2) dictionary.Add((values[i], values[i + 1]));
    }

    private void GlobalFromStack()
    {
        if (Last(2) is not [string module, string name]) throw Bad("it names a type by something other than text");
        stack.Add(Global(module, name));
    }

    private readonly object Global(string module, string name)
    {
        string full = $"{module}.{name}";
        return full switch
        {
            "collections.OrderedDict" => Callable.OrderedDictionary,
            "torch._utils._rebuild_tensor_v2" => Callable.RebuildTensor,
            "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state" => Callable.RebuildParameter,
            "builtins.set" or "builtins.frozenset" or "__builtin__.set" or "__builtin__.frozenset" => Callable.Set,
            "torch.DoubleStorage" => ElementType.Float64,
            "torch.FloatStorage" => ElementType.Float32,
            "torch.HalfStorage" => ElementType.Float16,
            "torch.BFloat16Storage" => ElementType.BFloat16,
            "torch.LongStorage" => ElementType.Int64,
            "torch.IntStorage" => ElementType.Int32,
            "torch.ShortStorage" => ElementType.Int16,
            "torch.CharStorage" => ElementType.Int8,
            "torch.ByteStorage" => ElementType.UInt8,
            "torch.BoolStorage" => ElementType.Bool,
            _ => Other(module, full),
        };
    }

    private readonly object Other(string module, string name)
    {
        name = Printable(name);
        foreach (string bag in Bags)
            if ((module + ".").StartsWith(bag, StringComparison.Ordinal)) return new PickledName(name);
        if (!IsHarmless(name)) foreign.Add(name);
        return new PickledOther(name);
    }

    /// <summary>Types of torch that checkpoints have among their settings, and which do nothing.</summary>
    private static bool IsHarmless(string name) =>
        name is "torch.device" or "torch.Size" or "torch.float64" or "torch.float32" or "torch.float16" or "torch.bfloat16"
            or "torch.int64" or "torch.int32" or "torch.int16" or "torch.int8" or "torch.uint8" or "torch.bool";

    private void Make(object? type)
    {
        stack.Add(type switch
        {
            PickledOther other => other,
            PickledName named => new PickledObject(named.Name, []),
            _ => throw Bad($"it makes an object before byte {position} in a way that is not read"),
        });
    }

    /// <summary>
    /// What torch calls a persistent id: <c>('storage', type, key, device, count)</c>, in the older stream with a part of another storage
    /// after them, which no torch since 0.4 writes.
    /// </summary>
    private readonly object Storage(object? id) => id switch
    {
        object?[] and ["storage", ElementType type, string key, string, long count, .. [] or [null]] when count >= 0 =>
            Named(new PickledStorage(type, key, count)),
        object?[] and ["storage", PickledOther type, string, string, long, ..] => type,
        _ => throw Bad("a storage is named in a way that is not read"),
    };

    private readonly PickledStorage Named(PickledStorage storage)
    {
        storages.TryAdd(storage.Key, storage);
        return storage;
    }

    // A view of torch that negates or conjugates when it is read keeps the elements of its base.
    private static PickledOther? Lazily(object?[] rest) =>
        rest is [_, _, PickledDictionary flags, ..] && flags.FirstOrDefault(flag => flag.Value is true).Key is string name
            ? new PickledOther($"a view of torch that is only marked as {Printable(name)}; save tensor.resolve_{Printable(name)}()")
            : null;

    private void Call()
    {
        object?[] call = Last(2);
        stack.Add(call switch
        {
            [Callable.OrderedDictionary, object?[] and []] => new PickledDictionary(),
            [Callable.RebuildTensor,
                object?[] and [PickledStorage storage, long offset, object?[] shape, object?[] strides, .. var rest]] =>
                (object?)Lazily(rest) ?? new PickledTensor(storage, offset, Lengths(shape), Lengths(strides)),
            [Callable.RebuildTensor, object?[] and [PickledOther storage, ..]] => storage,
            [Callable.RebuildParameter, object?[] and [PickledTensor tensor, ..]] => tensor,
            [Callable.RebuildParameter, object?[] and [PickledOther tensor, ..]] => tensor,
            [Callable.Set, object?[] and [List<object?> items]] => items,
            [Callable.Set, object?[] and []] => new List<object?>(),
            [PickledOther other, object?[]] => other,
            [PickledName named, object?[]] => Called(named.Name),
            _ => throw Bad($"it makes a call before byte {position} that is not read"),
        });
    }

    private readonly PickledOther Called(string name)
    {
        foreign.Add(name);
        return new PickledOther(name);
    }

    private readonly long[] Lengths(object?[] values)
    {
        if (values.Length > HighestRank) throw Bad($"a tensor has {values.Length} axes"); // torch itself stops at 64
        long[] lengths = new long[values.Length];
        for (int i = 0; i < values.Length; i++)
            lengths[i] = values[i] is long length ? length : throw Bad("a tensor's shape is not made of integers");
        return lengths;
    }

    /// <summary>
    /// Sets attributes of an object: those of a bag, or the <c>_metadata</c> that a state_dict carries, which says nothing of its tensors.
    /// </summary>
    private void Build()
    {
        object? state = Pop();
        switch (Peek())
        {
            case PickledOther: return;
            case PickledDictionary when state is PickledDictionary: return;
            case PickledObject bag when state is PickledDictionary attributes && !ReferenceEquals(bag.State, attributes):
                bag.State.AddRange(attributes);
                return;
            default: throw Bad($"it sets the state of an object before byte {position}, which is not read");
        }
    }

    private object? Pop() => Last(1)[0];

    private readonly object? Peek() => stack.Count > Floor() ? stack[^1] : throw Bad($"it runs out of values at byte {position}");

    /// <summary>Where the values begin that may be taken without passing a mark.</summary>
    private readonly int Floor() => marks.TryPeek(out int mark) ? mark : 0;

    private object?[] Last(int count)
    {
        if (stack.Count - count < Floor()) throw Bad($"it runs out of values at byte {position}");
        object?[] last = [.. stack[^count..]];
        stack.RemoveRange(stack.Count - count, count);
        return last;
    }

    private object?[] Marked()
    {
        if (!marks.TryPop(out int mark)) throw Bad($"it looks for a mark that is not there at byte {position}");
        return Last(stack.Count - mark);
    }

    private readonly object? Recall(long index) =>
        memo.TryGetValue(index, out object? value) ? value : throw Bad($"it recalls entry {index}, which was never stored");

    private void PushInteger(long length)
    {
        if (length > LongestNumber) throw Bad($"it has an integer of {length} bytes");
        var value = new BigInteger(Take(length));
        if (length <= sizeof(long)) stack.Add((long)value);
        else stack.Add(value);
    }

    private string Text(long length) => Utf8.GetString(Take(length));

    private string Line()
    {
        int length = bytes[position..].IndexOf((byte)'\n');
        if (length < 0) throw Bad("a name in it has no end");
        string line = Text(length);
        position++;
        return line;
    }

    private long Length4() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private long Length8() => (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)), long.MaxValue);

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > bytes.Length - position) throw Bad($"it is cut off at byte {position}");
        ReadOnlySpan<byte> piece = bytes.Slice(position, (int)count);
        position += (int)count;
        return piece;
    }

    private readonly InputException Bad(string what) =>
        new(
            $"{source}: its pickle cannot be read: {what}. The file is damaged or not a checkpoint of tensors; use another copy, or "
            + "convert it to safetensors.");

    /// <summary>A name from the file, short and on one line.</summary>
    private static string Printable(string name) => string.Concat(name.Take(100).Select(letter => char.IsControl(letter) ? '?' : letter));
}
