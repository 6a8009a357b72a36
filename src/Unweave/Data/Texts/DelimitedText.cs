using System.Globalization;
using System.Text;

namespace Unweave.Data;

/// <summary>
/// Reads records of fields with a delimiter, as RFC 4180 has them: a field in quotes may hold delimiters, line breaks and doubled quotes.
/// Lines end in LF, CRLF or CR. A quote inside a field that does not begin with one is a character like any other.
/// </summary>
internal sealed class DelimitedText(Utf8Reader text, string path, char delimiter)
{
    private readonly StringBuilder field = new();
    private long line = 1;
    private string? fault; // of the record being read

    /// <summary>Line, from 1, on which the last record read begins.</summary>
    public long Line { get; private set; }

    /// <summary>Whether the last record read is a line without any character.</summary>
    public bool Blank { get; private set; }

    /// <summary>Why the last record read is none, to be put behind the name of its place; null where it is one.</summary>
    public string? Fault { get; private set; }

    /// <summary>Reads a record.</summary>
    /// <param name="fields">Cleared, then filled; a field not kept is empty there.</param>
    /// <param name="keep">Positions of the fields to keep; null keeps all.</param>
    /// <returns>False after the last record.</returns>
    public bool Read(List<string> fields, IReadOnlyCollection<int>? keep)
    {
        fields.Clear();
        int c = text.Read();
        if (c < 0) return false;
        Line = line;
        Blank = c is '\r' or '\n';
        while (true)
        {
            field.Clear();
            bool kept = keep is null || keep.Contains(fields.Count);
            c = c == '"' ? Quoted(kept) : Plain(c, kept);
            fields.Add(field.ToString());
            if (c != delimiter) break;
            c = text.Read();
        }

        Fault = text.TakeFault() ?? fault;
        fault = null;
        if (c == '\r' && text.Peek() == '\n') text.Read();
        line++;
        return true;
    }

    /// <summary>Takes a field up to what ends it, which is returned.</summary>
    private int Plain(int c, bool kept)
    {
        for (; c >= 0 && c != delimiter && c is not ('\r' or '\n'); c = text.Read())
            if (kept) Append(c);
        return c;
    }

    private int Quoted(bool kept)
    {
        long opened = line;
        while (true)
        {
            int c = text.Read();
            if (c < 0)
                throw new InputException(
                    $"{path}: the quotes that open on line {opened} are never closed; the file is cut short, or a quote in a field is not "
                    + "doubled.");
            if (c == '"' && (c = text.Read()) != '"')
            {
                if (c == delimiter || c is '\r' or '\n' or < 0) return c;
                fault ??= string.Create(CultureInfo.InvariantCulture,
                    $"has '{(char)c}' after closing quotes on line {line} (they open on line {opened}); a quote inside a quoted field is "
                    + $"written twice");
                return Plain(c, kept: false);
            }

            if (c == '\n') line++;
            if (kept) Append(c);
        }
    }

    private void Append(int c)
    {
        text.Check(field.Length + 1L);
        field.Append((char)c);
    }
}
