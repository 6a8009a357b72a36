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
    private const int MostCombinations = 1000;

    private readonly Dictionary<string, Given> given = new(StringComparer.Ordinal);
    private readonly bool several; // a sweep's: settings may be lists of values
    private readonly List<RunFileDraft> kinds = []; // of a sweep: the autoencoders, where there is a list of them

    /// <summary>A setting given: as JSON, or as the words of a flag, which are read once the architecture is known.</summary>
    private readonly record struct Given(JsonNode? Value, IReadOnlyList<string>? Words, string Origin);

    /// <summary>Starts with nothing given: every setting at its default.</summary>
    public RunFileDraft()
    {
    }

    private RunFileDraft(bool several) => this.several = several;

    /// <summary>Of a sweep's file: what it says of the sweep itself, and where; null where it says nothing.</summary>
    public (JsonNode? Value, string Origin)? Sweep { get; private set; }

    /// <summary>Starts with the settings of a run file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="InputException">It is not there or not a run file.</exception>
    public static RunFileDraft Open(string path) => Open(path, several: false);

    /// <summary>Starts with the settings of a sweep's file, each a value or a list of values.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="InputException">It is not there or not such a file.</exception>
    public static RunFileDraft OpenSweep(string path) => Open(path, several: true);

    private static RunFileDraft Open(string path, bool several)
    {
        try
        {
            return Parse(File.ReadAllText(path), path, several);
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
    /// <param name="several">Whether it is a sweep's, whose settings may be lists of values.</param>
    /// <exception cref="InputException">It is not a run file.</exception>
    public static RunFileDraft Parse(string json, string name, bool several = false)
    {
        ArgumentNullException.ThrowIfNull(json);
        byte[] utf8 = Encoding.UTF8.GetBytes(json.TrimStart('\uFEFF'));
        var reader = new Utf8JsonReader(utf8, Lenient);
        var draft = new RunFileDraft(several);
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

    /// <summary>
    /// Of a sweep's file: a draft for each combination of the values in its lists, the first list varying slowest, with the settings that
    /// make it another than the others.
    /// </summary>
    /// <param name="fixedSettings">Settings that are the same for all, so that a list of their values is refused.</param>
    /// <exception cref="InputException">A list is empty, or has a value twice.</exception>
    public IReadOnlyList<(RunFileDraft Draft, IReadOnlyList<KeyValuePair<string, JsonNode?>> Chosen)> Combinations(
        IReadOnlyCollection<string> fixedSettings)
    {
        if (kinds.Count == 0) return Combinations(fixedSettings, new HashSet<string>(StringComparer.Ordinal));
        var differing = kinds.SelectMany(kind => kind.given.Keys).Distinct(StringComparer.Ordinal)
            .Where(name => kinds.Select(kind => kind.given.TryGetValue(name, out Given entry) ? entry.Value?.ToJsonString() ?? "null" : "")
                .Distinct(StringComparer.Ordinal).Count() > 1)
            .ToHashSet(StringComparer.Ordinal);
        return [.. kinds.SelectMany(kind => kind.Over(this).Combinations(fixedSettings, differing))];
    }

    private List<(RunFileDraft, IReadOnlyList<KeyValuePair<string, JsonNode?>>)> Combinations(
        IReadOnlyCollection<string> fixedSettings, HashSet<string> telling)
    {
        List<(RunFileDraft Draft, IReadOnlyList<KeyValuePair<string, JsonNode?>> Chosen)> found = [(new RunFileDraft(), [])];
        foreach ((string name, Given entry) in given.OrderBy(pair => pair.Key is Architecture.Key ? 0 : 1)) // which is stable
        {
            bool isList = IsSeveral(name, entry.Value);
            if (isList && fixedSettings.Contains(name, StringComparer.Ordinal))
                throw new InputException($"{entry.Origin}: {name} is a list of several, but all autoencoders of a sweep have the same; "
                    + $"give one.");
            JsonNode?[] values = isList ? [.. (JsonArray)entry.Value!] : [entry.Value];
            if (values.Length == 0) throw new InputException($"{entry.Origin}: {name} is an empty list; give at least one value.");
            if (values.GroupBy(value => value?.ToJsonString() ?? "null", StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1)
                is { } twice)
                throw new InputException($"{entry.Origin}: {name} has {twice.Key} twice; leave one out.");
            bool tells = isList || telling.Contains(name);
            if ((long)found.Count * values.Length > MostCombinations)
                throw new InputException($"{entry.Origin}: the lists make more than {MostCombinations} combinations; make them shorter.");
            found =
            [
                .. found.SelectMany(one => values.Select(value =>
                {
                    var draft = new RunFileDraft();
                    foreach ((string known, Given before) in one.Draft.given) draft.given.Add(known, before);
                    draft.given.Add(name, entry with { Value = value });
                    IReadOnlyList<KeyValuePair<string, JsonNode?>> chosen = tells ? [.. one.Chosen, new(name, value)] : one.Chosen;
                    return (draft, chosen);
                })),
            ];
        }

        return found;
    }

    /// <summary>Whether a value is a list of values: of a setting that is a list itself, a list of lists.</summary>
    private static bool IsSeveral(string name, JsonNode? value)
    {
        bool listed = RunFileSetting.All.Any(setting => setting.IsCalled(name)
            && setting.Kind is (SettingKind.Texts or SettingKind.Integers));
        return value is JsonArray values && (!listed || (values.Count > 0 && values.All(one => one is JsonArray)));
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
                string[] owners = [.. named.Select(one => one.Architecture!)];
                string which = owners.Length == 1
                    ? $"the architecture {owners[0]}"
                    : $"the architectures {string.Join(", ", owners[..^1])} and {owners[^1]}";
                throw new InputException($"{Say(named.First(), entry.Origin)} belongs to {which}, but the architecture is "
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
            else if (several && !inAutoencoder && property is "sweep")
            {
                Sweep = (JsonNode.Parse(ref reader), where);
            }
            else if (several && !inAutoencoder && property is "autoencoder" && reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    var kind = new RunFileDraft(several: true);
                    kind.ReadObject(ref reader, utf8, name, inAutoencoder: true);
                    kinds.Add(kind);
                }

                if (reader.TokenType != JsonTokenType.EndArray || kinds.Count == 0)
                    throw new InputException($"{where}: a list of autoencoders holds objects, such as {{ \"architecture\": \"topk\", "
                        + $"\"k\": [16, 32] }}.");
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
        string guess = isWord ? Spelling.DidYouMean((string)value!, setting.Choices)
            : value is JsonArray ? " Lists of values are for `unweave sweep`." : "";
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
