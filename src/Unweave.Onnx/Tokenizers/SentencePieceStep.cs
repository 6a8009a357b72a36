using System.Text;

namespace Unweave.Onnx;

/// <summary>How a SentencePiece model rewrites text before it looks for pieces.</summary>
internal sealed record SentencePieceStepOptions
{
    /// <summary>Rules for rewriting characters, or none.</summary>
    public CharacterMap? Map { get; init; }

    /// <summary>Whether a blank is put before the text, or after it, as <see cref="SpaceAsSuffix"/> says.</summary>
    public bool DummyPrefix { get; init; } = true;

    /// <summary>Whether blanks at the ends, and all but the first of several, are dropped.</summary>
    public bool RemoveExtraSpaces { get; init; } = true;

    /// <summary>Whether blanks are written as U+2581.</summary>
    public bool EscapeSpaces { get; init; } = true;

    /// <summary>Whether pieces end with a blank rather than start with one.</summary>
    public bool SpaceAsSuffix { get; init; }
}

/// <summary>Rewrites text the way SentencePiece does.</summary>
/// <param name="userDefined">Pieces that no rule touches, or null.</param>
/// <param name="options">What to do.</param>
internal sealed class SentencePieceStep(PrefixTable? userDefined, SentencePieceStepOptions options) : TextStep
{
    /// <summary>The visible blank.</summary>
    public const char Space = '\u2581';

    public override AlignedText Apply(AlignedText text)
    {
        char space = options.EscapeSpaces ? Space : ' ';
        var output = new AlignedText.Builder(text.Length + 1);
        byte[] utf8 = options.Map is null ? [] : Encoding.UTF8.GetBytes(text.Units.ToArray());
        bool afterSpace = options.RemoveExtraSpaces, began = false;
        int place = 0;
        for (int i = 0; i < text.Length;)
        {
            (int length, string? rewritten) = Next(text, i, utf8.AsSpan(Math.Min(place, utf8.Length)));
            int start = text.StartOf(i), end = text.EndOf(i + length - 1), from = i;
            if (options.Map is not null) place += Encoding.UTF8.GetByteCount(text.Units.Slice(i, length));
            i += length;

            ReadOnlySpan<char> units = rewritten is null ? text.Units.Slice(from, length) : rewritten;
            if (!began)
            {
                if (options.RemoveExtraSpaces && units is " ") continue;
                began = true;
                if (options.DummyPrefix && !options.SpaceAsSuffix) output.Add(space, start, start);
            }

            int skipped = 0;
            while (afterSpace && skipped < units.Length && units[skipped] == ' ') skipped++;
            for (int j = skipped; j < units.Length; j++)
            {
                char unit = units[j] == ' ' ? space : units[j];
                if (rewritten is null) output.Add(unit, text.StartOf(from + j), text.EndOf(from + j));
                else output.Add(unit, start, end);
            }

            if (skipped < units.Length) afterSpace = units[^1] == ' ';
            if (!options.RemoveExtraSpaces) afterSpace = false;
        }

        if (!began) return output.ToText();
        while (options.RemoveExtraSpaces && output.Length > 0 && output.Last == space) output.RemoveLast();
        if (options.DummyPrefix && options.SpaceAsSuffix) output.Add(space, text.EndOf(text.Length - 1), text.EndOf(text.Length - 1));
        return output.ToText();
    }

    /// <summary>How many units are read at once, and what they become where that is something else.</summary>
    private (int Length, string? Rewritten) Next(AlignedText text, int at, ReadOnlySpan<byte> utf8)
    {
        if (userDefined is not null && userDefined.Longest(text.Units[at..]).Length is > 0 and int given) return (given, null);
        if (options.Map is not null)
        {
            (int bytes, string replacement) = options.Map.Longest(utf8);
            if (bytes > 0) return (Encoding.UTF8.GetCharCount(utf8[..bytes]), replacement);
        }

        return (text.RuneAt(at).Utf16SequenceLength, null);
    }
}
