using System.Buffers.Binary;
using System.Text;

namespace Unweave.Formats;

/// <summary>A class or function that a pickle names. It is only ever compared, never looked up.</summary>
internal sealed record PickledName(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>A pickled dict, in the order of its keys; keys that were numbers are in text.</summary>
internal sealed class PickledDict : OrderedDictionary<string, object?>;

/// <summary>
/// The part of Python's pickle machine that builds plain data: dicts, lists, tuples, texts, numbers. A pickle is parsed, never
/// executed: what it names and calls goes to <see cref="IPickledCalls"/>, whose answer is data, or to an error.
/// </summary>
/// <remarks>Values are null, bool, long, double, string, byte[], <c>List&lt;object?&gt;</c> (list), <c>object?[]</c> (tuple), <see cref="PickledDict"/>, or what the calls gave.</remarks>
internal ref struct RestrictedPickle
{
    private readonly ReadOnlySpan<byte> code;
    private readonly string where;
    private readonly IPickledCalls calls;
    private readonly List<object?> stack = [];
    private readonly Stack<int> marks = new();
    private readonly Dictionary<long, object?> memo = [];
    private int at;

    private RestrictedPickle(ReadOnlySpan<byte> code, string where, IPickledCalls calls)
    {
        this.code = code;
        this.where = where;
        this.calls = calls;
    }

    /// <summary>What a pickle may name and call: the one opening in the restriction.</summary>
    internal interface IPickledCalls
    {
        /// <summary>What a name stands for: itself when it may be called, or a plain value; refused otherwise.</summary>
        object Name(PickledName name);

        /// <summary>The value of a call.</summary>
        object? Call(PickledName function, object?[] arguments);

        /// <summary>The object that lies outside the pickle under an id.</summary>
        object Persistent(object? id);
    }

    /// <summary>Builds the value of a pickle, protocols 2 to 5.</summary>
    /// <exception cref="InputException">It is torn, or does more than build data.</exception>
    public static object? Load(ReadOnlySpan<byte> code, string where, IPickledCalls calls) => new RestrictedPickle(code, where, calls).Run();

    private object? Run()
    {
        while (true)
        {
            byte opcode = Take(1)[0];
            switch (opcode)
            {
                case 0x80: CheckProtocol(Take(1)[0]); break; // PROTO
                case 0x95: Take(8); break; // FRAME: a hint for readers of streams
                case (byte)'.': return Pop();
                case (byte)'(': marks.Push(stack.Count); break;
                case (byte)'N': stack.Add(null); break;
                case 0x88: stack.Add(true); break;
                case 0x89: stack.Add(false); break;
                case (byte)'J': stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
                case (byte)'K': stack.Add((long)Take(1)[0]); break;
                case (byte)'M': stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
                case 0x8A: stack.Add(TakeLong(Take(1)[0])); break; // LONG1
                case (byte)'G': stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
                case 0x8C: stack.Add(TakeText(Take(1)[0])); break; // SHORT_BINUNICODE
                case (byte)'X': stack.Add(TakeText(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
                case 0x8D: stack.Add(TakeText((long)BinaryPrimitives.ReadUInt64LittleEndian(Take(8)))); break; // BINUNICODE8
                case (byte)'C': stack.Add(Take(Take(1)[0]).ToArray()); break;
                case (byte)'B': stack.Add(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))).ToArray()); break;
                case (byte)'U': stack.Add(Encoding.Latin1.GetString(Take(Take(1)[0]))); break; // a text of Python 2
                case (byte)']': stack.Add(new List<object?>()); break;
                case (byte)'}': stack.Add(new PickledDict()); break;
                case (byte)')': stack.Add(Array.Empty<object?>()); break;
                case 0x85: stack.Add(PopMany(1)); break; // TUPLE1 to TUPLE3
                case 0x86: stack.Add(PopMany(2)); break;
                case 0x87: stack.Add(PopMany(3)); break;
                case (byte)'t': stack.Add(PopToMark()); break;
                case (byte)'l': stack.Add(PopToMark().ToList()); break;
                case (byte)'d': stack.Add(Fill(new PickledDict(), PopToMark())); break;
                case (byte)'a': Append(PopMany(1)); break;
                case (byte)'e': Append(PopToMark()); break;
                case (byte)'s': Fill(PopMany(2)); break;
                case (byte)'u': Fill(PopToMark()); break;
                case (byte)'q': memo[Take(1)[0]] = Peek(); break;
                case (byte)'r': memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Peek(); break;
                case 0x94: memo[memo.Count] = Peek(); break; // MEMOIZE
                case (byte)'h': stack.Add(Recall(Take(1)[0])); break;
                case (byte)'j': stack.Add(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
                case (byte)'c': stack.Add(calls.Name(new PickledName(TakeLine(), TakeLine()))); break; // GLOBAL
                case 0x93: StackGlobal(PopMany(2)); break;
                case (byte)'R': Reduce(PopMany(2)); break;
                case (byte)'b': Build(PopMany(1)[0]); break;
                case (byte)'Q': stack.Add(calls.Persistent(Pop())); break;
                case (byte)'0': Pop(); break;
                default:
                    throw new InputException($"{where}: its pickle has the instruction 0x{opcode:X2} at byte {at - 1}, which plain tensors do not need; save only the tensors (torch.save(model.state_dict(), …)).");
            }
        }
    }

    private readonly void CheckProtocol(byte protocol)
    {
        if (protocol is < 2 or > 5) throw new InputException($"{where}: is a pickle of protocol {protocol}; 2 to 5 can be read.");
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > code.Length - at) throw Torn("ends within an instruction");
        ReadOnlySpan<byte> taken = code.Slice(at, (int)count);
        at += (int)count;
        return taken;
    }

    private string TakeText(long count)
    {
        ReadOnlySpan<byte> utf8 = Take(count);
        return Encoding.UTF8.GetString(utf8);
    }

    private string TakeLine()
    {
        int length = code[at..].IndexOf((byte)'\n');
        if (length < 0) throw Torn("ends within a name");
        string line = TakeText(length);
        at++;
        return line;
    }

    private long TakeLong(int count)
    {
        ReadOnlySpan<byte> digits = Take(count);
        if (count > sizeof(long)) throw Torn($"has a whole number of {count} bytes");
        long value = 0;
        for (int i = 0; i < count; i++) value |= (long)digits[i] << (8 * i);
        int unused = 64 - (8 * count);
        return count == 0 ? 0 : value << unused >> unused; // the sign is the top bit of the last byte
    }

    private object? Peek()
    {
        if (stack.Count <= Floor) throw Torn("takes a value where there is none");
        return stack[^1];
    }

    private object? Pop()
    {
        object? top = Peek();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private object?[] PopMany(int count)
    {
        if (stack.Count - count < Floor) throw Torn("takes a value where there is none");
        object?[] taken = [.. stack[^count..]];
        stack.RemoveRange(stack.Count - count, count);
        return taken;
    }

    private object?[] PopToMark()
    {
        if (marks.Count == 0) throw Torn("takes values back to a mark where there is none");
        object?[] taken = PopMany(stack.Count - marks.Peek());
        marks.Pop();
        return taken;
    }

    // Nothing reaches below the last mark.
    private readonly int Floor => marks.TryPeek(out int mark) ? mark : 0;

    private readonly object? Recall(long index) => memo.TryGetValue(index, out object? value) ? value : throw Torn($"recalls value {index} before it is made");

    private void Append(object?[] values)
    {
        if (Peek() is not List<object?> list) throw Torn("appends to what is not a list");
        list.AddRange(values);
    }

    private void Fill(object?[] pairs)
    {
        if (Peek() is not PickledDict dict) throw Torn("sets an entry of what is not a dict");
        Fill(dict, pairs);
    }

    private readonly PickledDict Fill(PickledDict dict, object?[] pairs)
    {
        if (pairs.Length % 2 != 0) throw Torn("sets a dict entry without a value");
        for (int i = 0; i < pairs.Length; i += 2) AddTo(dict, pairs[i], pairs[i + 1], where);
        return dict;
    }

    /// <summary>Adds an entry to a dict; a key must be a text or a number, and new.</summary>
    public static void AddTo(PickledDict dict, object? key, object? value, string where)
    {
        if (key is not (string or long or double or bool)) throw new InputException($"{where}: its pickle has a dict whose key is neither a text nor a number; save only the tensors.");
        if (!dict.TryAdd(key.ToString()!, value)) throw new InputException($"{where}: its pickle sets the dict entry '{TensorFile.OneLine(key.ToString()!)}' twice; the file is corrupt.");
    }

    private void StackGlobal(object?[] names)
    {
        if (names is not [string module, string name]) throw Torn("names something by what is not a text");
        stack.Add(calls.Name(new PickledName(module, name)));
    }

    private void Reduce(object?[] call)
    {
        if (call is not [PickledName function, object?[] arguments]) throw Torn("calls what cannot be called");
        stack.Add(calls.Call(function, arguments));
    }

    // The state of an OrderedDict: the attributes that torch hangs on a state_dict, of no use here.
    private void Build(object? state)
    {
        if (Peek() is not PickledDict || state is not (PickledDict or null)) throw Torn("gives a state to what is not a dict");
    }

    private readonly InputException Torn(string what) => new($"{where}: its pickle {what}, at byte {at}; the file is torn or corrupt: copy or save it again.");
}
