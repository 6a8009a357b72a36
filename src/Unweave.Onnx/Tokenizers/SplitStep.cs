using System.Runtime.InteropServices;
using System.Text;

namespace Unweave.Onnx;

/// <summary>A text and the ranges of it that are still to be turned into tokens, each on its own.</summary>
/// <param name="Text">The text.</param>
/// <param name="Ranges">Ranges in order, none of them empty; what lies between them has been dropped.</param>
internal sealed record Words(AlignedText Text, List<(int Start, int End)> Ranges)
{
    /// <summary>All of a text as one word, or none of an empty one.</summary>
    public static Words Of(AlignedText text) => new(text, text.Length == 0 ? [] : [(0, text.Length)]);
}

/// <summary>One step of what tokenizers call pre-tokenising: words in, words out.</summary>
internal abstract class SplitStep
{
    public abstract Words Apply(Words words);
}

/// <summary>What becomes of the matches that a text is split by.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Splits by matches: every match is a part, and so is what lies between two.</summary>
internal abstract class MatchSplit(SplitBehavior behavior, bool invert) : SplitStep
{
    public sealed override Words Apply(Words words)
    {
        var ranges = new List<(int, int)>(words.Ranges.Count);
        var parts = new List<(int Start, int End, bool IsMatch)>();
        foreach ((int start, int end) in words.Ranges)
        {
            parts.Clear();
            int read = start;
            foreach ((int first, int last) in Matches(words.Text, start, end))
            {
                if (first > read) parts.Add((read, first, invert));
                parts.Add((first, last, !invert));
                read = last;
            }

            if (read < end) parts.Add((read, end, invert));
            Combine(parts, ranges);
        }

        return words with { Ranges = ranges };
    }

    /// <summary>The matches in a range, in order, none of them empty.</summary>
    protected abstract IEnumerable<(int Start, int End)> Matches(AlignedText text, int start, int end);

    private void Combine(List<(int Start, int End, bool IsMatch)> parts, List<(int Start, int End)> ranges)
    {
        int first = ranges.Count;
        for (int i = 0; i < parts.Count; i++)
        {
            (int start, int end, bool isMatch) = parts[i];
            if (behavior is SplitBehavior.Removed && isMatch) continue;
            bool joins = behavior switch
            {
                // Of several matches in a row, only the first belongs to what precedes it, and only the last to what follows.
                SplitBehavior.MergedWithPrevious => isMatch && i > 0 && !parts[i - 1].IsMatch,
                SplitBehavior.MergedWithNext => !isMatch && i > 0 && parts[i - 1].IsMatch,
                SplitBehavior.Contiguous => i > 0 && isMatch == parts[i - 1].IsMatch,
                _ => false,
            };
            if (joins && ranges.Count > first) CollectionsMarshal.AsSpan(ranges)[^1].End = end;
            else ranges.Add((start, end));
        }
    }
}

/// <summary>Splits by a regular expression.</summary>
internal sealed class PatternSplit(SplitPattern pattern, SplitBehavior behavior, bool invert) : MatchSplit(behavior, invert)
{
    protected override IEnumerable<(int Start, int End)> Matches(AlignedText text, int start, int end) => pattern.Matches(text, start, end);
}

/// <summary>Splits by a string.</summary>
internal sealed class LiteralSplit(string literal, SplitBehavior behavior, bool invert) : MatchSplit(behavior, invert)
{
    protected override IEnumerable<(int Start, int End)> Matches(AlignedText text, int start, int end)
    {
        for (int read = start; ; read += literal.Length)
        {
            int distance = text.Units[read..end].IndexOf(literal, StringComparison.Ordinal);
            if (distance < 0) yield break;
            read += distance;
            yield return (read, read + literal.Length);
        }
    }
}

