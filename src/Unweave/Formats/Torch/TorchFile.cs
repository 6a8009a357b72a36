using System.Globalization;
using System.Numerics;

namespace Unweave.Formats;

/// <summary>
/// A checkpoint of torch (<c>.pt</c>, <c>.pth</c>, <c>.bin</c>; the zip archive that <c>torch.save</c> writes since 1.6), mapped into
/// memory. Its pickle is parsed, never executed: tensors in dictionaries, lists and tuples are read, and anything else is skipped
/// and named. A file without a tensor that can be read is refused.
/// </summary>
/// <remarks>
/// Names of nested entries are joined by dots, positions in lists and tuples are numbers: <c>optimizer.param_groups.0.lr</c>. What
/// is not a tensor goes to <see cref="Metadata"/>: numbers in invariant culture, <c>true</c>, <c>false</c>, <c>null</c>; of bytes only
/// their number; of what is skipped, its name.
/// </remarks>
internal sealed class TorchFile : MappedTensorFile
{
    private const int LongestPickle = 1 << 26, LongestName = 1024, MostEntries = 1 << 20, DeepestNesting = 64;
    private const long FreeElements = 1 << 24; // an expanded tensor has more elements than its storage; so many are honest
    private const string PickleName = "/data.pkl";

    private readonly FileBytes file;
    private readonly ZipDirectory zip;
    private readonly string root;
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
            zip = directory ?? ReadDirectory();
            root = Root();
            ZipEntry pickle = zip.Find(root + PickleName)!;
            if (pickle.Length > LongestPickle)
                throw Bad($"its pickle has {pickle.Length} bytes, more than the {LongestPickle} that are read");
            using FileBytes.View view = pickle.Content().Hold();
            Flatten("", PickleReader.Read(view.Span(0, (int)pickle.Length), path), depth: 0);
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
    protected override void Dispose(bool disposing)
    {
        zip.Release();
        file.Dispose();
    }

    /// <inheritdoc/>
    private protected override string? WhyUnreadable(string name) =>
        unreadable.TryGetValue(name, out string? what) ? Unread(what).Message : null;

    private InputException Unread(string what) =>
        new($"{Path}: its pickle asks for '{what}'; a pickle is parsed, never executed, and only tensors in dictionaries, lists and "
            + "tuples are read. Save the state_dict alone, or convert it to safetensors.");

    /// <summary>Whether an archive is a torch checkpoint: it holds a pickle of that name.</summary>
    internal static bool Is(ZipDirectory zip) => zip.Entries.Any(entry => entry.Name.EndsWith(PickleName, StringComparison.Ordinal));

    private ZipDirectory ReadDirectory()
    {
        using (FileBytes.View view = file.Hold())
        {
            if (!ZipDirectory.Begins(view.Span(0, (int)Math.Min(4, file.Length))))
                throw Bad("it is not a zip archive (torch before 1.6 wrote none; load the checkpoint in a later one and save it again)");
        }

        return ZipDirectory.Read(Path, file);
    }

    /// <summary>The folder of the archive that holds everything; torch names it after the file.</summary>
    private string Root()
    {
        string[] pickles =
        [
            .. zip.Entries.Select(entry => entry.Name)
            .Where(name =>
                name.EndsWith(PickleName, StringComparison.Ordinal)
                    && name.IndexOf('/', StringComparison.Ordinal) == name.Length - PickleName.Length),
        ];
        if (pickles.Length != 1) throw Bad("it has no entry data.pkl");
        string found = pickles[0][..^PickleName.Length];
        if (zip.Find($"{found}/byteorder") is { } order && !order.Head(16).AsSpan().SequenceEqual("little"u8))
            throw new InputException(
                $"{Path}: its elements are big-endian, which is not read; load it in torch on a little-endian machine and save it again.");
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
        byte[] bytes => $"{bytes.Length.ToString(CultureInfo.InvariantCulture)} bytes",
        _ => throw Bad("it has a type or a storage where a value is due"),
    };

    private void Add(string name, PickledTensor tensor)
    {
        string shape = $"[{string.Join(", ", tensor.Shape)}]";
        if (tensor.Shape.Length != tensor.Strides.Length || tensor.Shape.Any(length => length < 0)
            || tensor.Strides.Any(stride => stride < 0) || tensor.Offset < 0)
            throw Bad($"tensor '{name}' has shape {shape}, strides [{string.Join(", ", tensor.Strides)}] and offset {tensor.Offset}");
        if (zip.Find($"{root}/data/{tensor.Storage.Key}") is not { } entry)
            throw Bad($"tensor '{name}' has its elements in entry 'data/{tensor.Storage.Key}', which is missing");
        if (entry.Length / tensor.Storage.Type.Size() < tensor.Storage.Count)
            throw Bad(
                $"the elements of tensor '{name}' have {entry.Length} bytes where {tensor.Storage.Count} of type {tensor.Storage.Type} "
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
        Add(new StridedElements(info, entry.Content, tensor.Offset * info.Type.Size(), tensor.Strides));
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
