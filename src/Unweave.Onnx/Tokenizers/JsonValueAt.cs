using System.Text.Json;
using System.Text.Unicode;

namespace Unweave.Onnx;

/// <summary>A value of a JSON file that knows where it stands, so that what is wrong with it can be said.</summary>
internal readonly struct JsonValueAt
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly JsonElement element;
    private readonly string file;
    private readonly string place;

    private JsonValueAt(JsonElement element, string file, string place)
    {
        this.element = element;
        this.file = file;
        this.place = place;
    }

    /// <summary>Reads a file; names may not be given twice.</summary>
    public static JsonValueAt Parse(byte[] json, string file)
    {
        if (!Utf8.IsValid(json)) throw new InputException($"{file}: this is not JSON in UTF-8; download the file again.");
        try
        {
            ReadOnlyMemory<byte> text = json.AsSpan().StartsWith("\uFEFF"u8) ? json.AsMemory(3) : json;
            using var document = JsonDocument.Parse(text, Strict);
            return new JsonValueAt(document.RootElement.Clone(), file, "");
        }
        catch (JsonException e)
        {
            string line = e.LineNumber is { } number ? $" (line {number + 1})" : "";
            throw new InputException($"{file}: this is not valid JSON: {Shorten(e.Message.Split(". ")[0].TrimEnd('.'), 200)}{line}; download the file again.", e);
        }
        catch (InvalidOperationException e)
        {
            // Names are compared, so each is read: one that is half a surrogate pair cannot be.
            throw new InputException($"{file}: the name of a member is not a string in Unicode (half a surrogate pair).", e);
        }
    }

    /// <summary>Whether it is an object.</summary>
    public bool IsObject => element.ValueKind == JsonValueKind.Object;

    /// <summary>Whether it is a string.</summary>
    public bool IsString => element.ValueKind == JsonValueKind.String;

    /// <summary>Whether it is null.</summary>
    public bool IsNull => element.ValueKind == JsonValueKind.Null;

    /// <summary>A member, or null where it is missing or null.</summary>
    public JsonValueAt? Optional(string name) => Mentioned(name) is { IsNull: false } value ? value : null;

    /// <summary>A member, which may be null, or null where it is missing.</summary>
    public JsonValueAt? Mentioned(string name) => Object().TryGetProperty(name, out JsonElement member) ? new JsonValueAt(member, file, place.Length == 0 ? name : $"{place}.{name}") : null;

    /// <summary>A member that must be there.</summary>
    public JsonValueAt Required(string name) => Optional(name) ?? throw Wrong($"has no '{name}'");

    /// <summary>The kind of object it is: its member 'type'.</summary>
    public string Kind() => Required("type").Text();

    public string Text()
    {
        if (!IsString) throw Wrong("should be a string");
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{file}: {Place} is not a string in Unicode (half a surrogate pair).", e);
        }
    }

    public string Text(string name, string otherwise) => Optional(name)?.Text() ?? otherwise;

    public char Character()
    {
        string text = Text();
        return text.Length == 1 ? text[0] : throw Wrong("should be one character");
    }

    public bool Flag() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("should be true or false"),
    };

    public bool Flag(string name, bool otherwise) => Optional(name)?.Flag() ?? otherwise;

    public int Count()
    {
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out int value) || value < 0) throw Wrong("should be a whole number from 0 on");
        return value;
    }

    public double Number() => element.ValueKind == JsonValueKind.Number ? element.GetDouble() : throw Wrong("should be a number");

    public IEnumerable<JsonValueAt> Items()
    {
        if (element.ValueKind != JsonValueKind.Array) throw Wrong("should be an array");
        string own = place, of = file;
        return element.EnumerateArray().Select((item, index) => new JsonValueAt(item, of, $"{own}[{index}]"));
    }

    public IEnumerable<(string Name, JsonValueAt Value)> Members()
    {
        string own = place, of = file;
        return Object().EnumerateObject().Select(member => (member.Name, new JsonValueAt(member.Value, of, $"{own}[\"{Shorten(member.Name, 60)}\"]")));
    }

    /// <summary>What is wrong with the value, where it stands.</summary>
    public InputException Wrong(string what) => new($"{file}: {Place} {what}; it is {Shorten(element.GetRawText(), 60)}.");

    /// <summary>What is asked for but cannot be done exactly.</summary>
    public InputException Unsupported(string what) => new($"{file}: {Place} asks for {what}, which is not supported; such a text would be split differently from what the model was trained on.");

    private string Place => place.Length == 0 ? "the file" : place;

    private JsonElement Object() => IsObject ? element : throw Wrong("should be an object");

    private static string Shorten(string text, int length) => (text.Length <= length ? text : text[..length] + "…").ReplaceLineEndings(" ");
}
