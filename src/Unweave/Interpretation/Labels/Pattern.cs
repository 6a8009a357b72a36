using System.Runtime.InteropServices;

namespace Unweave.Interpretation;

/// <summary>What a pattern asks of a place in a text.</summary>
internal enum PatternKind
{
    /// <summary>This piece is here.</summary>
    Piece = 1,

    /// <summary>A piece of this word is here.</summary>
    Word,

    /// <summary>A piece of this look is here.</summary>
    Shape,

    /// <summary>A word with this ending is here.</summary>
    Ending,

    /// <summary>A noun of this topic is here.</summary>
    Noun,

    /// <summary>A verb of this topic is here.</summary>
    Verb,

    /// <summary>This piece is before it.</summary>
    After,

    /// <summary>This piece comes next.</summary>
    Before,

    /// <summary>These two pieces, the second here.</summary>
    Pair,

    /// <summary>These three pieces, the third here.</summary>
    Triple,

    /// <summary>This piece, any other, and this one here.</summary>
    Gap,

    /// <summary>A piece of this look is here, after this piece.</summary>
    ShapeAfter,

    /// <summary>A noun of this topic is here, after this piece.</summary>
    NounAfter,

    /// <summary>This piece is here, and that one comes next.</summary>
    PieceBefore,

    /// <summary>A piece that starts with these letters is here.</summary>
    Starts,

    /// <summary>A piece that ends in these letters is here.</summary>
    Ends,

    /// <summary>These two pieces are before it.</summary>
    AfterTwo,

    /// <summary>This whole word, of several pieces, is before it.</summary>
    AfterWord,

    /// <summary>This word is anywhere in the text.</summary>
    Anywhere,

    /// <summary>A noun of this topic is anywhere in the text.</summary>
    AnywhereNoun,

    /// <summary>These two words are anywhere in the text, one after the other.</summary>
    AnywherePair,
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

    private int A => (int)(Key >> (2 * PatternWords.Bits)) & ((1 << PatternWords.Bits) - 1);

    private int B => (int)(Key >> PatternWords.Bits) & ((1 << PatternWords.Bits) - 1);

    private int C => (int)Key & ((1 << PatternWords.Bits) - 1);

    /// <summary>The patterns that a place matches, added to a list.</summary>
    public static void At(ReadOnlySpan<PieceTraits> spots, int at, List<Pattern> found)
    {
        PieceTraits own = spots[at];
        int before = at > 0 ? spots[at - 1].Piece : 0, next = at
            + 1 < spots.Length ? spots[at + 1].Piece : 0, earlier = at > 1 ? spots[at - 2].Piece : 0;
        if (own.Piece != 0) found.Add(new Pattern(PatternKind.Piece, own.Piece));
        if (own.Word != 0) found.Add(new Pattern(PatternKind.Word, own.Word));
        if (own.Shape != PieceShape.None) found.Add(new Pattern(PatternKind.Shape, (int)own.Shape));
        if (own.Ending != 0) found.Add(new Pattern(PatternKind.Ending, own.Ending));
        if (own.Noun != 0) found.Add(new Pattern(PatternKind.Noun, own.Noun));
        if (own.Verb != 0) found.Add(new Pattern(PatternKind.Verb, own.Verb));
        if (own.Starts != 0) found.Add(new Pattern(PatternKind.Starts, own.Starts));
        if (own.Ends != 0) found.Add(new Pattern(PatternKind.Ends, own.Ends));
        if (before != 0)
        {
            if (spots[at - 1].Word != 0 && spots[at - 1].Word != own.Word)
                found.Add(new Pattern(PatternKind.AfterWord, spots[at - 1].Word));
            found.Add(new Pattern(PatternKind.After, before));
            found.Add(new Pattern(PatternKind.Pair, before, own.Piece));
            if (own.Shape != PieceShape.None) found.Add(new Pattern(PatternKind.ShapeAfter, before, (int)own.Shape));
            if (own.Noun != 0) found.Add(new Pattern(PatternKind.NounAfter, before, own.Noun));
        }

        if (next != 0)
        {
            found.Add(new Pattern(PatternKind.Before, next));
            found.Add(new Pattern(PatternKind.PieceBefore, own.Piece, next));
        }

        if (earlier != 0)
        {
            found.Add(new Pattern(PatternKind.Triple, earlier, before, own.Piece));
            found.Add(new Pattern(PatternKind.Gap, earlier, own.Piece));
            found.Add(new Pattern(PatternKind.AfterTwo, earlier, before));
        }
    }

