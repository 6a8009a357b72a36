using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>
/// Normalizes and cuts text as BERT does. The package has this too, but joins the words at a line's end, and takes accents off only
/// where the program has culture data; here the place in the original is kept as well.
/// </summary>
/// <param name="Clean">Whether control characters are dropped and every blank is a space.</param>
/// <param name="SeparateIdeographs">Whether every ideograph is a word.</param>
/// <param name="StripAccents">Whether letters lose their marks.</param>
/// <param name="Lower">Whether case is dropped.</param>
internal sealed record BertText(bool Clean, bool SeparateIdeographs, bool StripAccents, bool Lower)
{
    private const int HangulFirst =
        0xAC00, HangulLast = 0xD7A3, Leads = 0x1100, Vowels = 0x1161, Trails = 0x11A7, TrailCount = 28, VowelCount = 21;

    // Each group is a character and what it is with marks: the canonical decompositions below U+3100 to one character and marks.
    private const string Marked =
        "AÀÁÂÃÄÅĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶÅ CÇĆĈĊČḈ EÈÉÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆ IÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊ NÑŃŅŇǸṄṆṈṊ " +
        "OÒÓÔÕÖŌŎŐƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢ UÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ YÝŶŸȲẎỲỴỶỸ " +
        "aàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ cçćĉċčḉ eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ iìíîïĩīĭįǐȉȋḭḯỉị nñńņňǹṅṇṉṋ " +
        "oòóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự yýÿŷȳẏẙỳỵỷỹ DĎḊḌḎḐḒ dďḋḍḏḑḓ GĜĞĠĢǦǴḠ " +
        "gĝğġģǧǵḡ HĤȞḢḤḦḨḪ hĥȟḣḥḧḩḫẖ JĴ jĵǰ KĶǨḰḲḴK kķǩḱḳḵ LĹĻĽḶḸḺḼ lĺļľḷḹḻḽ RŔŖŘȐȒṘṚṜṞ rŕŗřȑȓṙṛṝṟ SŚŜŞŠȘṠṢṤṦṨ sśŝşšșṡṣṥṧṩ TŢŤȚṪṬṮṰ " +
        "tţťțṫṭṯṱẗ WŴẀẂẄẆẈ wŵẁẃẅẇẉẘ ZŹŻŽẐẒẔ zźżžẑẓẕ ÆǢǼ æǣǽ ƷǮ ʒǯ ØǾ øǿ ʹʹ ;\u037E " +
        "¨΅῁῭΅ ΑΆἈἉἊἋἌἍἎἏᾈᾉᾊᾋᾌᾍᾎᾏᾸᾹᾺΆᾼ ·\u0387 ΕΈἘἙἚἛἜἝῈΈ ΗΉἨἩἪἫἬἭἮἯᾘᾙᾚᾛᾜᾝᾞᾟῊΉῌ ΙΊΪἸἹἺἻἼἽἾἿῘῙῚΊ ΟΌὈὉὊὋὌὍῸΌ ΥΎΫὙὛὝὟῨῩῪΎ " +
        "ΩΏὨὩὪὫὬὭὮὯᾨᾩᾪᾫᾬᾭᾮᾯῺΏῼΩ ιΐίϊἰἱἲἳἴἵἶἷὶίιῐῑῒΐῖῗ αάἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ εέἐἑἒἓἔἕὲέ " +
        "ηήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ υΰϋύὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ οόὀὁὂὃὄὅὸό ωώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ ϒϓϔ ЕЀЁӖ ГЃ ІЇ КЌ ИЍЙӢӤ УЎӮӰӲ ийѝӣӥ еѐёӗ " +
        "гѓ ії кќ уўӯӱӳ ѴѶ ѵѷ ЖӁӜ жӂӝ АӐӒ аӑӓ ӘӚ әӛ ЗӞ зӟ ОӦ оӧ ӨӪ өӫ ЭӬ эӭ ЧӴ чӵ ЫӸ " +
        "ыӹ اآأإ وؤ يئ ەۀ ہۂ ےۓ नऩ रऱ ळऴ कक़ खख़ गग़ जज़ डड़ ढढ़ फफ़ यय़ ডড় ঢঢ় যয় ਲਲ਼ ਸਸ਼ ਖਖ਼ ਗਗ਼ ਜਜ਼ ਫਫ਼ \u0B47\u0B48 ଡଡ଼ ଢଢ଼ \u0CD5\u0CC0\u0CC7 " +
        "\u0CD6\u0CC8 \u0CC2\u0CCA \u0DD9\u0DDA གགྷ ཌཌྷ དདྷ བབྷ ཛཛྷ ཀཀྵ ဥဦ " +
        "\u1B35\u1B3B\u1B3D\u1B43 BḂḄḆ bḃḅḇ FḞ fḟ MḾṀṂ mḿṁṃ PṔṖ pṕṗ VṼṾ vṽṿ XẊẌ xẋẍ ſẛ ᾿῍῎῏ ῾῝῞῟ ρῤῥ ΡῬ `` ´´ \u2002\u2000 \u2003\u2001 " +
        "←↚ →↛ ↔↮ ⇐⇍ ⇔⇎ ⇒⇏ ∃∄ ∈∉ ∋∌ ∣∤ ∥∦ ∼≁ ≃≄ ≅≇ ≈≉ =≠ ≡≢ ≍≭ <≮ >≯ ≤≰ ≥≱ ≲≴ ≳≵ " +
        "≶≸ ≷≹ ≺⊀ ≻⊁ ⊂⊄ ⊃⊅ ⊆⊈ ⊇⊉ ⊢⊬ ⊨⊭ ⊩⊮ ⊫⊯ ≼⋠ ≽⋡ ⊑⋢ ⊒⋣ ⊲⋪ ⊳⋫ ⊴⋬ ⊵⋭ 〈〈 〉〉 ⫝⫝̸ かが きぎ くぐ けげ こご さざ しじ すず せぜ そぞ ただ ちぢ つづ てで とど はばぱ ひびぴ ふぶぷ " +
        "へべぺ ほぼぽ うゔ ゝゞ カガ キギ クグ ケゲ コゴ サザ シジ スズ セゼ ソゾ タダ チヂ ツヅ テデ トド ハバパ ヒビピ フブプ ヘベペ " +
        "ホボポ ウヴ ワヷ ヰヸ ヱヹ ヲヺ ヽヾ";

