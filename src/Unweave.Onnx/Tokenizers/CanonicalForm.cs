using System.Text;
using Unweave.Characters;

namespace Unweave.Onnx;

/// <summary>
/// Canonical decomposition (NFD) and composition (NFC) that keep track of the original text. The platform's own normalization
/// leaves text as it is when globalization is invariant, which would change the tokens without a word.
/// </summary>
internal static class CanonicalForm
{
    /// <summary>
    /// The text in NFD, or in NFC. What changes stands for the whole of the base character with its marks; what does not
    /// change keeps its place unit by unit.
    /// </summary>
    public static AlignedText Apply(AlignedText text, bool compose)
    {
        if (!text.Units.ContainsAnyInRange(NormalForm.FirstOfInterest, char.MaxValue)) return text;
        var output = new AlignedText.Builder(text.Length);
        var before = new List<int>();
        var after = new List<int>();
        for (int start = 0; start < text.Length;)
        {
            before.Clear();
            int end = start;
            do
            {
                Rune rune = text.RuneAt(end);
                before.Add(rune.Value);
                end += rune.Utf16SequenceLength;
            }
            while (end < text.Length && NormalForm.JoinsTheOneBefore(text.RuneAt(end).Value));

            after.Clear();
            foreach (int point in before) NormalForm.Decompose(point, compatibility: false, after);
            NormalForm.Order(after);
            if (compose) NormalForm.Compose(after);
            if (before.SequenceEqual(after)) output.Copy(text, start, end - start);
            else foreach (int point in after) output.Add(new Rune(point), text.StartOf(start), text.EndOf(end - 1));
            start = end;
        }

        return output.ToText();
    }
}