    /// <summary>The patterns about the whole text that a place makes true.</summary>
    public static void Around(ReadOnlySpan<PieceTraits> spots, int at, List<Pattern> found)
    {
        PieceTraits own = spots[at];
        if (own.Shape == PieceShape.Punctuation || own.Whole == 0) return;
        found.Add(new Pattern(PatternKind.Anywhere, own.Whole));
        if (own.Noun != 0) found.Add(new Pattern(PatternKind.AnywhereNoun, own.Noun));
        if (at > 0 && spots[at - 1].Whole is var before and not 0 && before != own.Whole && spots[at - 1].Shape != PieceShape.Punctuation)
            found.Add(new Pattern(PatternKind.AnywherePair, before, own.Whole));
    }

    /// <summary>All patterns that a text matches, sorted, each once.</summary>
    public static Pattern[] FindAll(ReadOnlySpan<PieceTraits> spots)
    {
        var found = new List<Pattern>(spots.Length * 20);
        for (int i = 0; i < spots.Length; i++)
        {
            At(spots, i, found);
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

    /// <summary>What is subtracted from a pattern's gain: of two that tell the same, the plainer is chosen.</summary>
    public double Cost => Kind switch
    {
        PatternKind.Piece or PatternKind.Word => 0,
        PatternKind.Pair or PatternKind.Ending or PatternKind.PieceBefore => 0.01,
        PatternKind.Shape or PatternKind.Triple or PatternKind.Noun or PatternKind.Verb or PatternKind.Before => 0.02,
        PatternKind.Anywhere => 0.05,
        PatternKind.AnywhereNoun or PatternKind.AnywherePair => 0.06,
        _ => 0.03,
    };

    /// <summary>The group that a label names it in, so that patterns of one kind share its words.</summary>
    public string Lead(PatternWords words) => Kind switch
    {
        PatternKind.Piece or PatternKind.Word or PatternKind.Pair or PatternKind.Triple or PatternKind.Gap => "",
        PatternKind.Shape => "",
        PatternKind.Ending => "words ending in ",
        PatternKind.Noun => "words for ",
        PatternKind.Verb => "verbs of ",
        PatternKind.After or PatternKind.AfterTwo or PatternKind.AfterWord => "after ",
        PatternKind.Starts => "word parts starting with ",
        PatternKind.Ends => "word parts ending in ",
        PatternKind.Before => "before ",
        PatternKind.ShapeAfter => Shapes((PieceShape)B) + " after ",
        PatternKind.NounAfter => $"words for {WordTopics.Name(B)} after ",
        PatternKind.PieceBefore => $"{Quoted(words.Text(A))} before ",
        PatternKind.Anywhere or PatternKind.AnywherePair => "texts with ",
        _ => "texts about ",
    };

    /// <summary>The pattern in words, without its lead.</summary>
    public string Tail(PatternWords words) => Kind switch
    {
        PatternKind.Shape => Shapes((PieceShape)A),
        PatternKind.Noun or PatternKind.Verb or PatternKind.AnywhereNoun => WordTopics.Name(A),
        PatternKind.Ending or PatternKind.Starts or PatternKind.Ends => words.Text(A),
        PatternKind.Pair or PatternKind.AnywherePair or PatternKind.AfterTwo => Quoted(Joined(words.Text(A), words.Text(B))),
        PatternKind.Triple => Quoted(Joined(Joined(words.Text(A), words.Text(B)), words.Text(C))),
        PatternKind.Gap => Quoted(words.Text(A) + " _ " + words.Text(B)),
        PatternKind.PieceBefore => Quoted(words.Text(B)),
        _ => Quoted(words.Text(A)),
    };

    private static string Quoted(string text) => $"“{text}”";

    private static string Joined(string first, string second) =>
        second.StartsWith(TextSpots.Continued) ? first + second[1..] : $"{first} {second}";

    private static string Shapes(PieceShape shape) => shape switch
    {
        PieceShape.Number => "numbers",
        PieceShape.Capitalized => "capitalised words",
        PieceShape.Capitals => "words in capitals",
        PieceShape.Punctuation => "punctuation",
        PieceShape.LineEnd => "line ends",
        _ => "later parts of words",
    };
}
