using System.Text;
using Unweave.Characters;

namespace Unweave.Retrieval;

/// <summary>A word of a text.</summary>
/// <param name="term">The word folded (<see cref="FoldedText"/>) and stemmed, which the next word overwrites.</param>
/// <param name="start">Where the word begins in the text.</param>
/// <param name="length">How many UTF-16 units of the text it takes.</param>
internal readonly ref struct Word(ReadOnlySpan<char> term, int start, int length)
{
    public ReadOnlySpan<char> Term { get; } = term;

    public int Start { get; } = start;

    public int Length { get; } = length;
}

/// <summary>
/// The words of texts, for an index of words: what lies between two word boundaries of Unicode Standard Annex 29 and has a letter or a
/// digit. White space, punctuation and symbols are no words.
/// </summary>
/// <remarks>
/// In scripts without spaces (Han, hiragana, Thai, Lao, Khmer, Myanmar) each character is a term, and so is each two that follow one
/// another: single ones find whatever holds them, pairs put first what holds them together. A splitter is for one thread at a time.
/// </remarks>
/// <param name="stem">Whether "wings" and "wing" are one term (<see cref="EnglishPlural"/>).</param>
internal sealed class WordSplitter(bool stem = true)
{
    private readonly FoldedText folded = new();

    /// <summary>The words of a text, in order; <c>foreach</c> goes over them.</summary>
    /// <param name="text">The text.</param>
    public Words Split(ReadOnlySpan<char> text) => new(this, text);

    private static bool HasLetterOrDigit(ReadOnlySpan<char> segment)
    {
        foreach (Rune rune in segment.EnumerateRunes())
            if (Rune.IsLetter(rune) || Rune.IsNumber(rune)) return true;
        return false;
    }

    private ReadOnlySpan<char> TermOf(ReadOnlySpan<char> segment)
    {
        Span<char> term = folded.Fold(segment);
        return stem ? term[..EnglishPlural.Stem(term)] : term;
    }

    /// <summary>The words of one text.</summary>
    internal ref struct Words
    {
        private readonly WordSplitter splitter;
        private readonly ReadOnlySpan<char> text;
        private int end;          // of the segment read last
        private int pair = -1;    // where a pair begins that is to come before the next segment
        private int single = -1;  // where the character without spaces began that ended where the next segment begins

        public Words(WordSplitter splitter, ReadOnlySpan<char> text)
        {
            this.splitter = splitter;
            this.text = text;
        }

        public Word Current { get; private set; }

        public readonly Words GetEnumerator() => this;

        public bool MoveNext()
        {
            if (pair >= 0)
            {
                int first = pair;
                pair = -1;
                if (Take(first)) return true;
            }

            while (end < text.Length)
            {
                int start = end;
                end = WordBreaks.End(text, start);
                ReadOnlySpan<char> segment = text[start..end];
                _ = Rune.DecodeFromUtf16(segment, out Rune rune, out _);
                bool unspaced = WordBreaks.IsUnspacedLetter(rune);
                (pair, single) = unspaced ? (single, start) : (-1, -1);
                if ((unspaced || HasLetterOrDigit(segment)) && Take(start)) return true;
            }

            return false;
        }

        private bool Take(int start)
        {
            ReadOnlySpan<char> term = splitter.TermOf(text[start..end]);
            if (term.IsEmpty) return false;
            Current = new Word(term, start, end - start);
            return true;
        }
    }
}
