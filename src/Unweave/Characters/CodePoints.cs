using System.Globalization;

namespace Unweave.Characters;

/// <summary>
/// Reads the tables of this namespace: entries separated by white space, code points in hexadecimal, ranges as <c>first-last</c>.
/// </summary>
internal static class CodePoints
{
    public static string[] Entries(string table) => table.Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);

    public static int Hexadecimal(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static IEnumerable<int> Range(string entry)
    {
        string[] ends = entry.Split('-');
        int first = Hexadecimal(ends[0]);
        return Enumerable.Range(first, Hexadecimal(ends[^1]) - first + 1);
    }
}
