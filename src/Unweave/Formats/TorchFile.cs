using System.Globalization;

namespace Unweave.Formats;

/// <summary>
/// A checkpoint of <c>torch.save</c> since torch 1.6: a zip archive of a pickle and the tensors' storages. The pickle is parsed,
/// never executed: one that names anything but tensors and plain data is refused, and the message says what it names.
/// </summary>
/// <remarks>
/// Nested dicts and lists become names with dots (<c>state_dict.encoder.weight</c>); texts, numbers and lists of numbers beside
/// the tensors are in <see cref="Metadata"/> under such names. Tensors that are views with strides are read in their own order.
/// </remarks>
public sealed class TorchFile : MappedTensorFile
{
    private const string Pickle = "data.pkl";
    private const int Deepest = 64, LongestPickle = 256 << 20;

    private readonly FileBytes bytes;
    private readonly ZipDirectory zip;
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private long textLeft;

    /// <summary>Opens a checkpoint and checks every tensor against its storage.</summary>
    /// <exception cref="InputException">The file is missing, torn, or holds more than tensors and plain data.</exception>
    public TorchFile(string path)
        : this(path, FileBytes.Map(path))
    {
    }

    /// <summary>Takes over an archive whose directory was read.</summary>
    internal TorchFile(string path, FileBytes bytes, ZipDirectory? directory = null)
        : base(path)
    {
        this.bytes = bytes;
        try
        {
            zip = directory ?? ZipDirectory.Read(path, bytes);
            Load();
        }
        catch
        {
            zip?.Release();
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "torch";

    /// <summary>The texts and numbers that lie beside the tensors, in Python's spelling of True, False and None.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Whether a zip archive is a torch checkpoint.</summary>
    internal static bool Is(ZipDirectory zip) => FindPickle(zip) is not null;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        zip.Release();
        bytes.Dispose();
    }

    // The one folder of the archive is named after the file that torch wrote.
    private static ZipEntry? FindPickle(ZipDirectory zip) =>
        zip.Entries.FirstOrDefault(entry => entry.Name.EndsWith("/" + Pickle, StringComparison.Ordinal) && entry.Name.IndexOf('/', StringComparison.Ordinal) == entry.Name.Length - Pickle.Length - 1);

    private void Load()
    {
        ZipEntry pickle = FindPickle(zip) ?? throw new InputException($"{Path}: is a zip archive without {Pickle}; a torch checkpoint has one.");
        string folder = pickle.Name[..^Pickle.Length];
        if (zip.Find(folder + "byteorder")?.Head(8) is { } order && !order.AsSpan().SequenceEqual("little"u8))
            throw new InputException($"{Path}: was written on a big-endian machine; load and save it on a little-endian one.");
        if (pickle.Length > LongestPickle) throw new InputException($"{pickle.Where}: is {pickle.Length} bytes long, past the limit of {LongestPickle}; save only the tensors.");
        object? root;
        using (FileBytes.View view = pickle.Content().Hold())
            root = RestrictedPickle.Load(view.Span(0, (int)pickle.Length), Path, new TorchCalls(Path, zip, folder));

        // A pickle may name one value many times over; what is made of it stays in proportion to the file.
        textLeft = (64 * pickle.Length) + 65_536;
        Flatten("", root, 0);
    }

    private void Flatten(string name, object? value, int depth)
    {
        if (depth > Deepest) throw new InputException($"{Path}: its pickle nests deeper than {Deepest}; save only the tensors.");
        Spend(name.Length + 8);
        switch (value)
        {
            case TorchTensor tensor: Add(tensor.Place(name, Path)); break;
            case PickledDict dict:
                foreach ((string key, object? item) in dict) Flatten(Join(name, key), item, depth + 1);
                break;
            case IReadOnlyList<object?> { Count: > 0 } list when list.All(IsScalar): AddText(name, Text(list)); break;
            case IReadOnlyList<object?> list:
                for (int i = 0; i < list.Count; i++) Flatten(Join(name, i.ToString(CultureInfo.InvariantCulture)), list[i], depth + 1);
                break;
            default: AddText(name, Text(value)); break;
        }
    }

    private void AddText(string name, string text)
    {
        Spend(text.Length);
        if (!metadata.TryAdd(name, text)) throw new InputException($"{Path}: two values are named '{OneLine(name)}'; save it again with names of their own.");
    }

    private void Spend(int characters)
    {
        if ((textLeft -= characters) < 0) throw new InputException($"{Path}: its pickle repeats its values out of all proportion; the file is hostile or corrupt: save only the tensors.");
    }

    private static string Join(string name, string key) => name.Length == 0 ? key : $"{name}.{key}";

    private static bool IsScalar(object? value) => value is null or bool or long or double or string;

    private static string Text(object? value) => value switch
    {
        null => "None",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        byte[] blob => $"{blob.Length} bytes",
        _ => value.ToString()!,
    };

    private string Text(IReadOnlyList<object?> list)
    {
        foreach (object? item in list) Spend(item is string text ? text.Length : 4);
        return $"[{string.Join(", ", list.Select(Text))}]";
    }
}

/// <summary>The bytes of one or more tensors, and how their elements are stored.</summary>
internal sealed record TorchStorage(ElementType Type, ZipEntry Entry, long Count);

/// <summary>A view of a storage.</summary>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>The view as elements of a file; refused when it is not inside its storage.</summary>
    public StridedElements Place(string name, string path)
    {
        int size = Storage.Type.Size();
        long count = StridedElements.Count(Shape, size), reach = StridedElements.Reach(Shape, Strides);
        if (count < 0 || reach < 0 || Offset < 0 || Offset > Storage.Count - reach)
            throw new InputException($"{path}: tensor '{TensorFile.OneLine(name)}' [{string.Join(", ", Shape)}] is not inside its storage of {Storage.Count} elements; the file is torn or corrupt: copy or save it again.");
        if (count > Storage.Count)
            throw new InputException($"{path}: tensor '{TensorFile.OneLine(name)}' [{string.Join(", ", Shape)}] is a view that repeats the {Storage.Count} elements of its storage; save tensor.clone() instead.");
        return new StridedElements(new TensorInfo(name, Storage.Type, Shape), Storage.Entry.Content, Offset * size, Strides);
    }
}

