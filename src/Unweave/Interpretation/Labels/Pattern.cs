using System.Runtime.InteropServices;

namespace Unweave.Interpretation;

/// <summary>What a pattern asks of a place in a text. Words are whole words, however many pieces they have.</summary>
internal enum PatternKind
{
    /// <summary>A piece of this word is here.</summary>
    Word = 1,

    /// <summary>A form of this word is here.</summary>
    Lemma,

    /// <summary>A piece of this look is here.</summary>
    Shape,

    /// <summary>A word that begins with these letters is here.</summary>
    Begins,

    /// <summary>A word that ends in these letters is here.</summary>
    Ends,

    /// <summary>This piece is here, one of several of a word.</summary>
    Inside,

    /// <summary>A noun of this topic is here.</summary>
    Noun,

    /// <summary>A verb of this topic is here.</summary>
    Verb,

    /// <summary>A word of this closed class is here.</summary>
    Class,

    /// <summary>A word of this class is before it.</summary>
    AfterClass,

    /// <summary>A noun that is a kind of this is here.</summary>
    Kind,

    /// <summary>A word of this class is here, after this word.</summary>
    ClassAfter,

    /// <summary>This word is here, after a word of this class.</summary>
    WordAfterClass,

    /// <summary>A word of this class is here, after one of that class.</summary>
    ClassAfterClass,

    /// <summary>This word is here, in a text from this source.</summary>
    WordOf,

    /// <summary>A piece of this look is here, in a text from this source.</summary>
    ShapeOf,

    /// <summary>This word is before it, in a text from this source.</summary>
    AfterOf,

    /// <summary>A word of this closed class is here, in a text from this source.</summary>
    ClassOf,

    /// <summary>This word is before it.</summary>
    After,

    /// <summary>These two words are before it.</summary>
    AfterTwo,

    /// <summary>This word comes next.</summary>
    Before,

    /// <summary>These two words, the second here.</summary>
    Pair,

    /// <summary>These two words, the first here.</summary>
    PairNext,

    /// <summary>These three words, the third here.</summary>
    Triple,

    /// <summary>This word, any other, and this one here.</summary>
    Gap,

    /// <summary>A piece of this look is here, after this word.</summary>
    ShapeAfter,

    /// <summary>A noun of this topic is here, after this word.</summary>
    NounAfter,

    /// <summary>This word is anywhere in the text.</summary>
    Anywhere,

    /// <summary>A noun of this topic is anywhere in the text.</summary>
    AnywhereNoun,

    /// <summary>A noun that is a kind of this is anywhere in the text.</summary>
    AnywhereKind,

    /// <summary>These two words are anywhere in the text, one after the other.</summary>
    AnywherePair,

    /// <summary>The text is from this source.</summary>
    Source,
}

