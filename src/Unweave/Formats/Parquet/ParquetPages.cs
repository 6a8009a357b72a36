using Parquet.Meta;

namespace Unweave.Formats;

/// <summary>
/// Walks the page headers of a column chunk before Parquet.Net decodes it, and lets only those pass that it decodes whole: its
/// decoders write past their buffers, leave them half filled or take unbounded memory when a header lies.
/// </summary>
internal static class ParquetPages
{
    /// <summary>
    /// What a few bytes may grow to: runs and dictionaries shrink equal values to almost nothing, so some growth is honest.
    /// </summary>
    private const long FreeGrowth = 1 << 22, GrowthPerByte = 4096;

    /// <summary>True when so many bytes of file may honestly hold so many values or decompressed bytes.</summary>
    public static bool Plausible(long claimed, long stored) => claimed >= 0 && claimed <= FreeGrowth + (stored * GrowthPerByte);

    /// <summary>Checks a column chunk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="chunk">What the footer says of the chunk.</param>
    /// <param name="repeated">True for a list column.</param>
    /// <param name="optional">True for a column with definition levels.</param>
    /// <returns>Where its pages end.</returns>
    /// <exception cref="ParquetThrift.MalformedException">A header is wrong.</exception>
    /// <exception cref="NotSupportedException">The chunk is compressed or encoded in a way that is not read.</exception>
    public static long End(FileBytes file, ColumnMetaData chunk, bool repeated, bool optional)
    {
        if (chunk.Codec is not (CompressionCodec.UNCOMPRESSED or CompressionCodec.SNAPPY or CompressionCodec.GZIP or CompressionCodec.ZSTD))
            throw new NotSupportedException(
                $"it is compressed with {chunk.Codec}, which Unweave does not read; write it with snappy, zstd or gzip");
        using FileBytes.View view = file.Hold();
        long at = Start(chunk), values = 0;
        bool dictionary = false;
        while (values < chunk.NumValues)
        {
            if (at < 0 || at >= file.Length) throw new ParquetThrift.MalformedException($"a page of it is at byte {at} of {file.Length}");
            Dictionary<int, object> header = ParquetThrift.PageHeader(view.Span(at, (int)Math.Min(file.Length - at, int.MaxValue)),
                out int length);
            at += length;
            long stored = Number(header, 3), full = Number(header, 2);
            if (stored < 0 || stored > file.Length - at)
                throw new ParquetThrift.MalformedException($"a page of it has {stored} bytes at byte {at} of {file.Length}");
            if (!Plausible(full, stored)) throw new ParquetThrift.MalformedException($"a page of {stored} bytes claims to hold {full}");
            CheckCompression(view.Span(at, (int)stored), chunk.Codec, full, levels: Number(header, 1) == (long)PageType.DATA_PAGE_V2);
            switch ((PageType)Number(header, 1))
            {
                case PageType.DICTIONARY_PAGE when !dictionary && values == 0:
                    dictionary = true;
                    CheckDictionary(Struct(header, 7), chunk.Type, full);
                    break;
                case PageType.DATA_PAGE:
                    values += CheckData(Struct(header, 5), chunk, dictionary, repeated, optional);
                    break;
                case PageType.DATA_PAGE_V2 when !repeated:
                    values += CheckDataV2(Struct(header, 8), chunk, dictionary, stored);
                    break;
                case PageType.DATA_PAGE_V2:
                    throw new NotSupportedException(
                        "its lists are in data pages of version 2, which Unweave does not read; write it with data_page_version 1.0");
                default:
                    throw new ParquetThrift.MalformedException($"a page of it has type {Number(header, 1)}");
            }

            at += stored;
        }

        return values == chunk.NumValues
            ? at
            : throw new ParquetThrift.MalformedException($"its pages hold {values} values, but the footer says {chunk.NumValues}");
    }

    /// <summary>The first page, found as Parquet.Net finds it: the least of the offsets that are set.</summary>
    private static long Start(ColumnMetaData chunk)
    {
        long[] offsets =
        [
            .. new[] { chunk.DictionaryPageOffset ?? 0, chunk.DataPageOffset, chunk.IndexPageOffset ?? 0 }.Where(offset => offset != 0),
        ];
        return offsets.Length > 0
            ? offsets.Min()
            : throw new ParquetThrift.MalformedException("the footer does not say where its pages are");
    }

