using System.Text;

namespace Unweave.Onnx;

/// <summary>One step of what a tokenizer calls normalising: text in, text out, each unit still tied to the original.</summary>
internal abstract class TextStep
{
    public abstract AlignedText Apply(AlignedText text);
}

/// <summary>Several steps, one after the other.</summary>
internal sealed class TextSteps(IReadOnlyList<TextStep> steps) : TextStep
{
    public override AlignedText Apply(AlignedText text) => steps.Aggregate(text, (current, step) => step.Apply(current));
}

/// <summary>NFC where it composes, NFD where it does not.</summary>
internal sealed class CanonicalStep(bool compose) : TextStep
{
    public override AlignedText Apply(AlignedText text) => CanonicalForm.Apply(text, compose);
}

/// <summary>Each character in lower case, whatever surrounds it.</summary>
internal sealed class LowerCaseStep : TextStep
{
    private const int CapitalDottedI = 0x130;

    public override AlignedText Apply(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            Rune rune = text.RuneAt(i);
            int start = text.StartOf(i);
            i += rune.Utf16SequenceLength;
            int end = text.EndOf(i - 1);

            // The one character whose lower case is two.
            if (rune.Value == CapitalDottedI) output.Add("i\u0307", start, end);
            else output.Add(Rune.ToLowerInvariant(rune), start, end);
        }

        return output.ToText();
    }
}

/// <summary>Leaves characters out.</summary>
internal sealed class RemovalStep(Func<Rune, bool> removed) : TextStep
{
    public override AlignedText Apply(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            Rune rune = text.RuneAt(i);
            if (!removed(rune)) output.Copy(text, i, rune.Utf16SequenceLength);
            i += rune.Utf16SequenceLength;
        }

        return output.ToText();
    }
}

/// <summary>Drops white space at the ends.</summary>
internal sealed class TrimStep(bool left, bool right) : TextStep
{
    public override AlignedText Apply(AlignedText text)
    {
        int start = 0, end = text.Length;
        while (left && start < end && char.IsWhiteSpace(text.Units[start])) start++;
        while (right && end > start && char.IsWhiteSpace(text.Units[end - 1])) end--;
        return text.Slice(start, end - start);
    }
}

/// <summary>Puts a string before any text that is not empty. It stands for nothing of the original.</summary>
internal sealed class PrependStep(string prefix) : TextStep
{
    public override AlignedText Apply(AlignedText text)
    {
        if (text.Length == 0) return text;
        var output = new AlignedText.Builder(text.Length + prefix.Length);
        output.Add(prefix, text.StartOf(0), text.StartOf(0));
        output.Copy(text, 0, text.Length);
        return output.ToText();
    }
}

/// <summary>Replaces each occurrence of a string; the replacement stands for the whole occurrence.</summary>
internal sealed class ReplaceStep(string pattern, string replacement) : TextStep
{
    public override AlignedText Apply(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        int read = 0;
        while (text.Units[read..].IndexOf(pattern, StringComparison.Ordinal) is >= 0 and int distance)
        {
            output.Copy(text, read, distance);
            read += distance;
            output.Add(replacement, text.StartOf(read), text.EndOf(read + pattern.Length - 1));
            read += pattern.Length;
        }

        if (read == 0) return text;
        output.Copy(text, read, text.Length - read);
        return output.ToText();
    }
}

/// <summary>What BERT does first: drop what cannot be seen, make white space blanks, and set ideographs apart.</summary>
internal sealed class BertCleaningStep(bool clean, bool separateIdeographs) : TextStep
{
    public override AlignedText Apply(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            Rune rune = text.RuneAt(i);
            int at = i, length = rune.Utf16SequenceLength;
            i += length;
            bool blank = rune.Value is '\t' or '\n' or '\r' || CharacterKinds.IsWhiteSpace(rune);
            if (clean && rune.Value is not ('\t' or '\n' or '\r') && (rune.Value is 0 or 0xFFFD || CharacterKinds.IsOther(rune))) continue;
            if (clean && blank)
            {
                output.Add(' ', text.StartOf(at), text.EndOf(at));
            }
            else if (separateIdeographs && CharacterKinds.IsBertIdeograph(rune))
            {
                output.Add(' ', text.StartOf(at), text.StartOf(at));
                output.Copy(text, at, length);
                output.Add(' ', text.EndOf(at), text.EndOf(at));
            }
            else
            {
                output.Copy(text, at, length);
            }
        }

        return output.ToText();
    }
}
