using System.IO.Compression;
using System.Text;
using CsCheck;
using Parquet;
using Parquet.Schema;
using Unweave.Data;

namespace Unweave.Tests.Data;

public sealed class TextCorpusTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_plain_file_is_one_document()
    {
        File.WriteAllText(folder["a.txt"], "Zwölf Boxkämpfer\r\n𝄞 jagen.\n");
        Assert.Equal([(0, new Document("a.txt", "Zwölf Boxkämpfer\r\n𝄞 jagen.\n"))], Read("a.txt"));
    }

    [Fact]
    public void A_folder_is_read_to_any_depth_in_ordinal_order()
    {
        Directory.CreateDirectory(folder["b/c"]);
        Directory.CreateDirectory(folder[".hidden"]);
        foreach (string name in new[]
        {
            "b/c/z.txt", "b.md", "a.txt", "B.text", "b/1.txt", ".hidden/h.txt", ".dot.txt", "picture.png", "b/a.json",
        })
            File.WriteAllText(folder[name], name);
        File.WriteAllText(folder["c.jsonl"], "{\"text\":\"first\"}\n\n{\"text\":\"third\",\"id\":\"own\"}\n");
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        Assert.Equal(
            [("B.text", "B.text"), ("a.txt", "a.txt"), ("b.md", "b.md"), ("b/1.txt", "b/1.txt"), ("b/c/z.txt", "b/c/z.txt"),
                ("c.jsonl:1", "first"), ("own", "third")],
            corpus.Documents().Select(found => (found.Document.Id, found.Document.Text)));
        Assert.Equal(Enumerable.Range(0, 7).Select(number => (long)number), corpus.Documents().Select(found => found.Number));
    }

    [Fact]
    public void A_pattern_and_several_paths_name_each_file_once()
    {
        foreach (string name in new[] { "1.txt", "2.txt", "3.log" }) File.WriteAllText(folder[name], name);
        TextCorpus corpus = TextCorpus.Open([folder["3.log"], folder["*.txt"], folder.Path]);
        Assert.Equal(["3.log", "1.txt", "2.txt"], corpus.Documents().Select(found => found.Document.Id), StringComparer.Ordinal);
        Assert.Equal([folder["3.log"], folder["1.txt"], folder["2.txt"]], corpus.Files);
        Assert.Equal(15, corpus.Bytes);
    }

    [Fact]
    public void JSON_lines_have_their_own_ids_or_the_number_of_the_line()
    {
        File.WriteAllText(folder["a.ndjson"],
            "{\"text\":\"a\\u00e9\\ud834\\udd1e\\n\",\"id\":\"x\"}\r\n  "
            + "\n{\"id\":17,\"text\":\"b\"}\n{\"n\":[{\"text\":1}],\"text\":\"c\",\"id\":null}");
        Assert.Equal([(0, new("x", "aé𝄞\n")), (1, new("17", "b")), (2, new("4", "c"))], Read("a.ndjson"));
        File.WriteAllText(folder["b.jsonl"], "{\"text\":1,\"body\":\"here\"}\n");
        Assert.Equal([(0, new("1", "here"))], Read("b.jsonl", "body"));
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}\n{\"text\":\"b\"", "line 2 is not well-formed JSON")]
    [InlineData("{\"text\":\"a\"}\nnope\n", "line 2 is not well-formed JSON")]
    [InlineData("\n\n{\"text\":\"a\"} x\n", "line 3 is not well-formed JSON")]
    [InlineData("{\"txt\":\"a\",\"id\":1}\n", "line 1 has no field 'text'; it has 'txt', 'id'")]
    [InlineData("{\"text\":5}\n", "line 1 has a number in the field 'text'")]
    [InlineData("{\"text\":{}}\n", "line 1 has an object in the field 'text'")]
    [InlineData("[\"text\"]\n", "line 1 is an array where an object is due")]
    public void A_bad_line_of_JSON_is_named(string content, string expected)
    {
        File.WriteAllText(folder["a.jsonl"], content);
        PassedOver("a.jsonl", expected, """{"text":"good"}""");
    }

    [Fact]
    public void A_line_nested_without_end_is_refused()
    {
        File.WriteAllText(folder["a.jsonl"], $"{{\"text\":\"a\",\"deep\":{new string('[', 100_000)}");
        PassedOver("a.jsonl", "line 1 is not well-formed JSON", """{"text":"good"}""");
    }

    [Fact]
    public void Quoted_fields_hold_delimiters_quotes_and_line_breaks()
    {
        File.WriteAllText(folder["a.csv"],
            "id,text,n\r\n7,\"one, \"\"two\"\"\r\nthree\",x\r\n8,plain \"quote\" inside,\n9,\"\",y\r10,\"end\",z");
        Assert.Equal([(0, new("7", "one, \"two\"\r\nthree")), (1, new("8", "plain \"quote\" inside")), (3, new("10", "end"))],
            Read("a.csv"));
    }

    [Fact]
    public void A_table_without_ids_gives_the_line_a_record_begins_on()
    {
        File.WriteAllText(folder["a.tsv"], "body\ttext\nx\t\"1\n2\"\n\ny\t3\n");
        Assert.Equal([(0, new("2", "1\n2")), (1, new("5", "3"))], Read("a.tsv"));
        Assert.Equal([(0, new("2", "x")), (1, new("5", "y"))], Read("a.tsv", "body"));
        File.WriteAllText(folder["one.csv"], "anything\na\n\nb\n");
        Assert.Equal([(0, new("2", "a")), (2, new("4", "b"))], Read("one.csv"));
    }

    // Whatever a field holds, written by the rules of RFC 4180, comes back.
    [Fact]
    public void Any_fields_come_back_from_CSV()
    {
        Gen<string> field = Gen.Char["ab,\"\n\r\t é𝄞x"[0..9]].Array[0, 8].Select(chars => "t" + new string(chars));
        field.Array[1, 20].Sample(texts =>
        {
            string path = folder[$"any-{Environment.CurrentManagedThreadId}.csv"];
            File.WriteAllText(path,
                "text,other\n"
                    + string.Concat(
                        texts.Select((text, i) =>
                            $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\",{(i % 2 == 0 ? "\"a\nb\"" : "")}\r\n")));
            Assert.Equal(texts, TextCorpus.Open(path).Documents().Select(found => found.Document.Text), StringComparer.Ordinal);
        }, iter: 300);
    }

    [Theory]
    [InlineData("text,b\nx,y\nz\n", "the record on line 3 has 1 field where the header has 2")]
    [InlineData("text,b\n\"x\n\n\",y\nz,1,2\n", "the record on line 5 has 3 fields where the header has 2")]
    [InlineData("text,b\n\"x\ny\"z,1\n", "the record on line 2 has 'z' after closing quotes on line 3 (they open on line 2)")]
    public void A_bad_record_is_named(string content, string expected)
    {
        File.WriteAllText(folder["a.csv"], content);
        PassedOver("a.csv", expected, "good,1");
    }

    [Theory]
    [InlineData("text,b\nx,y\n\"z,1\n2\n", "the quotes that open on line 3 are never closed")]
    [InlineData("a,b\nx,y\n", "which column is the text? None is named 'text'; it has 'a', 'b'")]
    [InlineData("text,text\nx,y\n", "two columns are named 'text'")]
    [InlineData("\nx,y\n", "has no header")]
    [InlineData("", "has no header")]
    public void A_bad_table_is_named(string content, string expected)
    {
        File.WriteAllText(folder["a.csv"], content);
        Refused("a.csv", expected);
    }

    [Fact]
    public void A_column_that_is_not_there_is_named()
    {
        File.WriteAllText(folder["a.csv"], "text,b\nx,y\n");
        Refused("a.csv", "no column is named 'c'; it has 'text', 'b'", "c");
        File.WriteAllText(folder["a.jsonl"], "{\"text\":\"a\"}\n");
        Refused("a.jsonl", "line 1 has no field 'c'", "c");
        File.WriteAllLines(folder["a.jsonl"], Enumerable.Repeat("{\"text\":\"a\"}", 1000));
        Refused("a.jsonl", "name the field of the text, or mend the line. None of the first 51 documents can be read.", "c");
        WriteParquet("a.parquet", ["x"]);
        Refused("a.parquet", "no column of strings is named 'c'; it has 'text'", "c");
    }

    [Fact]
    public void Parquet_rows_are_documents_and_NULL_is_an_empty_one()
    {
        WriteParquet("a.parquet", ["one", null], ["", "vier ✓"]);
        TextCorpus corpus = TextCorpus.Open(folder["a.parquet"]);
        Assert.Equal([(0, new("0", "one")), (3, new("3", "vier ✓"))], corpus.Documents());
        Assert.Equal(2, corpus.EmptyDocuments);
        Assert.Equal([(3, new("3", "vier ✓"))], corpus.Documents(2));
    }

    // Formats/golden/duckdb-*.parquet of ParquetFileTests: 300 rows, id = i, t = 'text ' || (i % 10) but NULL where i % 7 = 0.
    [Fact]
    public void Parquet_of_another_writer_has_its_ids()
    {
        TextCorpus corpus = TextCorpus.Open(Formats.TestFiles.Golden("duckdb-zstd.parquet"));
        Assert.Equal(Enumerable.Range(0, 300).Where(i => i % 7 != 0).Select(i => ((long)i, new Document($"{i}", $"text {i % 10}"))),
            corpus.Documents());
    }

    [Fact]
    public void Every_format_is_read_from_gzip()
    {
        File.WriteAllText(folder["a.txt"], "plain");
        File.WriteAllText(folder["b.jsonl"], "{\"text\":\"lines\"}\n");
        File.WriteAllText(folder["c.csv"], "text\ncomma\n");
        File.WriteAllText(folder["d.tsv"], "text\ttab\nx\ty\n");
        WriteParquet("e.parquet", ["column"]);
        string[] plain = [.. TextCorpus.Open(folder.Path).Documents().Select(found => found.Document.Text)];
        foreach (string path in Directory.GetFiles(folder.Path))
        {
            File.WriteAllBytes($"{path}.gz", Gzip(File.ReadAllBytes(path)));
            File.Delete(path);
        }

        Assert.Equal(["plain", "lines", "comma", "x", "column"], plain);
        Assert.Equal(plain, TextCorpus.Open(folder.Path).Documents().Select(found => found.Document.Text), StringComparer.Ordinal);
    }

    [Fact]
    public void Zstandard_is_read_and_a_cut_or_damaged_file_is_refused()
    {
        byte[] whole = Zstandard(Encoding.UTF8.GetBytes(
            string.Join('\n', Enumerable.Range(0, 300).Select(i => $"{{\"text\":\"{i * 7919 % 1000}\"}}"))));
        File.WriteAllBytes(folder["a.jsonl.zst"], whole);
        File.WriteAllBytes(folder["b.txt.zstd"], Zstandard("plain"u8.ToArray()));
        Assert.Equal(301, TextCorpus.Open(folder.Path).Documents().Count());
        for (int length = 1; length < whole.Length; length++)
        {
            File.WriteAllBytes(folder["a.jsonl.zst"], whole[..length]);
            Refused("a.jsonl.zst", "");
        }

        File.WriteAllText(folder["a.jsonl.zst"], "{\"text\":\"not packed\"}");
        Refused("a.jsonl.zst", "cannot be unpacked as zstd");
        File.WriteAllBytes(folder["a.jsonl"], whole);
        Refused("a.jsonl", "give its name the ending .zst");
    }

    [Fact]
    public void A_folder_names_the_texts_that_it_leaves_out()
    {
        foreach (string name in new[] { "a.txt", "b.jsonl.xz", "c.csv.bz2", "picture.png.xz" }) File.WriteAllText(folder[name], "text");
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        Assert.Single(corpus.Documents());
        Assert.Equal([folder["b.jsonl.xz"], folder["c.csv.bz2"]], corpus.LeftOut);
    }

    [Fact]
    public void Half_an_escaped_character_is_read_as_U_FFFD_and_counted()
    {
        File.WriteAllText(folder["a.jsonl"], """
            {"text":"good \ud83d\ude00 \\ud83d"}
            {"text":"bad \ud83d"}
            {"text":"worse \ude00\uD83D\ud83d\ude00"}
            """);
        TextCorpus corpus = TextCorpus.Open(folder["a.jsonl"]);
        Assert.Equal(["good 😀 \\ud83d", "bad \ufffd", "worse \ufffd\ufffd😀"], corpus.Documents().Select(found => found.Document.Text),
            StringComparer.Ordinal);
        Assert.Equal(2, corpus.MendedDocuments);
    }

    [Fact]
    public void Texts_beside_rows_keep_those_of_nothing_but_white_space()
    {
        File.WriteAllText(folder["a.jsonl"], "{\"text\":\"one\"}\n{\"text\":\"\"}\n{\"text\":\"three\"}\n");
        Assert.Equal(["one", "", "three"], TextCorpus.Open(folder["a.jsonl"]).Texts(), StringComparer.Ordinal);
    }

    [Fact]
    public void Plain_text_beside_rows_has_a_text_a_line_and_of_several_files_each_is_one()
    {
        File.WriteAllText(folder["words.txt"], "one\n\nthree\r\nfour");
        TextCorpus words = TextCorpus.Open(folder["words.txt"]);
        Assert.Equal(["one", "", "three", "four"], words.Texts(), StringComparer.Ordinal);
        Assert.Single(words.Documents());
        File.WriteAllText(folder["more.txt"], "five\nsix\n");
        Assert.Equal(["five\nsix\n", "one\n\nthree\r\nfour"], TextCorpus.Open(folder["*.txt"]).Texts(), StringComparer.Ordinal);
    }

    // One that is skipped would put all after it beside the rows of others.
    [Theory]
    [InlineData("a.jsonl", "{\"text\":\"one\"}\n{\"text\":2}\n{\"text\":\"three\"}\n", "line 2 has a number")]
    [InlineData("a.jsonl", "{\"text\":\"one\"}\n{\"text\":\"\u00e9\"}\n{\"text\":\"three\"}\n", "line 2 is not UTF-8")]
    [InlineData("a.csv", "text,n\none,1\ntwo\nthree,3\n", "the record on line 3 has 1 field")]
    [InlineData("a.txt", "one\n\u00e9\n", "is not UTF-8")]
    public void Texts_beside_rows_are_refused_for_one_that_cannot_be_read(string name, string content, string expected)
    {
        File.WriteAllText(folder[name], content, Encoding.Latin1);
        TextCorpus corpus = TextCorpus.Open(folder[name]);
        if (!name.EndsWith(".txt", StringComparison.Ordinal)) Assert.Equal(2, corpus.Documents().Count());
        string message = Formats.TestFiles.Refused(folder[name], () => Array.ForEach([.. corpus.Texts()], Assert.NotNull));
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_is_passed_over_named_counted_once_and_has_a_number()
    {
        File.WriteAllBytes(folder["a.jsonl"],
        [
            .. "{\"text\":\"1\"}\nnot JSON\n{\"text\":3}\n{\"body\":\"4\"}\n{\"text\":\"5 "u8, 0xE9, 0xE9,
            .. "\"}\r\n{\"text\":\"6\"}\n{\"text\":\"7\"}\n{\"text\":\"8\"}\n"u8,
        ]);
        File.WriteAllBytes(folder["b.tsv"],
        [
            .. "id\ttext\none\t1\r\n"u8, 0xFF, .. "\t2\r\nthree\t\"3\"x\t\r\nfour\t\"4\n\""u8, 0xC3,
            .. "\nfive\t5\nsix\t6\t6\n"u8,
        ]);
        File.WriteAllBytes(folder["c.txt"], [(byte)'c', 0xC3]);
        foreach (string name in new[] { "d.txt", "e.txt", "f.txt" }) File.WriteAllText(folder[name], name[..1]);
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        (long, Document)[] due =
        [
            (0, new("a.jsonl:1", "1")), (5, new("a.jsonl:6", "6")), (6, new("a.jsonl:7", "7")), (7, new("a.jsonl:8", "8")),
            (8, new("one", "1")), (12, new("five", "5")), (15, new("d.txt", "d")), (16, new("e.txt", "e")),
            (17, new("f.txt", "f")),
        ];
        for (int pass = 0; pass < 2; pass++)
        {
            Assert.Equal(due, corpus.Documents());
            Assert.Equal((9, 0), (corpus.MalformedDocuments, corpus.EmptyDocuments));
        }

        Assert.Equal(
        [
            "a.jsonl: line 2 is not well-formed JSON (at byte 2 of the line); the file is cut short, or not JSON lines.",
            "a.jsonl: line 3 has a number in the field 'text' where text is due; name the field of the text, or mend the line.",
            "a.jsonl: line 4 has no field 'text'; it has 'body'; name the field of the text, or mend the line.",
            "a.jsonl: line 5 is not UTF-8 text: byte 57 is 0xE9",
            "b.tsv: the record on line 3 is not UTF-8 text: byte 15 is 0xFF",
            "b.tsv: the record on line 4 has 'x' after closing quotes on line 4 (they open on line 4); a quote inside a quoted field is "
                + "written twice.",
            "b.tsv: the record on line 5 is not UTF-8 text: byte 42 is 0xC3",
            "b.tsv: the record on line 8 has 3 fields where the header has 2; quote fields that hold the delimiter or a line break.",
            "c.txt: is not UTF-8 text: byte 1 is 0xC3",
        ], corpus.Malformed.Select(fault => Path.GetRelativePath(folder.Path, fault).Split("; convert it")[0]), StringComparer.Ordinal);
        for (int from = 0; from < 19; from++)
            Assert.Equal(due.Where(found => found.Item1 >= from), TextCorpus.Open(folder.Path).Documents(from));
        Assert.Equal([9, 10, 11, 13, 14], corpus.MalformedFrom(5));
    }

    [Fact]
    public void A_corpus_of_which_most_cannot_be_read_is_refused_with_the_first_reason()
    {
        Write(good: 50, bad: 50, more: 5000);
        Assert.Equal(5050, Read("a.jsonl").Count);
        Write(good: 49, bad: 51, more: 5000);
        Refused("a.jsonl", "line 50 is not well-formed JSON (at byte 2 of the line); the file is cut short, or not JSON lines. "
            + "51 of the first 100 documents cannot be read.");
        Write(good: 3, bad: 4, more: 0);
        Refused("a.jsonl", "4 of the first 7 documents cannot be read.");
        Write(good: 3, bad: 3, more: 0);
        Assert.Equal(3, Read("a.jsonl").Count);

        // Begun behind them, the first are not seen again: what is left decides nothing.
        Directory.CreateDirectory(folder["t"]);
        for (int i = 0; i < 4; i++) File.WriteAllBytes(folder[$"t/{i}.txt"], i == 3 ? [0xFF] : [(byte)'a']);
        Assert.Empty(TextCorpus.Open(folder["t"]).Documents(3));

        void Write(int good, int bad, int more)
        {
            File.WriteAllLines(folder["a.jsonl"],
            [
                .. Enumerable.Repeat("""{"text":"x"}""", good), .. Enumerable.Repeat("nope", bad),
                .. Enumerable.Repeat("""{"text":"x"}""", more),
            ]);
        }
    }

    // Bad bytes at every place of the seam between two blocks, and what follows is whole.
    [Fact]
    public void A_line_that_is_not_UTF8_ends_at_its_end_wherever_the_blocks_do()
    {
        foreach (byte[] bad in new byte[][] { [0xE9], [0xC3], [0xE2, 0x82], [0xF0, 0x9D, 0x84], [0xED, 0xA0, 0x80], [0xFF, 0xFE, 0xFF] })
        {
            for (int before = 65_520; before < 65_540; before++)
            {
                File.WriteAllBytes(folder["a.jsonl"],
                [
                    .. "{\"text\":\"good\"}\n{\"text\":\""u8, .. new byte[before].Select(_ => (byte)'a'), .. bad,
                    .. "\"}\n{\"text\":\"é𝄞\"}\n"u8, .. bad,
                ]);
                TextCorpus corpus = TextCorpus.Open(folder["a.jsonl"]);
                Assert.Equal([(0, new("1", "good")), (2, new("3", "é𝄞"))], corpus.Documents());
                int first = 25 + before, second = first + bad.Length + 21;
                Assert.Contains($"line 2 is not UTF-8 text: byte {first} is 0x{bad[0]:X2}", corpus.Malformed[0], StringComparison.Ordinal);
                Assert.Contains($"line 4 is not UTF-8 text: byte {second} is", corpus.Malformed[1], StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_cell_of_Parquet_that_is_no_text_is_passed_over_and_a_replacement_character_is_text()
    {
        WriteParquet("a.parquet", ["one", null], ["two \ufffd", "three XY", null, "four", "five XY"]);
        byte[] whole = File.ReadAllBytes(folder["a.parquet"]);
        int changed = 0;
        for (int at = 0; at + 8 < whole.Length; at++)
        {
            if (!whole.AsSpan(at).StartsWith("three XY"u8)) continue;
            whole[at + 6] = 0xC3; // the beginning of a character that does not come
            changed++;
        }

        Assert.True(changed > 0);
        File.WriteAllBytes(folder["a.parquet"], whole);
        TextCorpus corpus = TextCorpus.Open(folder["a.parquet"]);
        Assert.Equal([(0, new("0", "one")), (2, new("2", "two \ufffd")), (5, new("5", "four")), (6, new("6", "five XY"))],
            corpus.Documents());
        Assert.Equal([$"{folder["a.parquet"]}: row 3 is not UTF-8 text; write the column again as UTF-8, or leave the row out."],
            corpus.Malformed, StringComparer.Ordinal);
        Assert.Equal(2, corpus.EmptyDocuments);
        Refused("a.parquet", "row 3 is not UTF-8", strict: true);
    }

    private static byte[] Zstandard(byte[] content)
    {
        using var compressor = new ZstdSharp.Compressor();
        return compressor.Wrap(content).ToArray();
    }

    [Fact]
    public void Gzip_of_several_members_is_read_to_its_end()
    {
        File.WriteAllBytes(folder["a.txt.gz"],
            [.. Gzip("one "u8), .. Gzip("two "u8), .. Gzip(new byte[200_000].Select(_ => (byte)'x').ToArray())]);
        Assert.Equal($"one two {new string('x', 200_000)}", Assert.Single(Read("a.txt.gz")).Document.Text);
    }

    [Fact]
    public void Gzip_cut_at_any_byte_is_refused()
    {
        byte[] whole = Gzip(
            Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 300).Select(i => $"{{\"text\":\"{i * 7919 % 1000}\"}}"))));
        for (int length = 1; length < whole.Length; length++)
        {
            File.WriteAllBytes(folder["a.jsonl.gz"], whole[..length]);
            string message = Assert.Throws<InputException>(() => Read("a.jsonl.gz")).Message;
            Assert.StartsWith(folder["a.jsonl.gz"], message, StringComparison.Ordinal);
        }

        File.WriteAllBytes(folder["a.jsonl.gz"], whole[..^1]);
        Refused("a.jsonl.gz", "cannot be unpacked as gzip");
        File.WriteAllBytes(folder["a.jsonl.gz"], [.. whole, 1, 2, 3]);
        Refused("a.jsonl.gz", "cannot be unpacked as gzip");
        File.WriteAllText(folder["a.jsonl.gz"], "{\"text\":\"not packed\"}");
        Refused("a.jsonl.gz", "cannot be unpacked as gzip");
        whole[whole.Length / 2] ^= 0x40;
        File.WriteAllBytes(folder["a.txt.gz"], whole);
        Refused("a.txt.gz", "cannot be unpacked as gzip");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_534)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(200_001)]
    public void The_first_byte_that_is_not_UTF8_is_named(int at)
    {
        byte[] text = Enumerable.Repeat((byte)'a', 300_000).ToArray();
        text[at] = 0xE9; // é in Latin-1
        File.WriteAllBytes(folder["a.txt"], text);
        Refused("a.txt", $"is not UTF-8 text: byte {at} is 0xE9;");
        File.WriteAllBytes(folder["a.txt.gz"], Gzip(text));
        Refused("a.txt.gz", $"byte {at} of the unpacked text is 0xE9");
    }

    [Fact]
    public void Characters_over_the_seam_of_two_blocks_are_whole()
    {
        for (int shift = 0; shift < 4; shift++)
        {
            string text = new string('a', 65_530 + shift) + string.Concat(Enumerable.Repeat("𝄞é€", 40_000));
            File.WriteAllText(folder["a.txt"], text);
            Assert.Equal(text, Assert.Single(Read("a.txt")).Document.Text);
            File.WriteAllText(folder["a.jsonl"], $"{{\"text\":\"{text}\"}}\r\n{{\"text\":\"b\"}}");
            Assert.Equal([text, "b"], Read("a.jsonl").Select(found => found.Document.Text), StringComparer.Ordinal);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xC3 }, 1)] // cut inside é
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, 1)] // a surrogate
    [InlineData(new byte[] { 0xC0, 0xAF }, 1)] // an overlong /
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 }, 1)] // past U+10FFFF
    public void Every_kind_of_bad_UTF8_is_refused(byte[] bad, int at)
    {
        File.WriteAllBytes(folder["a.txt"], [(byte)'a', .. bad]);
        Refused("a.txt", $"byte {at} is 0x{bad[0]:X2}");
    }

    [Fact]
    public void A_byte_order_mark_is_dropped_and_UTF16_is_named()
    {
        File.WriteAllText(folder["a.csv"], "text\nä\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal("ä", Assert.Single(Read("a.csv")).Document.Text);
        File.WriteAllText(folder["b.txt"], "text", Encoding.Unicode);
        Refused("b.txt", "begins with the byte order mark of UTF-16");
        File.WriteAllText(folder["c.txt"], "text", Encoding.BigEndianUnicode);
        Refused("c.txt", "begins with the byte order mark of UTF-16");
        File.WriteAllBytes(folder["d.txt"], Encoding.Unicode.GetBytes("text"));
        Refused("d.txt", "looks like UTF-16 without a byte order mark");
        File.WriteAllBytes(folder["e.txt"], Gzip("text"u8));
        Refused("e.txt", "give its name the ending .gz");
        File.WriteAllBytes(folder["f.txt"], [0xEF, 0xBB, 0xBF, (byte)'a', 0xFF]);
        Refused("f.txt", "byte 4 is 0xFF");
    }

    [Fact]
    public void Empty_documents_are_passed_over_and_counted_once()
    {
        File.WriteAllText(folder["a.txt"], "");
        File.WriteAllText(folder["b.txt"], " \n\t");
        File.WriteAllText(folder["c.jsonl"], "{\"text\":\"\"}\n{\"text\":\"x\"}\n{\"text\":null}\n");
        File.WriteAllText(folder["d.jsonl"], "");
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        for (int pass = 0; pass < 2; pass++)
        {
            Assert.Equal([(3, new("c.jsonl:2", "x"))], corpus.Documents());
            Assert.Equal(4, corpus.EmptyDocuments);
        }
    }

    [Fact]
    public void A_corpus_without_text_is_refused()
    {
        File.WriteAllText(folder["a.txt"], "  \n");
        Refused("a.txt", "there is no text in it (1 file, 1 document of nothing but white space)");
        File.WriteAllText(folder["b.jsonl"], "");
        Refused("b.jsonl", "there is no text in it (1 file, 0 documents");
        Directory.CreateDirectory(folder["none"]);
        File.WriteAllText(folder["none/a.png"], "x");
        Assert.StartsWith($"{folder["none"]}: no file of text is in this folder",
            Assert.Throws<InputException>(() => TextCorpus.Open(folder["none"])).Message, StringComparison.Ordinal);
        Assert.StartsWith($"{folder["x.txt"]}: there is no such file",
            Assert.Throws<InputException>(() => TextCorpus.Open(folder["x.txt"])).Message, StringComparison.Ordinal);
        Assert.Contains("No text is named", Assert.Throws<InputException>(() => TextCorpus.Open([])).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["c.json"], "[]");
        Assert.Contains("is JSON in one piece", Assert.Throws<InputException>(() => TextCorpus.Open(folder["c.json"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_from_any_document_gives_the_rest()
    {
        for (int i = 0; i < 4; i++) File.WriteAllText(folder[$"{i}.txt"], i == 2 ? "" : $"file {i}");
        File.WriteAllText(folder["5.jsonl"], "{\"text\":\"5a\"}\n{\"text\":\"\"}\n{\"text\":\"5c\"}");
        WriteParquet("6.parquet", ["6a", null], ["6c"]);
        File.WriteAllText(folder["7.csv"], "text\n7a\n7b\n");
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        (long Number, Document Document)[] all = [.. corpus.Documents()];
        Assert.Equal([0, 1, 3, 4, 6, 7, 9, 10, 11], all.Select(found => found.Number));
        for (int from = 0; from < 15; from++) Assert.Equal(all.Where(found => found.Number >= from), corpus.Documents(from));
    }

    // A file that is skipped is not read: this one could not be.
    [Fact]
    public void Files_before_the_first_document_are_not_read()
    {
        File.WriteAllBytes(folder["a.txt"], [0xFF]);
        File.WriteAllText(folder["b.txt"], "b");
        TextCorpus corpus = TextCorpus.Open(folder.Path);
        Assert.Equal([(1, new("b.txt", "b"))], corpus.Documents(1));
        Assert.Equal(0, corpus.MalformedDocuments);
        Assert.Single(TextCorpus.Open(folder.Path).Documents());
        Assert.Throws<InputException>(() => TextCorpus.Open(folder.Path, strict: true).Documents().Count());
    }

    [Fact]
    public void Documents_are_read_one_at_a_time()
    {
        File.WriteAllText(folder["a.jsonl"], "{\"text\":\"good\"}\nbad\n");
        using IEnumerator<(long Number, Document Document)> documents =
            TextCorpus.Open(folder["a.jsonl"], strict: true).Documents().GetEnumerator();
        Assert.True(documents.MoveNext());
        Assert.Equal("good", documents.Current.Document.Text);
        Assert.Throws<InputException>(() => documents.MoveNext());
    }

    [Fact]
    public void The_fingerprint_follows_names_contents_and_column()
    {
        File.WriteAllText(folder["a.csv"], "text\nx\n");
        string first = TextCorpus.Open(folder.Path).Fingerprint;
        Assert.Matches("^[0-9a-f]{64}$", first);
        Assert.Equal(first, TextCorpus.Open(folder.Path).Fingerprint);
        Assert.NotEqual(first, TextCorpus.Open(folder.Path, "text").Fingerprint, StringComparer.Ordinal);
        File.WriteAllText(folder["a.csv"], "text\nxy\n");
        string longer = TextCorpus.Open(folder.Path).Fingerprint;
        File.WriteAllText(folder["a.csv"], "text\nyx\n");
        string edited = TextCorpus.Open(folder.Path).Fingerprint;
        File.Move(folder["a.csv"], folder["b.csv"]);
        Assert.Equal(4, new[] { first, longer, edited, TextCorpus.Open(folder.Path).Fingerprint }.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_document_past_the_longest_is_refused()
    {
        File.WriteAllText(folder["a.txt"], "12345\n123456");
        using (var reader = new Utf8Reader(folder["a.txt"], longest: 5))
        {
            Assert.Equal("12345", reader.ReadLine());
            Assert.Contains("more than 5 characters", Assert.Throws<InputException>(reader.ReadLine).Message, StringComparison.Ordinal);
        }

        using (var reader = new Utf8Reader(folder["a.txt"], longest: 11)) Assert.Throws<InputException>(reader.ReadToEnd);
        using (var reader = new Utf8Reader(folder["a.txt"], longest: 12)) Assert.Equal(12, reader.ReadToEnd().Length);
        var field = new List<string>();
        using (var reader = new Utf8Reader(folder["a.txt"], longest: 5))
        {
            var table = new DelimitedText(reader, "a", ',');
            Assert.True(table.Read(field, null));
            Assert.Throws<InputException>(() => table.Read(field, null));
        }
    }

    private List<(long Number, Document Document)> Read(string name, string? column = null, bool strict = false) =>
        [.. TextCorpus.Open(folder[name], column, strict).Documents()];

    private void Refused(string name, string expected, string? column = null, bool strict = false)
    {
        string message = Formats.TestFiles.Refused(folder[name], () => Read(name, column, strict));
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    /// <summary>A file has one bad document, which is named: by itself, and when good ones follow.</summary>
    private void PassedOver(string name, string expected, string good)
    {
        Refused(name, expected, strict: true);
        File.AppendAllText(folder[name], $"\n{good}\n{good}\n");
        TextCorpus corpus = TextCorpus.Open(folder[name]);
        Assert.Equal("good", corpus.Documents().Last().Document.Text);
        Assert.Contains(expected, Assert.Single(corpus.Malformed), StringComparison.Ordinal);
        Assert.Equal(1, corpus.MalformedDocuments);
        Refused(name, expected, strict: true);
    }

    private static byte[] Gzip(ReadOnlySpan<byte> content)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(content);
        return packed.ToArray();
    }

    private void WriteParquet(string name, params string?[][] groups)
    {
        var text = new DataField<string>("text");
        Write().GetAwaiter().GetResult();

        async Task Write()
        {
            await using FileStream stream = File.Create(folder[name]);
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(text), stream,
                new ParquetOptions { CompressionMethod = CompressionMethod.None });
            foreach (string?[] group in groups)
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAsync(text, group!);
            }
        }
    }
}