    private static void CheckCompression(ReadOnlySpan<byte> page, CompressionCodec codec, long full, bool levels)
    {
        if (levels) return; // in version 2 the levels lie before the compressed part
        if (codec == CompressionCodec.UNCOMPRESSED && page.Length != full)
            throw new ParquetThrift.MalformedException($"a page of {page.Length} uncompressed bytes claims to hold {full}");
        if (codec != CompressionCodec.SNAPPY) return;
        long claimed = 0; // a snappy block starts with its full size as a varint, and that much is allocated
        for (int i = 0; i < Math.Min(page.Length, 5); i++)
        {
            claimed |= (long)(page[i] & 127) << (7 * i);
            if (page[i] < 128) break;
        }

        if (claimed != full) throw new ParquetThrift.MalformedException($"a page holds {claimed} bytes, but its header says {full}");
    }

    private static void CheckDictionary(Dictionary<int, object> header, Parquet.Meta.Type type, long bytes)
    {
        long entries = Number(header, 1);
        long size = Size(type);
        if (Number(header, 2) is not ((long)Encoding.PLAIN or (long)Encoding.PLAIN_DICTIONARY))
            throw new ParquetThrift.MalformedException($"its dictionary has encoding {Number(header, 2)}");
        if (entries < 0 || (type == Parquet.Meta.Type.BYTE_ARRAY ? entries * size > bytes : entries * size != bytes))
            throw new ParquetThrift.MalformedException($"its dictionary of {bytes} bytes claims {entries} entries");
    }

    private static long CheckData(Dictionary<int, object> header, ColumnMetaData chunk, bool dictionary, bool repeated, bool optional)
    {
        CheckEncoding((Encoding)Number(header, 2), chunk.Type, dictionary);
        if ((optional && Number(header, 3) != (long)Encoding.RLE) || (repeated && Number(header, 4) != (long)Encoding.RLE))
            throw new ParquetThrift.MalformedException("its levels are not run-length encoded");
        return Values(header, chunk);
    }

    private static long CheckDataV2(Dictionary<int, object> header, ColumnMetaData chunk, bool dictionary, long stored)
    {
        CheckEncoding((Encoding)Number(header, 4), chunk.Type, dictionary);
        long values = Values(header, chunk), nulls = Number(header, 2), definition = Number(header, 5), repetition = Number(header, 6);
        if (nulls < 0 || nulls > values || definition < 0 || repetition != 0 || definition > stored)
            throw new ParquetThrift.MalformedException("the sizes in a page's header do not fit together");
        return values;
    }

    private static void CheckEncoding(Encoding encoding, Parquet.Meta.Type type, bool dictionary)
    {
        bool read = encoding switch
        {
            Encoding.PLAIN => true,
            Encoding.PLAIN_DICTIONARY or Encoding.RLE_DICTIONARY => dictionary,
            Encoding.DELTA_BINARY_PACKED => type is Parquet.Meta.Type.INT32 or Parquet.Meta.Type.INT64,
            Encoding.BYTE_STREAM_SPLIT => type is Parquet.Meta.Type.FLOAT or Parquet.Meta.Type.DOUBLE,
            _ => false,
        };
        if (!read)
            throw new NotSupportedException(
                $"it has encoding {encoding}, which Unweave does not read for {type}; write it plain or with a dictionary");
    }

    private static long Values(Dictionary<int, object> header, ColumnMetaData chunk)
    {
        long values = Number(header, 1);
        return values >= 0 && values <= chunk.NumValues
            ? values
            : throw new ParquetThrift.MalformedException($"a page of it claims {values} of {chunk.NumValues} values");
    }

    /// <summary>Bytes of a plain value; of a text, those of its length.</summary>
    private static long Size(Parquet.Meta.Type type) => type is Parquet.Meta.Type.DOUBLE or Parquet.Meta.Type.INT64 ? 8 : 4;

    private static long Number(Dictionary<int, object> fields, int id) =>
        fields.TryGetValue(id, out object? value) && value is long number
            ? number
            : throw new ParquetThrift.MalformedException($"a page header of it lacks field {id}");

    private static Dictionary<int, object> Struct(Dictionary<int, object> fields, int id) =>
        fields.TryGetValue(id, out object? value) && value is Dictionary<int, object> inner
            ? inner
            : throw new ParquetThrift.MalformedException($"a page header of it lacks field {id}");
}
