using System.Text.Json;
using System.Text.Json.Serialization;

namespace Unweave.Onnx;

/// <summary>The parts of <c>tokenizer.json</c>.</summary>
internal sealed record TokenizerJson(
    JsonModel Model, AddedToken[]? AddedTokens, JsonStep? Normalizer, JsonStep? PreTokenizer, JsonStep? PostProcessor);

/// <summary>The model: a vocabulary, and how words are cut into it.</summary>
internal sealed record JsonModel(
    string? Type,
    JsonElement Vocab,
    JsonElement? Merges,
    double? Dropout,
    string? UnkToken,
    string? ContinuingSubwordPrefix,
    string? EndOfWordSuffix,
    int? MaxInputCharsPerWord,
    bool? ByteFallback,
    bool? IgnoreMerges,
    bool? FuseUnk,
    int? UnkId);

/// <summary>A token that is looked for in a text before it is cut, or, when special, never found in a text.</summary>
internal sealed record AddedToken(int Id, string Content, bool Special, bool SingleWord, bool Lstrip, bool Rstrip, bool Normalized)
{
    /// <summary>A token without conditions.</summary>
    public static AddedToken Plain(int id, string content, bool special) => new(id, content, special, false, false, false, false);
}

/// <summary>A step before or after the model, with the settings of all types.</summary>
internal sealed record JsonStep(
    string Type,
    JsonStep[]? Normalizers,
    JsonStep[]? Pretokenizers,
    JsonStep[]? Processors,
    JsonPattern? Pattern,
    string? Behavior,
    bool? Invert,
    bool? AddPrefixSpace,
    bool? UseRegex,
    bool? IndividualDigits,
    bool? CleanText,
    bool? HandleChineseChars,
    bool? StripAccents,
    bool? Lowercase,
    string? Content,
    string? Prepend,
    string? Replacement,
    string? PrependScheme,
    bool? Split,
    bool? StripLeft,
    bool? StripRight,
    string? PrecompiledCharsmap,
    JsonElement[]? Single,
    Dictionary<string, JsonSpecialToken>? SpecialTokens,
    JsonElement[]? Cls,
    JsonElement[]? Sep);

/// <summary>What a step looks for.</summary>
internal sealed record JsonPattern(
    [property: JsonPropertyName("Regex")] string? Regex, [property: JsonPropertyName("String")] string? String);

/// <summary>The ids that a template puts where it names a special token.</summary>
internal sealed record JsonSpecialToken(int[] Ids);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = false)]
[JsonSerializable(typeof(TokenizerJson))]
[JsonSerializable(typeof(Dictionary<string, int>))]
[JsonSerializable(typeof(JsonDocument))]
internal sealed partial class TokenizerJsonContext : JsonSerializerContext;
