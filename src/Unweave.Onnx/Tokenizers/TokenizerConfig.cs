namespace Unweave.Onnx;

/// <summary>What stands beside a vocabulary: <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>, where there are such.</summary>
internal sealed class TokenizerConfig
{
    public const string FileName = "tokenizer_config.json";

    public const string MapName = "special_tokens_map.json";

    /// <summary>What separates documents in GPT-2's training text, and so starts each of them.</summary>
    public const string EndOfText = "<|endoftext|>";

    private readonly JsonValueAt? config;
    private readonly JsonValueAt? map;

    public TokenizerConfig(string folder, SourceFiles files)
    {
        config = Open(FileName);
        map = Open(MapName);

        JsonValueAt? Open(string name)
        {
            string path = Path.Combine(folder, name);
            return File.Exists(path) ? JsonValueAt.Parse(files.Read(path), path) : null;
        }
    }

    /// <summary>A setting that is true or false, or null where nothing is said.</summary>
    public bool? Flag(string name) => config?.Optional(name)?.Flag();

    /// <summary>Whether something is said of a token, be it that there is none.</summary>
    public bool Mentions(string name) => config?.Mentioned(name) is not null || map?.Mentioned(name) is not null;

    /// <summary>How a token is written, such as that of <c>bos_token</c>, or null.</summary>
    public string? Token(string name)
    {
        JsonValueAt? value = config?.Mentioned(name) ?? map?.Optional(name);
        if (value is not { IsNull: false } token) return null;
        return token.IsObject ? token.Required("content").Text() : token.Text();
    }

    /// <summary>The tokens around a text.</summary>
    /// <param name="idOf">The id of a token, or null where there is no such.</param>
    /// <param name="start">What the tokenizer's own file says comes first, or null.</param>
    /// <param name="end">What it says comes last, or null.</param>
    /// <param name="padding">What it says fills, or null.</param>
    /// <param name="separated">Whether texts are separated by <see cref="EndOfText"/> where nothing is said.</param>
    public FrameTokens Frame(Func<string, int?> idOf, int? start, int? end, int? padding, bool separated)
    {
        if (start is null)
        {
            string? named = Token("bos_token");
            if (named is null && separated && !Mentions("bos_token")) named = EndOfText;

            // Not put there by the tokenizer: still the start of a text where it is what separated texts in training.
            if (Flag("add_bos_token") is not false || string.Equals(named, EndOfText, StringComparison.Ordinal)) start = Id(named);
        }

        if (Flag("add_eos_token") is true) end ??= Id(Token("eos_token"));
        return new FrameTokens(start, end, padding ?? Id(Token("pad_token")));

        int? Id(string? token) => token is null ? null : idOf(token);
    }

    /// <summary>The tokens around a text of a model that marks both its ends ([CLS] and [SEP]), where both are named and known.</summary>
    public (int? Start, int? End) Marks(Func<string, int?> idOf, string? cls = null, string? sep = null) =>
        (Token("cls_token") ?? cls) is { } first && (Token("sep_token") ?? sep) is { } last && idOf(first) is { } start && idOf(last) is { } end ? (start, end) : (null, null);
}