/// <summary>Splits by characters of a kind: one match each, or a match for each run of them.</summary>
internal sealed class KindSplit(Func<Rune, bool> matches, bool runs, SplitBehavior behavior) : MatchSplit(behavior, invert: false)
{
    protected override IEnumerable<(int Start, int End)> Matches(AlignedText text, int start, int end)
    {
        for (int read = start; read < end;)
        {
            int first = read;
            while (read < end && matches(text.RuneAt(read)))
            {
                read += text.RuneAt(read).Utf16SequenceLength;
                if (!runs) break;
            }

            if (read > first) yield return (first, read);
            else read += text.RuneAt(read).Utf16SequenceLength;
        }
    }
}

/// <summary>Several steps, one after the other.</summary>
internal sealed class SplitSteps(IReadOnlyList<SplitStep> steps) : SplitStep
{
    public override Words Apply(Words words) => steps.Aggregate(words, (current, step) => step.Apply(current));
}

/// <summary>Blanks become a visible character, one is put before the text, and words start with it.</summary>
internal sealed class MetaspaceStep(char replacement, MetaspacePrefix prefix, bool split) : SplitStep
{
    public override Words Apply(Words words)
    {
        var output = new AlignedText.Builder(words.Text.Length + words.Ranges.Count);
        var ranges = new List<(int, int)>();
        AlignedText text = words.Text;
        foreach ((int start, int end) in words.Ranges)
        {
            int word = output.Length, origin = text.StartOf(start);
            bool prefixed = prefix is MetaspacePrefix.Always || (prefix is MetaspacePrefix.First && origin == 0);
            if (prefixed && text.Units[start] != ' ' && text.Units[start] != replacement) output.Add(replacement, origin, origin);
            for (int i = start; i < end; i++)
            {
                char unit = text.Units[i] == ' ' ? replacement : text.Units[i];
                if (split && unit == replacement && output.Length > word)
                {
                    ranges.Add((word, output.Length));
                    word = output.Length;
                }

                output.Add(unit, text.StartOf(i), text.EndOf(i));
            }

            ranges.Add((word, output.Length));
        }

        return new Words(output.ToText(), ranges);
    }
}

/// <summary>Where a metaspace is put before text that starts without one.</summary>
internal enum MetaspacePrefix
{
    Always,
    First,
    Never,
}

/// <summary>Words as bytes: every byte of the UTF-8 of a word becomes one visible character, which stands for the character it is a byte of.</summary>
internal sealed class ByteLevelStep(bool addPrefixSpace, bool split) : SplitStep
{
    public override Words Apply(Words words)
    {
        if (addPrefixSpace) words = Prefix(words);
        if (split) words = new PatternSplit(SplitPattern.Gpt2, SplitBehavior.Isolated, invert: false).Apply(words);

        AlignedText text = words.Text;
        var output = new AlignedText.Builder(text.Length + (text.Length / 8));
        var ranges = new List<(int, int)>(words.Ranges.Count);
        Span<byte> bytes = stackalloc byte[4];
        foreach ((int start, int end) in words.Ranges)
        {
            int word = output.Length;
            for (int i = start; i < end;)
            {
                Rune rune = text.RuneAt(i);
                int last = i + rune.Utf16SequenceLength - 1;
                foreach (byte part in bytes[..rune.EncodeToUtf8(bytes)]) output.Add(ByteAlphabet.ToUnit(part), text.StartOf(i), text.EndOf(last));
                i = last + 1;
            }

            ranges.Add((word, output.Length));
        }

        return new Words(output.ToText(), ranges);
    }

    private static Words Prefix(Words words)
    {
        var output = new AlignedText.Builder(words.Text.Length + words.Ranges.Count);
        var ranges = new List<(int, int)>(words.Ranges.Count);
        foreach ((int start, int end) in words.Ranges)
        {
            int word = output.Length, origin = words.Text.StartOf(start);
            if (words.Text.Units[start] != ' ') output.Add(' ', origin, origin);
            output.Copy(words.Text, start, end - start);
            ranges.Add((word, output.Length));
        }

        return new Words(output.ToText(), ranges);
    }
}