    private static readonly FrozenDictionary<char, char> Unmarked = Marked.Split(' ').SelectMany(
        group => group[1..].Select(c => (c, group[0]))).ToFrozenDictionary(pair => pair.c, pair => pair.Item2);

    /// <summary>Calls back for every word, with the place in the text of the character that each of its units comes from.</summary>
    public void Words(string text, WordAction action)
    {
        var word = new StringBuilder();
        var places = new List<(int From, int To)>();
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int start = at;
            at += rune.Utf16SequenceLength;
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            bool line = rune.Value is '\t' or '\n' or '\r';
            if (Clean && !line && (
                    rune.Value is 0 or 0xFFFD
                        || category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse))
                continue;
            if (StripAccents && category == UnicodeCategory.NonSpacingMark)
            {
                if (word.Length > 0) places[^1] = (places[^1].From, at);
                continue;
            }

            if (Rune.IsWhiteSpace(rune))
            {
                Flush();
                continue;
            }

            bool alone = Rune.IsPunctuation(rune) || (rune.IsAscii && Rune.IsSymbol(rune))
                || (SeparateIdeographs && IsIdeograph(rune.Value));
            if (alone) Flush();
            Append(rune, start);
            if (alone) Flush();
        }

        Flush();

        void Flush()
        {
            if (word.Length > 0) action(word.ToString(), places);
            word.Clear();
            places.Clear();
        }

        void Append(Rune rune, int start)
        {
            if (StripAccents && rune.Value is >= HangulFirst and <= HangulLast)
            {
                int syllable = rune.Value - HangulFirst, trail = syllable % TrailCount;
                Unit((char)(Leads + (syllable / (VowelCount * TrailCount))));
                Unit((char)(Vowels + (syllable / TrailCount % VowelCount)));
                if (trail > 0) Unit((char)(Trails + trail));
                return;
            }

            if (StripAccents && rune.IsBmp && Unmarked.TryGetValue((char)rune.Value, out char letter)) rune = new Rune(letter);
            if (Lower && rune.Value == '\u0130')
            {
                Unit('i');
                Unit('\u0307');
                return;
            }

            foreach (char unit in (Lower ? Rune.ToLowerInvariant(rune) : rune).ToString()) Unit(unit);

            void Unit(char unit)
            {
                word.Append(unit);
                places.Add((start, at));
            }
        }
    }

    private static bool IsIdeograph(int value) =>
        value is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF)
            or (>= 0x2A700 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);
}

/// <summary>Takes a word and the places of its units.</summary>
internal delegate void WordAction(string word, List<(int From, int To)> places);
