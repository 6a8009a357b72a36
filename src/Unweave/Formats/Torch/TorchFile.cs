using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Unweave.Formats;

/// <summary>
/// A checkpoint of torch (<c>.pt</c>, <c>.pth</c>, <c>.bin</c>; the zip archive that <c>torch.save</c> writes since 1.6, or the stream that
/// it wrote before), mapped into memory. Its pickles are parsed, never executed: tensors in dictionaries, lists, tuples and bags of
/// attributes (<see cref="PickledObject"/>) are read, and anything else is skipped and named. A file without a tensor that can be read is
/// refused.
/// </summary>
/// <remarks>
/// Names of nested entries are joined by dots, positions in lists and tuples are numbers: <c>optimizer.param_groups.0.lr</c>. What
/// is not a tensor goes to <see cref="Metadata"/>: numbers in invariant culture, <c>true</c>, <c>false</c>, <c>null</c>; of bytes only
/// their number; of what is skipped, its name; of an object's class, its name under <c>__class__</c>.
/// </remarks>
internal sealed class TorchFile : MappedTensorFile
{
    private const int LongestPickle = 1 << 26, LongestName = 1024, MostEntries = 1 << 20, DeepestNesting = 64;
    private const long FreeElements = 1 << 24; // an expanded tensor has more elements than its storage; so many are honest
    private const string PickleName = "/data.pkl", ClassName = "__class__";
    private const int StreamVersion = 1001;
    private static readonly BigInteger StreamNumber = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber,
        CultureInfo.InvariantCulture);

    private readonly FileBytes file;
    private readonly ZipDirectory? zip;
    private readonly Func<string, (Func<FileBytes> Content, long Length)?> find; // the bytes of a storage, by its key
    private readonly IReadOnlyList<string> foreign;
    private int walked;
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> unreadable = new(StringComparer.Ordinal); // what it is, by name

    /// <summary>Opens a checkpoint and checks every tensor against its storage.</summary>
    /// <exception cref="InputException">It is not whole, not a checkpoint, or its pickle asks for something other than tensors.</exception>
    public TorchFile(string path)
        : this(path, FileBytes.Map(path), directory: null)
    {
    }

    /// <summary>Opens a checkpoint whose archive is mapped, and perhaps read, already; the bytes become this file's.</summary>
    internal TorchFile(string path, FileBytes bytes, ZipDirectory? directory)
        : base(path)
    {
        file = bytes;
        try
        {
            Pickle pickle;
            if (directory is null && IsStream())
            {
                pickle = ReadStream(out find);
            }
            else
            {
                zip = directory ?? ReadDirectory();
                pickle = ReadArchive(zip, out find);
            }

            foreign = pickle.Foreign;
            Flatten("", pickle.Value, depth: 0);
            if (Tensors.Count == 0 && unreadable.Count > 0) throw Unread(unreadable.Values.First());
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "torch";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <inheritdoc/>
    internal override void Forget() => file.Forget();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        zip?.Release();
        file.Dispose();
    }

    /// <summary>
    /// Refuses a file that names a type or function which would run code where a pickle is executed, also where its tensors can be read: a
    /// model of such a file is not one to trust.
    /// </summary>
    /// <exception cref="InputException">It does; the message names it.</exception>
    internal void RefuseForeign()
    {
        if (foreign.Count > 0) throw Unread(foreign[0]);
    }

    /// <inheritdoc/>
    private protected override string? WhyUnreadable(string name) =>
        unreadable.TryGetValue(name, out string? what) ? Unread(what).Message : null;

    private InputException Unread(string what) =>
        new($"{Path}: its pickle asks for '{what}'; a pickle is parsed, never executed, and only tensors in dictionaries, lists and "
            + "tuples are read. Save the state_dict alone, or convert it to safetensors.");

    /// <summary>Whether an archive is a torch checkpoint: it holds a pickle of that name.</summary>
    internal static bool Is(ZipDirectory zip) => zip.Entries.Any(entry => entry.Name.EndsWith(PickleName, StringComparison.Ordinal));

    /// <summary>Whether a file begins like the stream that torch wrote before 1.6: a pickle of one known number.</summary>
    internal static bool BeginsStream(ReadOnlySpan<byte> head) =>
        head.StartsWith((ReadOnlySpan<byte>)[0x80]) && head[..Math.Min(head.Length, 24)].IndexOf(StreamNumber.ToByteArray()) > 0;

    private bool IsStream()
    {
        using FileBytes.View view = file.Hold();
        return BeginsStream(view.Span(0, (int)Math.Min(24, file.Length)));
    }

    private ZipDirectory ReadDirectory()
    {
        using (FileBytes.View view = file.Hold())
        {
            if (!ZipDirectory.Begins(view.Span(0, (int)Math.Min(4,
                file.Length)))) throw Bad("it is neither a zip archive nor a stream of torch");
        }

        return ZipDirectory.Read(Path, file);
    }

    private Pickle ReadArchive(ZipDirectory archive, out Func<string, (Func<FileBytes> Content, long Length)?> storages)
    {
        string root = Root(archive);
        ZipEntry entry = archive.Find(root + PickleName)!;
        if (entry.Length > LongestPickle) throw Bad($"its pickle has {entry.Length} bytes, more than the {LongestPickle} that are read");
        storages = key => archive.Find($"{root}/data/{key}") is { } found ? (found.Content, found.Length) : null;
        using FileBytes.View view = entry.Content().Hold();
        return PickleReader.Read(view.Span(0, (int)entry.Length), Path);
    }

    /// <summary>
    /// The stream: pickles of its number, its version, what wrote it and the value; then one of the storages' keys; then each storage's
    /// number of elements and their bytes.
    /// </summary>
    private Pickle ReadStream(out Func<string, (Func<FileBytes> Content, long Length)?> storages)
    {
        using FileBytes.View view = file.Hold();
        ReadOnlySpan<byte> rest = view.Span(0, (int)Math.Min(file.Length, LongestPickle));
        int at = 0;
        if (Next(rest).Value is not BigInteger number || number != StreamNumber) throw Bad("it does not begin with the number of a stream");
        if (Next(rest).Value is not long version || version != StreamVersion) throw Bad("its stream is not of version 1001");
        if (Next(rest).Value is PickledDictionary system && system.Contains(("little_endian", false)))
            throw new InputException(BigEndian);
        Pickle value = Next(rest);
        if (Next(rest).Value is not List<object?> keys) throw Bad("its storages are not listed");

        var places = new Dictionary<string, (Func<FileBytes> Content, long Length)>(StringComparer.Ordinal);
        long start = at;
        foreach (object? listed in keys)
        {
            if (listed is not string key || !value.Storages.TryGetValue(key, out PickledStorage? storage))
                throw Bad("it lists a storage that no tensor has");
            if (file.Length - start < sizeof(long)) throw Bad($"it is cut off before storage '{key}'");
            long count = BinaryPrimitives.ReadInt64LittleEndian(view.Span(start, sizeof(long)));
            start += sizeof(long);
            if (count < 0 || count > (file.Length - start) / storage.Type.Size())
                throw Bad($"it has {file.Length - start} bytes where storage '{key}' of {count} elements is due");
            long length = count * storage.Type.Size();
            FileBytes content = file.Slice(start, length);
            if (!places.TryAdd(key, (() => content, length))) throw Bad($"it lists storage '{key}' twice");
            start += length;
        }

        storages = key => places.TryGetValue(key, out (Func<FileBytes> Content, long Length) place) ? place : null;
        return value;

        Pickle Next(ReadOnlySpan<byte> from)
        {
            Pickle pickle = PickleReader.Read(from[at..], Path);
            at += pickle.Length;
            return pickle;
        }
    }

    private string BigEndian =>
        $"{Path}: its elements are big-endian, which is not read; load it in torch on a little-endian machine and save it again.";

    /// <summary>The folder of the archive that holds everything; torch names it after the file.</summary>
    private string Root(ZipDirectory archive)
    {
        string[] pickles =
        [
            .. archive.Entries.Select(entry => entry.Name)
            .Where(name =>
                name.EndsWith(PickleName, StringComparison.Ordinal)
                    && name.IndexOf('/', StringComparison.Ordinal) == name.Length - PickleName.Length),
        ];
        if (pickles.Length != 1) throw Bad("it has no entry data.pkl");
        string found = pickles[0][..^PickleName.Length];
        if (archive.Find($"{found}/byteorder") is { } order && !order.Head(16).AsSpan().SequenceEqual("little"u8))
            throw new InputException(BigEndian);
        return found;
    }

    /// <summary>Walks what the pickle holds. It may hold itself, so the walk is bounded in depth and in all.</summary>
    private void Flatten(string name, object? value, int depth)
    {
        if (depth > DeepestNesting) throw Bad($"'{name[..Math.Min(name.Length, 60)]}' is nested more than {DeepestNesting} deep");
        if (name.Length > LongestName) throw Bad($"the name '{name[..60]}…' has {name.Length} letters");
        switch (value)
        {
            case PickledDictionary dictionary:
                foreach ((object? key, object? inner) in dictionary) Flatten(Join(name, Key(key)), inner, depth + 1);
                break;
            case List<object?> list:
                for (int i = 0; i < list.Count; i++) Flatten(Join(name, i.ToString(CultureInfo.InvariantCulture)), list[i], depth + 1);
                break;
            case object?[] tuple:
                for (int i = 0; i < tuple.Length; i++) Flatten(Join(name, i.ToString(CultureInfo.InvariantCulture)), tuple[i], depth + 1);
                break;
            case PickledObject bag:
                Claim(Join(name, ClassName));
                metadata.Add(Join(name, ClassName), bag.Class);
                foreach ((object? key, object? inner) in bag.State) Flatten(Join(name, Key(key)), inner, depth + 1);
                break;
            case PickledTensor tensor:
                Add(name, tensor);
                break;
            case PickledOther other:
                Claim(name);
                unreadable.Add(name, other.Name);
                metadata.Add(name, $"not read: {other.Name}");
                break;
            default:
                Claim(name);
                metadata.Add(name, Text(value));
                break;
        }

        if (++walked > MostEntries) throw Bad($"it has more than {MostEntries} entries");
    }

    private static string Join(string name, string key) => name.Length == 0 ? key : $"{name}.{key}";

    private string Key(object? key) =>
        key is string or long or bool ? Text(key) : throw Bad("a dictionary has a key that is neither text nor an integer");

    private string Text(object? value) => value switch
    {
        null => "null",
        true => "true",
        false => "false",
        string text => text,
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        PickledName named => named.Name,
        byte[] bytes => $"{bytes.Length.ToString(CultureInfo.InvariantCulture)} bytes",
        _ => throw Bad("it has a type or a storage where a value is due"),
    };

    private void Add(string name, PickledTensor tensor)
    {
        string shape = $"[{string.Join(", ", tensor.Shape)}]";
        if (tensor.Shape.Length != tensor.Strides.Length || tensor.Shape.Any(length => length < 0)
            || tensor.Strides.Any(stride => stride < 0) || tensor.Offset < 0)
            throw Bad($"tensor '{name}' has shape {shape}, strides [{string.Join(", ", tensor.Strides)}] and offset {tensor.Offset}");
        if (find(tensor.Storage.Key) is not var (content, length))
            throw Bad($"tensor '{name}' has its elements in entry 'data/{tensor.Storage.Key}', which is missing");
        if (length / tensor.Storage.Type.Size() < tensor.Storage.Count)
            throw Bad(
                $"the elements of tensor '{name}' have {length} bytes where {tensor.Storage.Count} of type {tensor.Storage.Type} "
                + "are due");

        Int128 count = 1, last = tensor.Offset;
        for (int axis = 0; axis < tensor.Shape.Length; axis++)
        {
            count = tensor.Shape[axis] == 0 ? 0 : count > long.MaxValue ? count : count * tensor.Shape[axis];
            last += (Int128)Math.Max(0, tensor.Shape[axis] - 1) * tensor.Strides[axis];
        }

        if (tensor.Shape.Contains(0)) count = 0;
        if (count > 0 && last >= tensor.Storage.Count)
            throw Bad($"tensor '{name}' of shape {shape} reaches element {last} of the {tensor.Storage.Count} in its storage");
        if (count > Math.Max(tensor.Storage.Count, FreeElements))
            throw Bad($"tensor '{name}' of shape {shape} claims {count} elements of the {tensor.Storage.Count} in its storage");
        if (count == 0 && !Fits(tensor.Shape)) throw Bad($"tensor '{name}' has shape {shape}");
        Claim(name);
        var info = new TensorInfo(name, tensor.Storage.Type, tensor.Shape);
        Add(new StridedElements(info, content, tensor.Offset * info.Type.Size(), tensor.Strides));
    }

    private void Claim(string name)
    {
        if (!names.Add(name)) throw Bad($"it has two entries named '{name}'");
    }

    /// <summary>True when the product of the lengths fits, however it is taken, also where one of them is 0.</summary>
    private static bool Fits(long[] shape)
    {
        Int128 product = 1;
        foreach (long length in shape.Where(length => length > 0))
            if ((product *= length) > long.MaxValue) return false;
        return true;
    }

    private InputException Bad(string what) =>
        new(
            $"{Path} is not a readable torch checkpoint: {what.ReplaceLineEndings(" ")}. It may be damaged or of another format; use "
            + "another copy.");
}
