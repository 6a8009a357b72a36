using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>
/// Reads a text file, unpacked where its name ends in <c>.gz</c> or <c>.zst</c>, character by character, line by line or whole. Bytes that
/// are not UTF-8 are no end of it: what they are in has U+FFFD in their place, is no text, and <see cref="TakeFault"/> says why. A byte
/// order mark is dropped.
/// </summary>
internal sealed class Utf8Reader : IDisposable
{
    /// <summary>The most characters of one document: a string holds about twice as many.</summary>
    public const int LongestText = 1 << 29;

    private const int Block = 1 << 16, LongestCharacter = 4;

    private readonly string path;
    private readonly bool packed;
    private readonly Stream? stream;
    private readonly int longest;
    private readonly byte[] bytes = new byte[Block];
    private readonly char[] chars = new char[Block];
    private long offset; // of bytes[taken] in the text
    private int taken, held; // bytes read: decoded, in all
    private int next, count; // characters decoded: given, in all
    private string? fault; // of what was read since it was asked for last
    private string? coming; // of the one character decoded last, where it stands for bytes that are no text
    private bool started, ended;

    /// <summary>Opens a file, which may be empty.</summary>
    /// <param name="path">The file.</param>
    /// <param name="longest">The most characters of a line or document.</param>
    public Utf8Reader(string path, int longest = LongestText)
    {
        this.path = path;
        this.longest = longest;
        packed = Compression.Is(path);
        if (!packed && TextCorpus.FileLength(path) == 0) return;
        Stream file = TensorFile.OpenStream(path);
        stream = packed ? Compression.Unpack(path, file) : file;
    }

    /// <summary>The next character, or −1 at the end.</summary>
    public int Read() => next < count || Fill() ? chars[next++] : -1;

    /// <summary>The character after, without taking it, or −1 at the end.</summary>
    public int Peek() => next < count || Fill() ? chars[next] : -1;

    /// <summary>The next line without its end (LF or CRLF), or null after the last.</summary>
    public string? ReadLine()
    {
        if (next == count && !Fill()) return null;
        StringBuilder? earlier = null;
        do
        {
            ReadOnlySpan<char> here = chars.AsSpan(next, count - next);
            int end = here.IndexOf('\n');
            ReadOnlySpan<char> piece = end < 0 ? here : here[..end];
            Check((earlier?.Length ?? 0) + piece.Length);
            next += end < 0 ? piece.Length : piece.Length + 1;
            if (end >= 0 && earlier is null) return (piece.EndsWith('\r') ? piece[..^1] : piece).ToString();
            (earlier ??= new StringBuilder()).Append(piece);
            if (end >= 0) break;
        }
        while (Fill());

        if (earlier.Length > 0 && earlier[^1] == '\r') earlier.Length--;
        return earlier.ToString();
    }

    /// <summary>All that is left.</summary>
    public string ReadToEnd()
    {
        var all = new StringBuilder();
        while (next < count || Fill())
        {
            Check(all.Length + count - next);
            all.Append(chars, next, count - next);
            next = count;
        }

        return all.ToString();
    }

    /// <summary>Refuses a document of more characters than one may have.</summary>
    public void Check(long characters)
    {
        if (characters > longest)
            throw new InputException($"{path}: a document has more than {longest} characters; split it into several.");
    }

    /// <summary>Why what was read since this was asked last is no text, to be put behind the name of its place; null where it is.</summary>
    public string? TakeFault()
    {
        if (next > 0) Reached();
        string? found = fault;
        fault = null;
        return found;
    }

    /// <inheritdoc/>
    public void Dispose() => stream?.Dispose();

    // The character that stands for bad bytes has been given.
    private void Reached()
    {
        fault ??= coming;
        coming = null;
    }

    /// <summary>Decodes more; false at the end.</summary>
    private bool Fill()
    {
        Reached();
        (next, count) = (0, 0);
        while (count == 0)
        {
            if (!ended && stream is not null && held - taken < LongestCharacter) ReadMore();
            else if (held == taken) return false;
            if (!started) Start();
            ReadOnlySpan<byte> left = bytes.AsSpan(taken, held - taken);
            OperationStatus status = Utf8.ToUtf16(left, chars, out int used, out count, replaceInvalidSequences: false,
                isFinalBlock: ended);
            if (status == OperationStatus.InvalidData && count == 0) used = Replace(left); // characters before it are given first
            taken += used;
            offset += used;
        }

        return true;
    }

    /// <summary>Puts one character in the place of bytes that are not UTF-8, and gives their number.</summary>
    private int Replace(ReadOnlySpan<byte> bad)
    {
        coming = NotUtf8(offset, bad[0]);
        Rune.DecodeFromUtf8(bad, out Rune replacement, out int used);
        replacement.TryEncodeToUtf16(chars, out count);
        return used;
    }

    private void ReadMore()
    {
        bytes.AsSpan(taken, held - taken).CopyTo(bytes);
        (taken, held) = (0, held - taken);
        try
        {
            // The first block is filled as far as the file goes, so that its marks are seen whole.
            do
            {
                int read = stream!.Read(bytes.AsSpan(held));
                ended = read == 0;
                held += read;
            }
            while (!started && !ended && held < bytes.Length);
        }
        catch (Exception e) when (packed && Compression.IsDamage(e))
        {
            throw new InputException(
                $"{path}: cannot be unpacked as {Compression.Name(path)} ({e.Message.TrimEnd('.')}): the file is torn or damaged; copy "
                + "or write it again.", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private void Start()
    {
        started = true;
        ReadOnlySpan<byte> head = bytes.AsSpan(0, held);
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            fault = Wide("begins with the byte order mark of UTF-16");
        if (head.Length > 1 && (head[0] == 0) != (head[1] == 0))
            fault = Wide("looks like UTF-16 without a byte order mark (its first two bytes have one that is 0)");
        if (!head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) return;
        head[3..].CopyTo(bytes);
        held -= 3;
        offset += 3;
    }

    private static string Wide(string what) => $"{what}; texts are read as UTF-8: convert it (iconv -f UTF-16 -t UTF-8)";

    private string NotUtf8(long at, byte value)
    {
        string hint = at == 1 && value == 0x8B && !packed ? "it begins like gzip: give its name the ending .gz"
            : at == 1 && value == 0xB5 && !packed ? "it begins like zstd: give its name the ending .zst"
            : "convert it to UTF-8 (iconv -f WINDOWS-1252 -t UTF-8, for example), or leave the file out";
        return string.Create(CultureInfo.InvariantCulture,
            $"is not UTF-8 text: byte {at}{(packed ? " of the unpacked text" : "")} is 0x{value:X2}; {hint}");
    }
}
