using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>
/// Settings on their way to <see cref="TrainingOptions"/>: those of a run file, then those that override them one by one, each
/// remembered with where it came from, so that whatever is wrong can be named there.
/// </summary>
internal sealed class RunFileDraft
{
    private static readonly JsonReaderOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
    private readonly Dictionary<string, Given> given = new(StringComparer.Ordinal);

    /// <summary>A setting given: as JSON, or as the words of a flag, which are read once the architecture is known.</summary>
    private readonly record struct Given(JsonNode? Value, IReadOnlyList<string>? Words, string Origin);

    /// <summary>Starts with nothing given: every setting at its default.</summary>
    public RunFileDraft()
    {
    }

    /// <summary>Starts with the settings of a run file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="InputException">It is not there or not a run file.</exception>
    public static RunFileDraft Open(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such run file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the run file cannot be read: {FirstLine(e.Message)}", e);
        }
    }

    /// <summary>Starts with the settings of a run file's text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What to call it in messages: its path.</param>
    /// <exception cref="InputException">It is not a run file.</exception>
    public static RunFileDraft Parse(string json, string name)
    {
        ArgumentNullException.ThrowIfNull(json);
        byte[] utf8 = Encoding.UTF8.GetBytes(json.TrimStart('\uFEFF'));
        var reader = new Utf8JsonReader(utf8, Lenient);
        var draft = new RunFileDraft();
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new InputException($"{name} {Line(utf8, reader.TokenStartIndex)}: a run file is a JSON object, such as {{ "
                    + $"\"rows\": 2000000 }}.");
            draft.ReadObject(ref reader, utf8, name, inAutoencoder: false);
            while (reader.Read())
            {
                // Only reading on finds what follows the object.
            }

            return draft;
        }
        catch (JsonException e)
        {
            string message = FirstLine(e.Message);
            int position = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            throw new InputException($"{name} line {(e.LineNumber ?? 0) + 1}: this is not JSON: "
                + $"{(position < 0 ? message : message[..position])}", e);
        }
    }

    /// <summary>Gives a setting as the command line writes it, over what was given before.</summary>
    /// <param name="setting">
    /// One of <see cref="RunFileSetting.All"/>; of several with this name, the one that the architecture has is meant.
    /// </param>
    /// <param name="values">
    /// The flag's words: one; for a list any number, each may hold several separated by commas; none means true.
    /// </param>
    public void Set(RunFileSetting setting, IReadOnlyList<string> values)
    {
        ArgumentNullException.ThrowIfNull(setting);
        ArgumentNullException.ThrowIfNull(values);
        given[setting.Name] = new Given(null, values, setting.Flag);
    }

    /// <summary>The output folder given, if any.</summary>
    public string? Output => given.TryGetValue("output", out Given entry)
        ? entry.Words is [.., var last] ? last : entry.Value?.GetValueKind() == JsonValueKind.String ? (string?)entry.Value : null
        : null;

    /// <summary>Whether a setting is given.</summary>
    public bool Has(RunFileSetting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return given.ContainsKey(setting.Name);
    }

    /// <summary>Takes what is not given here from another draft.</summary>
    /// <returns>This draft.</returns>
    public RunFileDraft Over(RunFileDraft other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach ((string name, Given entry) in other.given) given.TryAdd(name, entry);
        return this;
    }

    /// <summary>The options: what was given, over the defaults.</summary>
    /// <exception cref="InputException">A value is of the wrong kind, or a setting does not belong to the architecture.</exception>
    public TrainingOptions ToOptions()
    {
        JsonObject root = JsonSerializer.SerializeToNode(new TrainingOptions(), RunFileJson.Default.TrainingOptions)!.AsObject();
        Architecture architecture = ChosenArchitecture(out string chosenBy);
        JsonObject autoencoder = architecture.DefaultsAsJson;
        root["autoencoder"] = autoencoder;
        var chosen = new List<RunFileSetting>();
        foreach (IGrouping<string, RunFileSetting> named in RunFileSetting.All.GroupBy(setting => setting.Name, StringComparer.Ordinal))
        {
            if (!given.TryGetValue(named.Key, out Given entry) || named.First().IsArchitecture) continue;
            RunFileSetting? setting = named.FirstOrDefault(one => one.Architecture is null || Same(one.Architecture, architecture.Name));
            if (setting is null)
            {
                string owners = string.Join(" or ", named.Select(one => one.Architecture));
                throw new InputException($"{Say(named.First(), entry.Origin)} belongs to the architecture {owners}, but the "
                    + $"architecture is "
                    + $"{architecture.Name} ({chosenBy}); leave it out or choose architecture {named.First().Architecture}.");
            }

            chosen.Add(setting);
            (setting.InAutoencoder ? autoencoder : root)[setting.Name] = ValueOf(setting, entry)?.DeepClone();
        }

        try
        {
            return root.Deserialize(RunFileJson.Default.TrainingOptions)!;
        }
        catch (JsonException e)
        {
            // What the checks above let through and a property's type still refuses: a whole number out of its range.
            string name = (e.Path ?? "").Split('.', '[', ']').LastOrDefault(part => given.ContainsKey(part)) ?? "";
            if (chosen.Find(setting => Same(setting.Name, name)) is not { } setting) throw;
            throw new InputException($"{Say(setting, given[name].Origin)} is {ValueOf(setting, given[name])?.ToJsonString()}, which is "
                + $"out of range.", e);
        }
    }

    /// <summary>Reads the members of an object that the reader stands at the start of, to its end.</summary>
    private void ReadObject(ref Utf8JsonReader reader, byte[] utf8, string name, bool inAutoencoder)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string property = reader.GetString()!;
            string where = $"{name} {Line(utf8, reader.TokenStartIndex)}";
            reader.Read();
            if (!inAutoencoder && property is "$schema")
            {
                reader.Skip();
            }
            else if (!inAutoencoder && property is "autoencoder")
            {
                if (reader.TokenType != JsonTokenType.StartObject)
                    throw new InputException($"{where}: autoencoder must be an object, such as {{ \"architecture\": \"topk\", "
                        + $"\"latents\": 4096 }}.");
                ReadObject(ref reader, utf8, name, inAutoencoder: true);
            }
            else
            {
                RunFileSetting setting = Find(property, inAutoencoder, where);
                JsonNode? value = JsonNode.Parse(ref reader);
                if (!given.TryAdd(setting.Name, new Given(value, null, where)))
                    throw new InputException($"{where}: {property} is given twice; leave one out.");
            }
        }
    }

    private static RunFileSetting Find(string property, bool inAutoencoder, string where)
    {
        RunFileSetting? found = RunFileSetting.All.FirstOrDefault(
            setting => setting.IsCalled(property) && setting.InAutoencoder == inAutoencoder)
            ?? RunFileSetting.All.FirstOrDefault(setting => setting.IsCalled(property));
        if (found is null)
        {
            IEnumerable<string> names = RunFileSetting.All.Where(setting => setting.InAutoencoder == inAutoencoder)
                .Select(setting => setting.Name);
            string guess = Spelling.DidYouMean(property, names);
            if (guess.Length == 0)
                guess = Spelling.DidYouMean(property, RunFileSetting.All.Select(setting => setting.Name).Append("autoencoder"));
            throw new InputException($"{where}: there is no setting "
                + $"'{property}'.{(guess.Length == 0 ? " `unweave schema` prints all of them." : guess)}");
        }

        if (found.InAutoencoder == inAutoencoder) return found;
        throw new InputException(inAutoencoder
            ? $"{where}: {property} is a setting of the run; move it out of autoencoder."
            : $"{where}: {property} is a setting of the autoencoder; move it into \"autoencoder\": {{ … }}.");
    }

    /// <summary>The architecture chosen, and by what.</summary>
    private Architecture ChosenArchitecture(out string chosenBy)
    {
        RunFileSetting setting = RunFileSetting.All.First(setting => setting.IsArchitecture);
        chosenBy = "the default";
        if (!given.TryGetValue(setting.Name, out Given entry)) return Architecture.All[0];
        chosenBy = entry.Origin;
        return Architecture.Find((string)ValueOf(setting, entry)!)!;
    }

    /// <summary>The value given, refused when it is of the wrong kind.</summary>
    private static JsonNode? ValueOf(RunFileSetting setting, Given entry)
    {
        JsonNode? value = entry.Words is { } words ? FromWords(setting, words) : entry.Value;
        bool right = value is null ? setting.Nullable : setting.Kind switch
        {
            SettingKind.Integer => IsInteger(value),
            SettingKind.Number => value.GetValueKind() == JsonValueKind.Number && double.IsFinite((double)value),
            SettingKind.Boolean => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
            SettingKind.Text => value.GetValueKind() == JsonValueKind.String,
            SettingKind.Choice =>
                value.GetValueKind() == JsonValueKind.String && setting.Choices.Contains((string)value!, StringComparer.Ordinal),
            SettingKind.Texts => value is JsonArray texts && texts.All(text => text?.GetValueKind() == JsonValueKind.String),
            _ => value is JsonArray numbers && numbers.All(number => number is not null && IsInteger(number)),
        };
        if (right) return value;
        bool isWord = setting.Kind == SettingKind.Choice && value?.GetValueKind() == JsonValueKind.String;
        string guess = isWord ? Spelling.DidYouMean((string)value!, setting.Choices) : "";
        throw new InputException($"{Say(setting, entry.Origin)} is {value?.ToJsonString() ?? "null"}; it must be "
            + $"{setting.Expected}.{guess}");
    }

    private static JsonNode? FromWords(RunFileSetting setting, IReadOnlyList<string> words)
    {
        string word = words.Count == 0 ? "true" : words[^1];
        return setting.Kind switch
        {
            SettingKind.Texts => new JsonArray([.. words.Select(text => (JsonNode)text)]),
            SettingKind.Integers => new JsonArray(
                [.. words.SelectMany(text => text.Split(',', StringSplitOptions.RemoveEmptyEntries))
                    .Select(text => Literal(setting, text))]),
            SettingKind.Text or SettingKind.Choice => word,
            _ => Literal(setting, word),
        };
    }

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.Ordinal);

    private static bool IsInteger(JsonNode value) =>
        value.GetValueKind() == JsonValueKind.Number && value.ToJsonString().AsSpan().TrimStart('-').IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>A word of the command line as a JSON literal; underscores may separate the digits of a number.</summary>
    private static JsonNode? Literal(RunFileSetting setting, string word)
    {
        string literal = setting.Kind == SettingKind.Boolean ? word : word.Trim().Replace("_", "", StringComparison.Ordinal);
        try
        {
            if (JsonNode.Parse(literal) is not { } value) return null;
            if (value.GetValueKind() is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False) return value;
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw new InputException($"{setting.Flag} is '{word}'; it must be {setting.Expected}.");
    }

    /// <summary>A setting as its user wrote it: the flag, or the file, line and name.</summary>
    private static string Say(RunFileSetting setting, string origin) => Same(origin, setting.Flag) ? origin : $"{origin}: {setting.Name}";

    private static string Line(byte[] utf8, long position) => $"line {utf8.AsSpan(0, (int)position).Count((byte)'\n') + 1}";

    private static string FirstLine(string message) =>
        message.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? message[..end] : message;
}
