using System.Text;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>Texts of many kinds, as people, programs and other machines write them.</summary>
internal static class DiverseTexts
{
    private static readonly string[] Prose =
    [
        "The quick brown fox jumps over the lazy dog.", "Hello, World! It's 12:45; we'll see, won't we?", "HELLO WORLD",
        "iPhone 15 Pro Max", "e.g. i.e. etc. Mr. O'Neill's A.B.C.", "don't DON'T Don'T I'LL i've he'd 'tis",
        "“Curly” ‘quotes’ — dashes – and … dots", "Straße Ärger Übung ß ẞ", "naïve café résumé Ångström", "Zażółć gęślą jaźń",
        "Příliš žluťoučký kůň", "El niño comió piñata ¿Qué? ¡Sí!", "İstanbul Iğdır ısı", "Ελληνικά ΑΣ ας Σίσυφος",
        "Съешь же ещё этих мягких французских булок", "Български Ѝ ѝ ё й", "Հայերեն լեզու", "ქართული ენა", "שלום עולם שָׁלוֹם",
        "مرحبا بالعالم", "السَّلَامُ عَلَيْكُمْ", "ﷺ ﷽ لا ﻻ", "فارسی می‌خواهم", "हिन्दी में लिखा हुआ पाठ", "क़ ख़ ग़ ज़ ड़ ढ़ फ़ य़",
        "\u0958\u0959\u095A\u095B", "বাংলা লেখা ড় ঢ়", "\u09DC\u09DD\u09DF", "ਪੰਜਾਬੀ ਸ਼ ਖ਼", "தமிழ் மொழி கொ", "తెలుగు భాష", "ಕನ್ನಡ",
        "മലയാളം", "සිංහල", "สวัสดีชาวโลก ภาษาไทยไม่มีช่องว่าง", "ການແປພາສາລາວ", "မြန်မာဘာသာ", "ភាសាខ្មែរ", "བོད་སྐད", "አማርኛ ቋንቋ",
        "日本語のテキストです。漢字とカタカナ", "ｱｲｳ ﾊﾟﾋﾟ ガギグ", "中文分词测试，没有空格。", "繁體中文測試「引號」", "한국어 텍스트 입니다", "한글 자모 ㄱㄴㄷ", "Tiếng Việt có dấu ế ệ ữ",
        "Yorùbá ẹ̀kọ́", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ᐃᓄᒃᑎᑐᑦ", "ⰀⰁⰂ 𐍈𐌰𐌹", "𒀀𒀁 𓀀𓀁", "𝓗𝓮𝓵𝓵𝓸 𝔸𝔹ℂ 𝟘𝟙", "Ｆｕｌｌ ｗｉｄｔｈ １２３",
    ];

    private static readonly string[] Marks =
    [
        "🙂", "🙂🙃🙂", "👍🏽 ok", "👩‍👩‍👧‍👦 family", "👨🏿‍💻", "🏳️‍🌈 flag", "🏴‍☠️", "🇩🇪🇫🇷🇯🇵", "❤️ ❤ ♥︎", "1️⃣2️⃣#️⃣",
        "🧑‍🤝‍🧑text🧑‍🤝‍🧑", "☃ ☂ ✓ ✗ → ⇒ ∀ ∃", "e\u0301 a\u0308 n\u0303", "\u0301", "\u0301\u0301\u0301", "a\u0301\u0327b",
        "a\u0327\u0301b", "q\u0308\u0331", "A\u030A \u212B Å", "o\u0308\u0304", "\u1100\u1161\u11A8 각", "\u0344 \u0374 \u1FEF",
        "x\u0338 =\u0338 <\u0338 >\u0338", "≠ ≮ ≯ i≠j", "\u2126 Ω \u212A K", "\u2000\u2001|\u2002", "\u0F73\u0F75", "\uFB1D\uFB2A",
        "\uF900\uFA0E 豈", "ﬁ ﬂ ﬀ ﬃ", "① ② ㈱ ㎝ Ⅷ ½ ² ₃", "™ ® © ℃ №", "\u00A0x\u00A0", "a\u200Bb\u200Cc\u200Dd\u2060e\uFEFFf",
        "\u202Ertl\u202C", "\u00ADsoft\u00ADhyphen", "\u3000全角\u3000", "\uFEFFbom", "\u2028line\u2029para", "\u0085nel", "\uFFFD\uFFFD",
        "\uE000\uF8FF private", "\U0010FFFF\U000E0001", "\U00020000字\U0002A6D6", "\U0001D173\U0001D17A",
    ];

