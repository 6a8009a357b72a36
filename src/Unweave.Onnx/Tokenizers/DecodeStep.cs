using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>One step from tokens to text. Text is what the last step leaves, one string after the other.</summary>
internal abstract class DecodeStep
{
    public abstract List<string> Apply(List<string> tokens);
}

/// <summary>Tokens are bytes in visible characters; one with a character that stands for no byte is the text it is.</summary>
internal sealed class ByteLevelDecoding : DecodeStep
{
    public override List<string> Apply(List<string> tokens)
    {
        var bytes = new MemoryStream();
        foreach (string token in tokens)
        {
            byte[] own = new byte[token.Length];
            int count = 0;
            while (count < token.Length && ByteAlphabet.TryToByte(token[count], out own[count])) count++;
            bytes.Write(count == token.Length ? own : Encoding.UTF8.GetBytes(token));
        }

        return [Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length)];
    }
}

/// <summary>Runs of tokens &lt;0x00&gt; to &lt;0xFF&gt; are the bytes of a text.</summary>
internal sealed class ByteFallbackDecoding : DecodeStep
{
    public override List<string> Apply(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        var bytes = new List<byte>();
        foreach (string token in tokens)
        {
            if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
                && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes.Add(value);
                continue;
            }

            Flush();
            output.Add(token);
        }

        Flush();
        return output;

        void Flush()
        {
            if (bytes.Count > 0) output.Add(Encoding.UTF8.GetString([.. bytes]));
            bytes.Clear();
        }
    }
}

/// <summary>Replaces a string in every token.</summary>
internal sealed class ReplaceDecoding(string pattern, string replacement) : DecodeStep
{
    public override List<string> Apply(List<string> tokens) => [.. tokens.Select(token => token.Replace(pattern, replacement, StringComparison.Ordinal))];
}

/// <summary>Makes one of all tokens.</summary>
internal sealed class FuseDecoding : DecodeStep
{
    public override List<string> Apply(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Drops up to so many of a character at the ends of every token.</summary>
internal sealed class StripDecoding(char character, int left, int right) : DecodeStep
{
    public override List<string> Apply(List<string> tokens) => [.. tokens.Select(Strip)];

    private string Strip(string token)
    {
        int start = 0, end = token.Length;
        while (start < end && start < left && token[start] == character) start++;
        while (end > start && token.Length - end < right && token[end - 1] == character) end--;
        return token[start..end];
    }
}

/// <summary>Visible blanks become blanks; those of the first token are left out where one was put before the text.</summary>
internal sealed class MetaspaceDecoding(char replacement, bool prefixed) : DecodeStep
{
    public override List<string> Apply(List<string> tokens) =>
        [.. tokens.Select((token, index) => token.Replace(replacement.ToString(), index == 0 && prefixed ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>Words have a blank between them, and continued ones their prefix dropped; cleaning takes back blanks that English does not have.</summary>
internal sealed class WordPieceDecoding(string prefix, bool clean) : DecodeStep
{
    private static readonly (string From, string To)[] Cleaning =
        [(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")];

    public override List<string> Apply(List<string> tokens) => [.. tokens.Select(Word)];

    private string Word(string token, int index)
    {
        string word = index == 0 ? token : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return clean ? Cleaning.Aggregate(word, (current, rule) => current.Replace(rule.From, rule.To, StringComparison.Ordinal)) : word;
    }
}

/// <summary>What marks the end of a word becomes a blank, but after the last token.</summary>
internal sealed class SuffixDecoding(string suffix) : DecodeStep
{
    public override List<string> Apply(List<string> tokens) =>
        [.. tokens.Select((token, index) => token.Replace(suffix, index == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
}

/// <summary>A blank between tokens: what there is where a tokenizer says nothing.</summary>
internal sealed class JoinDecoding : DecodeStep
{
    public override List<string> Apply(List<string> tokens) => [string.Join(' ', tokens)];
}
