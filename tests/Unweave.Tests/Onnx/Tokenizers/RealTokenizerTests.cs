using System.Runtime.InteropServices;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Tests.Packages;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>
/// Tokenizers of models that people use, held against the library of <c>tokenizer.json</c>. The environment variable
/// <c>UNWEAVE_TOKENIZERS=1</c> adds the large ones, and every text file of the repository.
/// </summary>
public sealed class RealTokenizerTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. RealTokenizers.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Ids_are_those_of_the_reference_and_places_give_back_the_text(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64,
            "The reference runs on 64-bit Linux.");
        using var folder = new TemporaryFolder();
        RealTokenizers.Write(name, folder);
        ITokenizer tokenizer = TokenizerFile.Open(folder["ours"], special: true);
        using var reference = new global::Tokenizers.DotNet.Tokenizer(folder["reference.json"]);
        string[] strings = [.. TokenizerFiles.Texts.Concat(DiverseTexts.All).Where(Comparable)];
        Assert.True(DiverseTexts.All.Distinct(StringComparer.Ordinal).Count() >= 300);
        var wrong = new List<string>();
        int right = strings.Count(text => Same(text, "text"));
        int files = 0, rightFiles = 0;
        long characters = 0;
        if (RealTokenizers.Full)
        {
            foreach ((string path, string text) in Repository.Texts().Concat(HeldOut()).Where(file => Comparable(file.Text)))
            {
                files++;
                characters += text.Length;
                if (Same(text, path)) rightFiles++;
            }
        }

        output.WriteLine($"| {name} | {right} of {strings.Length} | {rightFiles} of {files} ({characters:N0} characters) |");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(5).Prepend($"{name}: {wrong.Count} differ")));

        // Gemma has pieces of several marks. SentencePiece finds them where some of the marks are blanks; the reference only where all are
        // written.
        bool Comparable(string text) => name is not "Gemma 3, .model" || !text.Contains("▁▁", StringComparison.Ordinal);

        bool Same(string text, string where)
        {
            IReadOnlyList<Token> tokens = tokenizer.Encode(text);
            int[] ids = [.. reference.Encode(text).Select(id => (int)id)];
            int at = Enumerable.Range(0, Math.Min(ids.Length, tokens.Count)).FirstOrDefault(i => ids[i] != tokens[i].Id, -1);
            if (at < 0 && ids.Length != tokens.Count) at = Math.Min(ids.Length, tokens.Count);
            bool same = at < 0 && Covers(tokens, text, keepsBlanks: !name.StartsWith("BERT", StringComparison.Ordinal));
            if (!same)
            {
                int start = at >= 0 && at < tokens.Count ? tokens[at].Start : 0;
                string near = text.Substring(start, Math.Min(40, text.Length - start));
                wrong.Add($"{where}: token {at} near '{near}': {Some(ids, at)}, not {Some([.. tokens.Select(token => token.Id)], at)}");
            }

            return same;
        }

        static string Some(int[] ids, int at) => string.Join(' ', ids.Skip(Math.Max(at - 1, 0)).Take(8));
    }

    // The tokens' parts of the text, put together, are the text; of BERT all but blanks and what its cleaning drops.
    private static bool Covers(IReadOnlyList<Token> tokens, string text, bool keepsBlanks)
    {
        int end = 0;
        foreach (Token token in tokens)
        {
            if (token.Start < end || (token.Start > end && (keepsBlanks || !Blank(text.AsSpan(end, token.Start - end))))) return false;
            end = token.Start + token.Length;
        }

        return end == text.Length || (!keepsBlanks && Blank(text.AsSpan(end)));
    }

    private static bool Blank(ReadOnlySpan<char> text)
    {
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (!System.Text.Rune.IsWhiteSpace(rune) && rune.Value is not 0xFFFD && System.Text.Rune.GetUnicodeCategory(rune) is not (
                System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.PrivateUse or System.Globalization.UnicodeCategory.NonSpacingMark
                or System.Globalization.UnicodeCategory.OtherNotAssigned))
                return false;
        }

        return true;
    }

    private static IEnumerable<(string Path, string Text)> HeldOut() =>
        TextCorpus.Open(Path.Combine(Repository.Root, "data", "corpus", "held-out.jsonl.gz")).Documents()
            .Select(document => (document.Document.Id, document.Document.Text));
}
