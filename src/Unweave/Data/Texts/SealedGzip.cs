using System.IO.Compression;

namespace Unweave.Data;

/// <summary>
/// The content of a gzip file that is known to be whole. .NET ends quietly where a gzip stream is cut, so a member of a known text is
/// put after the file: unpacked, that text comes out last only if everything before it was whole. It is kept back from the reader.
/// </summary>
internal sealed class SealedGzip(Stream file) : Stream
{
    private static readonly byte[] Mark = "the end of a whole gzip file"u8.ToArray();
    private static readonly byte[] Seal = Pack(Mark);

    private readonly GZipStream unpacked = new(new WithSeal(file), CompressionMode.Decompress);
    private readonly byte[] buffer = new byte[1 << 16];
    private int start, end;
    private bool ended;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is torn, or not gzip.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (!ended && end - start <= Mark.Length) Fill();
        int count = ended ? 0 : Math.Min(buffer.Length, end - start - Mark.Length);
        this.buffer.AsSpan(start, count).CopyTo(buffer);
        start += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is written.
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) unpacked.Dispose();
        base.Dispose(disposing);
    }

    private void Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        (start, end) = (0, end - start);
        int read = unpacked.Read(buffer.AsSpan(end));
        end += read;
        if (read > 0) return;
        if (!buffer.AsSpan(0, end).SequenceEqual(Mark)) throw new InvalidDataException("it is cut short, or something follows its end");
        ended = true;
    }

    private static byte[] Pack(byte[] content)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(content);
        return packed.ToArray();
    }

    /// <summary>A file and the seal after it.</summary>
    private sealed class WithSeal(Stream file) : Stream
    {
        private int sealRead;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            int read = sealRead == 0 ? file.Read(buffer) : 0;
            if (read > 0) return read;
            read = Math.Min(buffer.Length, Seal.Length - sealRead);
            Seal.AsSpan(sealRead, read).CopyTo(buffer);
            sealRead += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
            // Nothing is written.
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
