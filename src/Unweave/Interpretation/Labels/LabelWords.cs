namespace Unweave.Interpretation;

/// <summary>Says patterns in words.</summary>
internal sealed class LabelWords(PatternWords words, WordTopics topics)
{
    private const int WordsShown = 3;
    private const double WorthSaying = 0.05;

    /// <summary>
    /// A label: its patterns, those of one kind sharing its words (“whale”, “ship”; after “not”, “never”), and how many more patterns there
    /// are, with what they add. In a group those of one source come last, so that no word reads as another source.
    /// </summary>
    /// <param name="found">The patterns.</param>
    /// <param name="search">Tells which words they stand for.</param>
    public string Say(FoundPatterns found, PatternSearch search)
    {
        var groups = found.Shown.GroupBy(one => Lead(one.Pattern, search.OfWords), StringComparer.Ordinal);
        string label = string.Join("; ", groups.Select(group => group.Key + string.Join(", ",
            group.OrderBy(one => one.Pattern.IsOfSource).Select(one => Tail(one, search)).Distinct(StringComparer.Ordinal))));
        if (found.MoreCoverage >= WorthSaying) label += $", + {found.More.Count} more ({100 * found.MoreCoverage:0}%)";
        return label;
    }

    /// <summary>One pattern in words.</summary>
    public string Say(PatternHits one, PatternSearch search) => Lead(one.Pattern, search.OfWords) + Tail(one, search);

    // The group that a label names a pattern in, so that patterns of one kind share its words.
    private static string Lead(Pattern pattern, bool ofWords) => pattern.Kind switch
    {
        // Of a text that is one word, a pattern about the whole text is one about the word.
        PatternKind.Anywhere when ofWords => "",
        PatternKind.AnywhereNoun when ofWords => "words for ",
        PatternKind.AnywhereKind when ofWords => "kinds of ",
        PatternKind.Lemma => "forms of ",
        PatternKind.Begins => "words beginning with ",
        PatternKind.Ends => "words ending in ",
        PatternKind.Inside => "words that contain ",
        PatternKind.Noun => "words for ",
        PatternKind.Verb => "verbs of ",
        PatternKind.Kind => "kinds of ",
        PatternKind.AfterOf or PatternKind.After or PatternKind.AfterTwo or PatternKind.AfterClass => "after ",
        PatternKind.Before => "before ",
        PatternKind.ClassAfter or PatternKind.ClassAfterClass => WordClasses.Name((WordClass)pattern.A) + " after ",
        PatternKind.ShapeAfter => Shapes((PieceShape)pattern.B) + " after ",
        PatternKind.NounAfter => $"words for {WordTopics.Name(pattern.B)} after ",
        PatternKind.Anywhere or PatternKind.AnywherePair => "texts with ",
        PatternKind.AnywhereNoun => "texts about ",
        PatternKind.AnywhereKind => "texts with kinds of ",
        PatternKind.Source => "texts of ",
        _ => "",
    };

    private string Tail(PatternHits one, PatternSearch search)
    {
        Pattern pattern = one.Pattern;
        return pattern.Kind switch
        {
            PatternKind.Kind or PatternKind.AnywhereKind => $"{topics.KindName(pattern.A)} {Examples()}",
            PatternKind.ClassAfter => $"“{words.Text(pattern.B)}”",
            PatternKind.ClassAfterClass => WordClasses.Name((WordClass)pattern.B),
            PatternKind.WordAfterClass => $"“{words.Text(pattern.A)}” after {WordClasses.Name((WordClass)pattern.B)}",
            PatternKind.Class or PatternKind.AfterClass => WordClasses.Name((WordClass)pattern.A),
            PatternKind.ClassOf => WordClasses.Name((WordClass)pattern.A) + Source(),
            PatternKind.Shape => Shapes((PieceShape)pattern.A),
            PatternKind.ShapeOf => Shapes((PieceShape)pattern.A) + Source(),
            PatternKind.WordOf or PatternKind.AfterOf => $"“{words.Text(pattern.A)}”{Source()}",
            PatternKind.Begins => $"{words.Text(pattern.A)}- {Examples()}",
            PatternKind.Ends => $"-{words.Text(pattern.A)} {Examples()}",
            PatternKind.Inside => $"-{words.Text(pattern.A)}- {Examples()}",
            PatternKind.Noun or PatternKind.Verb or PatternKind.AnywhereNoun => $"{WordTopics.Name(pattern.A)} {Examples()}",
            PatternKind.Pair or PatternKind.PairNext or PatternKind.AnywherePair or PatternKind.AfterTwo =>
                $"“{words.Text(pattern.A)} {words.Text(pattern.B)}”",
            PatternKind.Triple => $"“{words.Text(pattern.A)} {words.Text(pattern.B)} {words.Text(pattern.C)}”",
            PatternKind.Gap => $"“{words.Text(pattern.A)} _ {words.Text(pattern.B)}”",
            _ => $"“{words.Text(pattern.A)}”",
        };

        string Source() => $" in “{words.Text(pattern.B)}”";

        // Of several forms of a word one is shown.
        string Examples() => $"({string.Join(", ", search.Words(one).Select(words.Text)
            .DistinctBy(word => topics.Lemma(word) ?? word, StringComparer.Ordinal).Take(WordsShown))})";
    }

    private static string Shapes(PieceShape shape) => shape switch
    {
        PieceShape.Number => "numbers",
        PieceShape.Capitalized => "capitalized words",
        PieceShape.Capitals => "words in capitals",
        PieceShape.Punctuation => "punctuation",
        _ => "line ends",
    };
}
