using System.Globalization;
using System.Runtime.CompilerServices;
using Unweave.Characters;

namespace Unweave.Tests.Characters;

public sealed class WordBreaksTests
{
    // Unicode's own test of the rules, without its comments.
    [Fact]
    public void Boundaries_are_where_Unicode_has_them()
    {
        int lines = 0;
        foreach (string line in File.ReadLines(Path.Combine(Path.GetDirectoryName(Here())!, "WordBreakTest.txt")))
        {
            if (line.StartsWith('#')) continue;
            string text = "";
            List<int> expected = [];
            foreach (string part in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (part is "÷") expected.Add(text.Length);
                else if (part is not "×") text += char.ConvertFromUtf32(int.Parse(part, NumberStyles.HexNumber));
            }

            List<int> found = [0];
            while (found[^1] < text.Length) found.Add(WordBreaks.End(text, found[^1]));
            Assert.True(expected.SequenceEqual(found), $"{line}: {string.Join(' ', found)}");
            lines++;
        }

        Assert.Equal(1823, lines);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_a_segment()
    {
        Assert.Equal(2, WordBreaks.End("ab\uD83Dc", 0));
        Assert.Equal(3, WordBreaks.End("ab\uD83Dc", 2));
        Assert.Equal(1, WordBreaks.End("\uDC00", 0));
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
