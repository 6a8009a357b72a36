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
        Refused("a.jsonl", expected);
    }

    [Fact]
    public void A_line_nested_without_end_is_refused()
    {
        File.WriteAllText(folder["a.jsonl"], $"{{\"text\":\"a\",\"deep\":{new string('[', 100_000)}");
        Refused("a.jsonl", "line 1 is not well-formed JSON");
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
    [InlineData("text,b\nx,y\n\"z,1\n2\n", "the quotes that open on line 3 are never closed")]
    [InlineData("text,b\n\"x\ny\"z,1\n", "line 3 has 'z' after closing quotes (they open on line 2)")]
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
        Assert.Throws<InputException>(() => corpus.Documents().Count());
    }

    [Fact]
    public void Documents_are_read_one_at_a_time()
    {
        File.WriteAllText(folder["a.jsonl"], "{\"text\":\"good\"}\nbad\n");
        using IEnumerator<(long Number, Document Document)> documents = TextCorpus.Open(folder["a.jsonl"]).Documents().GetEnumerator();
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

    private List<(long Number, Document Document)> Read(string name, string? column = null) =>
        [.. TextCorpus.Open(folder[name], column).Documents()];

    private void Refused(string name, string expected, string? column = null)
    {
        string message = Formats.TestFiles.Refused(folder[name], () => Read(name, column));
        Assert.Contains(expected, message, StringComparison.Ordinal);
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
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(text), stream);
            foreach (string?[] group in groups)
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAsync(text, group!);
            }
        }
    }
}
