using System.Collections.Frozen;

namespace Unweave.Interpretation;

/// <summary>Classes of English words: the closed ones, of few words each, and the parts of speech, by the form of the word.</summary>
internal enum WordClass
{
    /// <summary>None of them.</summary>
    None,

    /// <summary>the, a, this, my, every …</summary>
    Determiner,

    /// <summary>of, in, by, with …</summary>
    Preposition,

    /// <summary>I, he, them, who …</summary>
    Pronoun,

    /// <summary>and, or, but, because …</summary>
    Conjunction,

    /// <summary>is, has, did, will, must …</summary>
    Auxiliary,

    /// <summary>A noun in the singular.</summary>
    Noun,

    /// <summary>A noun in the plural.</summary>
    PluralNoun,

    /// <summary>A verb in the present.</summary>
    Verb,

    /// <summary>A past form of a verb, or its participle.</summary>
    PastForm,

    /// <summary>The -ing form of a verb.</summary>
    IngForm,

    /// <summary>An adjective.</summary>
    Adjective,

    /// <summary>An adverb.</summary>
    Adverb,
}

/// <summary>Tells the class of a word.</summary>
internal static class WordClasses
{
    private static readonly FrozenDictionary<string, WordClass> Words = new (WordClass Class, string Words)[]
    {
        (WordClass.Determiner, "the a an this that these those my your his her its our their every each any some no all both another such "
            + "either neither thy thine"),
        (WordClass.Preposition, "of in to for with on at by from into upon about through over between against during without within under "
            + "among toward towards across behind beyond beneath above below beside besides near unto amid throughout"),
        (WordClass.Pronoun, "i you he she it we they me him us them who whom which what himself herself itself themselves myself thou thee "
            + "ye one ourselves yourself"),
        (WordClass.Conjunction, "and or but nor if because although though while whereas unless until since whether than as so yet when "
            + "where whenever wherever lest"),
        (WordClass.Auxiliary, "is are was were be been being am has have had having do does did will would shall should may might must can "
            + "could hath doth shalt wilt art hast"),
    }.SelectMany(entry => entry.Words.Split(' ').Select(word => (Word: word, entry.Class)))
        .ToFrozenDictionary(entry => entry.Word, entry => entry.Class, StringComparer.Ordinal);

    /// <summary>The closed class of a word in small letters; none where it is in no closed class.</summary>
    public static WordClass Closed(string word) => Words.GetValueOrDefault(word);

    /// <summary>The class in words.</summary>
    public static string Name(WordClass wordClass) => wordClass switch
    {
        WordClass.Determiner => "determiners",
        WordClass.Preposition => "prepositions",
        WordClass.Pronoun => "pronouns",
        WordClass.Conjunction => "conjunctions",
        WordClass.Auxiliary => "auxiliary verbs",
        WordClass.Noun => "singular nouns",
        WordClass.PluralNoun => "plural nouns",
        WordClass.Verb => "verbs",
        WordClass.PastForm => "past forms",
        WordClass.IngForm => "-ing forms",
        WordClass.Adjective => "adjectives",
        _ => "adverbs",
    };
}
