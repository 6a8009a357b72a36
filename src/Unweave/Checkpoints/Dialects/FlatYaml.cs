using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// The part of YAML that circuit-tracer's files have: a mapping of texts and numbers, and lists of texts, without nesting. Other lines are
/// skipped.
/// </summary>
internal static class FlatYaml
{
    private const long LongestFile = 1 << 20;

    /// <summary>Reads a file as an object.</summary>
    public static JsonObject Read(string path)
    {
        string[] lines;
        try
        {
            if (new FileInfo(path).Length > LongestFile) throw new InputException($"{path}: is too long for a file of settings.");
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }

        var result = new JsonObject();
        JsonArray? list = null;
        foreach (string line in lines)
        {
            if (line.TrimStart().StartsWith("- ", StringComparison.Ordinal))
            {
                list?.Add(Value(line.TrimStart()[2..]));
                continue;
            }

            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1 || line[0] is '#' or ' ' or '\t' || (colon + 1 < line.Length && line[colon + 1] != ' ')) continue;
            string key = Unquoted(line[..colon].Trim()), value = line[(colon + 1)..].Trim();
            list = value.Length == 0 ? [] : null;
            result[key] = value.Length == 0 ? list : Value(value);
        }

        return result;
    }

    /// <summary>Writes an object of texts, numbers and lists of texts.</summary>
    public static void Write(string path, JsonObject settings)
    {
        var text = new StringBuilder();
        foreach ((string key, JsonNode? value) in settings)
        {
            if (value is not JsonArray list)
            {
                text.Append(CultureInfo.InvariantCulture, $"{key}: {Text(value)}\n");
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"{key}:\n");
            foreach (JsonNode? entry in list) text.Append(CultureInfo.InvariantCulture, $"- {Text(entry)}\n");
        }

        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    // A text is quoted where it would be taken for something else.
    private static string Text(JsonNode? value)
    {
        if (value is null) return "null";
        if (value.GetValueKind() != JsonValueKind.String) return value.ToJsonString();
        string text = (string)value!;
        bool plain = text.Length > 0 && Value(text) is { } read && read.GetValueKind() == JsonValueKind.String
            && text.All(c => char.IsLetterOrDigit(c) || c is '_' or '.' or '/' or '-' or ' ') && !char.IsWhiteSpace(text[0])
                && text[0] != '-'
            && !char.IsWhiteSpace(text[^1]);
        return plain ? text : JsonValue.Create(text).ToJsonString();
    }

    private static JsonNode? Value(string text)
    {
        string value = text.Trim();
        if (value is "null" or "~" or "") return null;
        if (value is "true" or "false") return value is "true";
        if (long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)) return whole;
        bool number = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) && double.IsFinite(real);
        return number ? real : Unquoted(value);
    }

    private static string Unquoted(string text)
    {
        if (text.Length < 2 || text[0] != text[^1] || text[0] is not ('"' or '\'')) return text;
        if (text[0] == '\'') return text[1..^1].Replace("''", "'", StringComparison.Ordinal);
        try
        {
            return (string?)JsonNode.Parse(text) ?? text;
        }
        catch (JsonException)
        {
            return text[1..^1];
        }
    }
}