/// <summary>The few names that a pickle of tensors needs. Each stands for data; none is looked up or run.</summary>
internal sealed class TorchCalls(string path, ZipDirectory zip, string folder) : RestrictedPickle.IPickledCalls
{
    private static readonly PickledName
        RebuildTensor = new("torch._utils", "_rebuild_tensor_v2"),
        RebuildParameter = new("torch._utils", "_rebuild_parameter"),
        OrderedDict = new("collections", "OrderedDict"),
        Size = new("torch", "Size"),
        Device = new("torch", "device");

    private readonly Dictionary<string, TorchStorage> storages = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public object Name(PickledName name)
    {
        if (name == RebuildTensor || name == RebuildParameter || name == OrderedDict || name == Size || name == Device || ElementsOf(name) is not null) return name;
        if (IsDataType(name)) return name.ToString();
        throw new InputException($"{path}: its pickle names {TensorFile.OneLine(name.ToString())}, which is not run: a pickle is parsed, never executed; save only the tensors (torch.save(model.state_dict(), …)), or safetensors.");
    }

    /// <inheritdoc/>
    public object? Call(PickledName function, object?[] arguments)
    {
        if (function == RebuildTensor && arguments is [TorchStorage storage, long offset, object?[] shape, object?[] strides, ..] && shape.Length == strides.Length && shape.Length <= 64)
            return new TorchTensor(storage, offset, Numbers(shape), Numbers(strides));
        if (function == RebuildParameter && arguments is [TorchTensor tensor, ..]) return tensor;
        if (function == Size && arguments is [object?[] sizes]) return sizes;
        if (function == Device && arguments is [string kind, ..]) return arguments is [_, long index] ? $"{kind}:{index}" : kind;
        if (function == OrderedDict && arguments is [] or [List<object?>]) return MakeDict(arguments);
        throw Torn($"calls {function} with arguments of the wrong kind");
    }

    /// <inheritdoc/>
    public object Persistent(object? id)
    {
        if (id is not object?[] parts || parts is not ["storage", PickledName kind, string key, _, long count, ..] || ElementsOf(kind) is not { } type)
            throw Torn("has a storage id of the wrong kind");
        ZipEntry entry = zip.Find($"{folder}data/{key}") ?? throw Torn($"needs the storage '{TensorFile.OneLine(key)}', which the archive lacks");
        if (count < 0 || count > entry.Length / type.Size() || count * type.Size() != entry.Length)
            throw Torn($"has storage '{TensorFile.OneLine(key)}' of {count} {type} elements in {entry.Length} bytes");
        if (!storages.TryGetValue(key, out TorchStorage? storage)) storages.Add(key, storage = new TorchStorage(type, entry, count));
        return storage.Type == type ? storage : throw Torn($"gives storage '{TensorFile.OneLine(key)}' two types");
    }

    private static ElementType? ElementsOf(PickledName kind) => kind is not { Module: "torch" } ? null : kind.Name switch
    {
        "DoubleStorage" => ElementType.Float64,
        "FloatStorage" => ElementType.Float32,
        "HalfStorage" => ElementType.Float16,
        "BFloat16Storage" => ElementType.BFloat16,
        "LongStorage" => ElementType.Int64,
        "IntStorage" => ElementType.Int32,
        "ShortStorage" => ElementType.Int16,
        "CharStorage" => ElementType.Int8,
        "ByteStorage" => ElementType.UInt8,
        "BoolStorage" => ElementType.Bool,
        _ => null,
    };

    // Settings saved beside tensors name data types, which are constants.
    private static bool IsDataType(PickledName name) =>
        name is { Module: "torch", Name: "float64" or "float32" or "float16" or "bfloat16" or "int64" or "int32" or "int16" or "int8" or "uint8" or "bool" };

    private PickledDict MakeDict(object?[] arguments)
    {
        var dict = new PickledDict();
        if (arguments is not [List<object?> pairs]) return dict;
        foreach (object? pair in pairs)
        {
            switch (pair)
            {
                case object?[] { Length: 2 } tuple: RestrictedPickle.AddTo(dict, tuple[0], tuple[1], path); break;
                case List<object?> { Count: 2 } list: RestrictedPickle.AddTo(dict, list[0], list[1], path); break;
                default: throw Torn("makes an OrderedDict of what are not pairs");
            }
        }

        return dict;
    }

    private long[] Numbers(object?[] values) => [.. values.Select(value => value is long number ? number : throw Torn("has a shape or stride that is not a whole number"))];

    private InputException Torn(string what) => new($"{path}: its pickle {what}; the file is torn or corrupt: copy or save it again.");
}
