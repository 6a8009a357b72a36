using System.Collections.Frozen;

namespace Unweave.Interpretation;

/// <summary>Forms of the commonest English words that no rule makes.</summary>
internal static class IrregularForms
{
    private static readonly FrozenDictionary<string, string> Forms = new (string Form, string Others)[]
    {
        ("be", "is are was were been being am art"), ("have", "has had having hath hast"), ("do", "does did done doing doth"),
        ("go", "goes went gone going"), ("say", "said says saying saith"), ("make", "made makes making maketh"),
        ("come", "came comes coming cometh"), ("give", "gave given gives giving"), ("take", "took taken takes taking"),
        ("man", "men"), ("woman", "women"), ("child", "children"), ("foot", "feet"), ("know", "knew known knows knowing"),
        ("see", "saw seen sees seeing"), ("find", "found finds finding"), ("bring", "brought brings bringing"),
        ("speak", "spoke spake spoken speaks speaking"), ("think", "thought thinks thinking"), ("become", "became becomes becoming"),
        ("hold", "held holds holding"), ("keep", "kept keeps keeping"), ("write", "wrote written writes writing"),
        ("rise", "rose risen rises rising"), ("fall", "fell fallen falls falling"),
    }.SelectMany(entry => entry.Others.Split(' ').Append(entry.Form).Select(word => (Word: word, entry.Form)))
        .ToFrozenDictionary(entry => entry.Word, entry => entry.Form, StringComparer.Ordinal);

    /// <summary>The form that stands for all of a word in small letters; null where the word is none of them.</summary>
    public static string? Find(string word) => Forms.GetValueOrDefault(word);
}
