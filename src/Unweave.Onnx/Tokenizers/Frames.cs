using System.Text.Json;

namespace Unweave.Onnx;

/// <summary>Finds the tokens around a text: what the tokenizer puts there, else what is named as such.</summary>
internal static class Frames
{
    /// <summary>
    /// From <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>; a byte-level tokenizer of which nothing is said starts with
    /// <c>&lt;|endoftext|&gt;</c>. No start is put where <c>add_bos_token</c> is false, or <c>bos_token</c> is null in so many words.
    /// </summary>
    public static TextFrame Configured(TokenizerSource source, Func<string, int?> id, bool byteLevel)
    {
        bool forbidden = source.Flag("add_bos_token") is false;
        int? start = forbidden ? null : Id("bos_token") ?? Id("cls_token");
        if (byteLevel && !forbidden && !source.Says("bos_token") && source.Token("cls_token") is null) start = id("<|endoftext|>");
        int? end = source.Flag("add_eos_token") is true ? Id("eos_token") : Id("sep_token");
        return new TextFrame(start, end, Id("pad_token"));

        int? Id(string name) => source.Token(name) is { } token ? id(token) : null;
    }

    /// <summary>As <see cref="Configured"/>, but what a post-processor puts around a text counts, and be it nothing.</summary>
    public static TextFrame Processed(JsonStep? step, TokenizerSource source, Func<string, int?> id, bool byteLevel)
    {
        TextFrame configured = Configured(source, id, byteLevel);
        if (Around(step, source.File) is not { } around) return configured;
        bool forbidden = around.Start is { } start && source.Flag("add_bos_token") is false && source.Token("bos_token") is { } named
            && id(named) == start;
        return configured with { Start = forbidden ? null : around.Start, End = around.End };
    }

    private static (int? Start, int? End)? Around(JsonStep? step, string file)
    {
        switch (step?.Type)
        {
            case null or "ByteLevel":
                return null;
            case "Sequence":
                return (step.Processors ?? []).Select(inner => Around(inner, file)).FirstOrDefault(found => found is not null);
            case "BertProcessing" or "RobertaProcessing":
                return (Pair(step.Cls), Pair(step.Sep));
            case "TemplateProcessing":
                return Template(step, file);
            default:
                throw new InputException($"{file} has the post-processor {step.Type}, which is not known here.");
        }

        int Pair(JsonElement[]? pair) =>
            pair is [_, { ValueKind: JsonValueKind.Number } number] && number.TryGetInt32(out int value)
                ? value
                : throw new InputException($"{file} has a post-processor {step.Type} that does not name its tokens; fetch it again.");
    }

    private static (int? Start, int? End) Template(JsonStep step, string file)
    {
        List<int> before = [], after = [];
        bool text = false;
        foreach (JsonElement piece in step.Single ?? [])
        {
            if (piece.TryGetProperty("Sequence", out _)) text = true;
            else if (piece.TryGetProperty("SpecialToken", out JsonElement special) && special.GetProperty("id").GetString() is { } name
                && step.SpecialTokens?.GetValueOrDefault(name) is { Ids: [int id] })
                (text ? after : before).Add(id);
            else throw new InputException($"{file} has a template around texts that cannot be followed: {piece}.");
        }

        if (before.Count > 1 || after.Count > 1)
        {
            throw new InputException($"{file} puts {before.Count} tokens before a text and {after.Count} after it; at most one each is "
                + "known here.");
        }

        return (before.Count == 1 ? before[0] : null, after.Count == 1 ? after[0] : null);
    }
}
