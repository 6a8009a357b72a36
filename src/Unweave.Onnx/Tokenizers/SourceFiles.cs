using System.Security.Cryptography;
using System.Text;

namespace Unweave.Onnx;

/// <summary>The files a tokenizer is read from, hashed in the order they are read.</summary>
internal sealed class SourceFiles : IDisposable
{
    /// <summary>The largest vocabularies are some tens of megabytes.</summary>
    private const long Largest = 1 << 29;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>SHA-256 of the files read so far, one after the other; of a single file, what every tool says of it.</summary>
    public string Hash => Convert.ToHexStringLower(hash.GetCurrentHash());

    /// <summary>All of a file.</summary>
    public byte[] Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > Largest) throw new InputException($"{path}: {stream.Length} bytes are too many for a tokenizer's file (at most {Largest}); name the tokenizer, not the model.");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            hash.AppendData(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The lines of a text file, without their ends.</summary>
    public string[] ReadLines(string path)
    {
        try
        {
            string text = Utf8.GetString(Read(path)).TrimStart('\uFEFF');
            string[] lines = text.Split('\n');
            for (int i = 0; i < lines.Length; i++) lines[i] = lines[i].TrimEnd('\r');
            return lines[^1].Length == 0 ? lines[..^1] : lines;
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException($"{path}: this is not a text in UTF-8 (byte {e.Index}).", e);
        }
    }

    public void Dispose() => hash.Dispose();
}