    private static readonly string[] Code =
    [
        "def f(x):\n    return x ** 2\n", "    if x:\n        y = 1\n    else:\n        y = 2\n", "\tif (a && b) {\n\t\treturn;\n\t}\n",
        "for (int i = 0; i < n; i++) { sum += a[i]; }", "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 42); }",
        "SELECT * FROM users WHERE id = 1 AND name LIKE '%o''brien%';", "<div class=\"a b\"><p>Hi &amp; bye</p></div>",
        "{\"a\": [1, 2.5, null], \"b\": {\"c\": true}}", "https://example.org/path?q=1&r=%20a#frag",
        "foo@bar.com C:\\Users\\x /usr/bin/env", "x = {'a': 1, 'b': [2, 3]}  # comment", "let f = |x| -> Result<(), E> { Ok(()) };",
        "public async Task<int> RunAsync(CancellationToken cancellationToken = default) => await Task.FromResult(1);",
        "std::vector<std::unique_ptr<T>> v;", "0xFF 0b1010 1e-9 3.14159 1_000_000 -42 +7", "$HOME ${VAR:-x} `cmd` $(ls)",
        "a->b a::b a.b() !a ~b ^c", "snake_case camelCase PascalCase kebab-case SCREAMING_CASE", "<<<<<<< HEAD\n=======\n>>>>>>> b",
        "| a | b |\n|---|---|\n| 1 | 2 |\n", "```python\nprint('hi')\n```", "- [ ] todo\n- [x] done\n  * nested\n",
        "\\begin{equation} \\frac{a}{b} \\end{equation}", "if err != nil {\n\treturn nil, err\n}", "{{ template }} {% if %}",
        "/* comment */ // line", "\"\"\"doc\"\"\" '''doc'''", ")))}}}]]]", "((((((((", "a=b==c===d====e", "i++ + ++i",
        "print(f\"{x!r:>10}\")", "\u001b[31mred\u001b[0m", "^[a-z]+(?:\\d{1,3})$", "1. one\n2. two\n10. ten", "2024-01-31T23:59:59.999Z",
        "192.168.0.1:8080", "v1.2.3-rc.1+build.5", "€1.234,56 $1,234.56 £10 ¥500", "50% of 100‰",
    ];

    private static readonly string[] Control =
    [
        "", " ", "\n", "\t", "\r", "\r\n", "a\r\nb\r\n\r\nc", "a\rb", "a\n\n\nb", "\n\n\n\n", " \n \n ", "\t\t\tx", " \t \t x", "x   ",
        "   x", "\u0001\u0002\u0003", "a\u0007b\u0008c", "\u001F \u007F \u0080\u009F", "\v\f", "a\vb\fc", "line one \nline two \n",
        "tab\tseparated\tvalues\n1\t2\t3", "trailing\n", "\nleading", "mixed \t\r\n \u00A0 blanks",
    ];

    private static readonly string[] Special =
    [
        "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "<s>", "</s>", "<s>x</s>", "<unk>", "<pad>", "<bos>", "<eos>",
        "[CLS] a [SEP]", "[MASK]", "a [MASK] b", "[UNK][PAD]", "<|im_start|>user\nHi<|im_end|>\n", "<|begin_of_text|>x<|eot_id|>",
        "<|start_header_id|>system<|end_header_id|>\n\nHi", "<start_of_turn>user\nHi<end_of_turn>", "<think>x</think>", "<think>\u0338x",
        "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", "<unused0><unused1> x", "<0x41><0xE6>",
        "<|start|>assistant<|channel|>final<|message|>Hi<|return|>", "<｜User｜>Hi<｜Assistant｜>",
        "<｜begin▁of▁sentence｜>x<｜end▁of▁sentence｜>", "<|endoftext|", "|endoftext|>", "< |endoftext|>", "<|ENDOFTEXT|>", "[cls] [Sep]",
        "<h1>x</h1><table><tr><td>", "<tool_call>{}</tool_call>", "<|vision_start|><|image_pad|><|vision_end|>", "<mask>", "▁", "▁▁a",
        "a▁b", "Ġ Ċ Ġa",
    ];

    /// <summary>More than 300 texts.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Prose, .. Marks, .. Code, .. Control, .. Special, .. Runs(), .. Mixed()];

    // Of what tokens are made in several lengths, where a pair overlaps with itself.
    private static IEnumerable<string> Runs()
    {
        foreach (string one in (string[])["=", " ", "-", "\n", "\t", ".", "\"", "#", "a", "0", "🙂", "日", "ab", "=-"])
        {
            foreach (int times in (int[])[2, 3, 5, 7, 16, 31, 65])
            {
                string run = new StringBuilder().Insert(0, one, times).ToString();
                yield return run;
                yield return $"x{run}y";
            }
        }
    }

    private static IEnumerable<string> Mixed()
    {
        string[][] kinds = [Prose, Marks, Code, Control, Special];
        for (int i = 0; i < 60; i++) yield return string.Concat(kinds.Select((kind, k) => kind[((i * 7) + (k * 13)) % kind.Length]));
    }
}