/// <summary>A pattern: what it asks, and the numbers of its words, in 64 bits.</summary>
/// <param name="Key">kind · 2⁵⁷ + a · 2³⁸ + b · 2¹⁹ + c.</param>
internal readonly record struct Pattern(ulong Key)
{
    /// <summary>Makes a pattern.</summary>
    public Pattern(PatternKind kind, int a, int b = 0, int c = 0)
        : this(
            ((ulong)kind << (3 * PatternWords.Bits)) | ((ulong)(uint)a << (2 * PatternWords.Bits)) | (
                (ulong)(uint)b << PatternWords.Bits) | (uint)c)
    {
    }

    /// <summary>What it asks.</summary>
    public PatternKind Kind => (PatternKind)(Key >> (3 * PatternWords.Bits));

    /// <summary>Whether it is about the text as a whole, not about the place where a latent fires.</summary>
    public bool Anywhere => Kind >= PatternKind.Anywhere;

    /// <summary>Whether it stands for words that share something: letters, a look, or a topic.</summary>
    public bool OfManyWords => Kind is PatternKind.Begins or PatternKind.Ends or PatternKind.Inside or PatternKind.Noun
        or PatternKind.Verb or PatternKind.Kind or PatternKind.NounAfter or PatternKind.AnywhereNoun or PatternKind.AnywhereKind;

    /// <summary>Whether it asks for texts of one source beside what it asks of a place.</summary>
    public bool IsOfSource => Kind is PatternKind.WordOf or PatternKind.ShapeOf or PatternKind.AfterOf or PatternKind.ClassOf;

    /// <summary>Its first number: a word, a part of one, a look or a topic.</summary>
    public int A => (int)(Key >> (2 * PatternWords.Bits)) & ((1 << PatternWords.Bits) - 1);

    /// <summary>Its second number.</summary>
    public int B => (int)(Key >> PatternWords.Bits) & ((1 << PatternWords.Bits) - 1);

    /// <summary>Its third number.</summary>
    public int C => (int)Key & ((1 << PatternWords.Bits) - 1);

    /// <summary>The patterns that a place matches, added to a list.</summary>
    public static void At(ReadOnlySpan<PieceTraits> spots, int at, int source, List<Pattern> found)
    {
        PieceTraits own = spots[at];
        if (own.Word == 0) return;
        found.Add(new Pattern(PatternKind.Word, own.Word));
        if (own.Lemma != 0) found.Add(new Pattern(PatternKind.Lemma, own.Lemma));
        if (own.Class != WordClass.None) found.Add(new Pattern(PatternKind.Class, (int)own.Class));
        if (source != 0)
        {
            found.Add(new Pattern(PatternKind.WordOf, own.Word, source));
            if (own.Class != WordClass.None) found.Add(new Pattern(PatternKind.ClassOf, (int)own.Class, source));
            if (own.Shape is not (PieceShape.None or PieceShape.Inside))
                found.Add(new Pattern(PatternKind.ShapeOf, (int)own.Shape, source));
        }

        if (own.Shape is not (PieceShape.None or PieceShape.Inside)) found.Add(new Pattern(PatternKind.Shape, (int)own.Shape));
        if (own.Noun != 0) found.Add(new Pattern(PatternKind.Noun, own.Noun));
        if (own.Verb != 0) found.Add(new Pattern(PatternKind.Verb, own.Verb));
        foreach (int kind in own.Kinds) found.Add(new Pattern(PatternKind.Kind, kind));
        WordParts parts = own.Parts;
        // The longest first: of letters that tell the same, those met first are chosen.
        Part(PatternKind.Begins, parts.First5);
        Part(PatternKind.Begins, parts.First4);
        Part(PatternKind.Begins, parts.First3);
        Part(PatternKind.Begins, parts.First2);
        Part(PatternKind.Ends, parts.Last5);
        Part(PatternKind.Ends, parts.Last4);
        Part(PatternKind.Ends, parts.Last3);
        Part(PatternKind.Ends, parts.Last2);
        Part(PatternKind.Inside, parts.Inside);

        int next = own.End < spots.Length ? spots[own.End].Word : 0;
        if (next != 0)
        {
            found.Add(new Pattern(PatternKind.Before, next));
            found.Add(new Pattern(PatternKind.PairNext, own.Word, next));
        }

        if (own.Start == 0) return;
        PieceTraits previous = spots[own.Start - 1];
        int before = previous.Word;
        if (before != 0)
        {
            found.Add(new Pattern(PatternKind.After, before));
            if (source != 0) found.Add(new Pattern(PatternKind.AfterOf, before, source));
            if (own.Class != WordClass.None) found.Add(new Pattern(PatternKind.ClassAfter, (int)own.Class, before));
            if (previous.Class != WordClass.None)
            {
                found.Add(new Pattern(PatternKind.AfterClass, (int)previous.Class));
                found.Add(new Pattern(PatternKind.WordAfterClass, own.Word, (int)previous.Class));
                if (own.Class != WordClass.None) found.Add(new Pattern(PatternKind.ClassAfterClass, (int)own.Class, (int)previous.Class));
            }

            found.Add(new Pattern(PatternKind.Pair, before, own.Word));
            if (own.Shape is not (PieceShape.None or PieceShape.Inside))
                found.Add(new Pattern(PatternKind.ShapeAfter, before, (int)own.Shape));
            if (own.Noun != 0) found.Add(new Pattern(PatternKind.NounAfter, before, own.Noun));
        }

        if (previous.Start == 0) return;
        int earlier = spots[previous.Start - 1].Word;
        if (earlier == 0) return;
        found.Add(new Pattern(PatternKind.Gap, earlier, own.Word));
        if (before == 0) return;
        found.Add(new Pattern(PatternKind.Triple, earlier, before, own.Word));
        found.Add(new Pattern(PatternKind.AfterTwo, earlier, before));

        void Part(PatternKind kind, int part)
        {
            if (part != 0) found.Add(new Pattern(kind, part));
        }
    }

    /// <summary>The patterns about the whole text that a place makes true.</summary>
    public static void Around(ReadOnlySpan<PieceTraits> spots, int at, List<Pattern> found)
    {
        PieceTraits own = spots[at];
        if (own.Shape == PieceShape.Punctuation || own.Word == 0 || own.Start != at) return;
        found.Add(new Pattern(PatternKind.Anywhere, own.Word));
        if (own.Noun != 0) found.Add(new Pattern(PatternKind.AnywhereNoun, own.Noun));
        foreach (int kind in own.Kinds) found.Add(new Pattern(PatternKind.AnywhereKind, kind));
        if (at > 0 && spots[at - 1] is { Word: not 0, Shape: not PieceShape.Punctuation } before && before.Word != own.Word)
            found.Add(new Pattern(PatternKind.AnywherePair, before.Word, own.Word));
    }

    /// <summary>All patterns that a text matches, sorted, each once.</summary>
    public static Pattern[] FindAll(ReadOnlySpan<PieceTraits> spots, int source)
    {
        var found = new List<Pattern>(spots.Length * 20);
        if (source != 0) found.Add(new Pattern(PatternKind.Source, source));
        for (int i = 0; i < spots.Length; i++)
        {
            At(spots, i, source, found);
            Around(spots, i, found);
        }

        Span<Pattern> all = CollectionsMarshal.AsSpan(found);
        MemoryMarshal.Cast<Pattern, ulong>(all).Sort();
        int kept = 0;
        for (int i = 0; i < all.Length; i++)
            if (i == 0 || all[i] != all[i - 1]) all[kept++] = all[i];
        return all[..kept].ToArray();
    }

    /// <summary>Whether it is among sorted patterns.</summary>
    public bool IsIn(ReadOnlySpan<Pattern> sorted) => MemoryMarshal.Cast<Pattern, ulong>(sorted).BinarySearch(Key) >= 0;

    /// <summary>What is subtracted from a pattern's worth: of two that tell the same, the plainer is chosen.</summary>
    public double Cost => Kind switch
    {
        PatternKind.Word => 0,
        PatternKind.Pair or PatternKind.PairNext => 0.01,
        PatternKind.Lemma => 0.005,
        PatternKind.WordOf => 0.015,
        PatternKind.Shape or PatternKind.Triple or PatternKind.Noun or PatternKind.Verb
            or PatternKind.Kind => 0.02,
        PatternKind.Class => 0.025,
        PatternKind.Begins or PatternKind.Ends or PatternKind.After or PatternKind.ShapeOf or PatternKind.ClassOf
            or PatternKind.Gap or PatternKind.WordAfterClass => 0.03,
        PatternKind.AfterTwo or PatternKind.AfterClass or PatternKind.AfterOf or PatternKind.ShapeAfter or PatternKind.NounAfter
            or PatternKind.Before or PatternKind.ClassAfter => 0.04,
        PatternKind.Inside or PatternKind.Anywhere => 0.05,
        _ => 0.06,
    };
}
