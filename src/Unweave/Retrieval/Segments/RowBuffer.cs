using System.Text;
using Unweave.Numerics;
using Unweave.Retrieval.Vectors;

namespace Unweave.Retrieval.Segments;

/// <summary>New documents with their codes, in memory until a segment is written of them.</summary>
internal sealed unsafe class RowBuffer(ConceptDictionary dictionary, StoredVectors? store) : IIndexedRows, IDisposable
{
    private readonly List<byte[]> keys = [], texts = [], fields = [], stored = [];
    private readonly List<float> storedScales = [], scales = [], inverses = [];
    private readonly List<long> starts = [0];
    private readonly NativeBuffer<int> latents = new();
    private readonly NativeBuffer<byte> values = new();
    private long entries, room;

    /// <summary>Number of rows.</summary>
    public int Rows => keys.Count;

    /// <summary>About how many bytes they take.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds documents.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="codes">Their refitted codes, a row each.</param>
    /// <param name="lengths">‖x̂‖ of each.</param>
    /// <param name="vectors">Their vectors, <c>[documents, d]</c>.</param>
    public void Add(IReadOnlyList<IndexDocument> documents, SparseCodes codes, ReadOnlySpan<float> lengths, Matrix vectors)
    {
        float[] x = new float[dictionary.Width], residual = new float[dictionary.Width];
        for (int row = 0; row < documents.Count; row++)
        {
            IndexDocument document = documents[row];
            keys.Add(Encoding.UTF8.GetBytes(document.Key));
            texts.Add(Encoding.UTF8.GetBytes(document.Text));
            fields.Add(FieldValue.Write(document.Fields));
            float inverse = lengths[row] > 0 ? 1 / lengths[row] : 0;
            AddCode(codes.Latents(row), codes.Values(row), inverse);
            if (store is not null) AddVector(vectors.Row(row), codes.Latents(row), codes.Values(row), inverse, x, residual);
            Bytes += keys[^1].Length + texts[^1].Length + fields[^1].Length + (5 * codes.RowCount(row)) + (store?.RowBytes ?? 0) + 200;
        }
    }

    public ReadOnlySpan<byte> Key(int row) => keys[row];

    public ReadOnlySpan<byte> Text(int row) => texts[row];

    public ReadOnlySpan<byte> Fields(int row) => fields[row];

    public CodeRow Code(int row) => new(latents.Pointer + starts[row], wide: true, values.Pointer + starts[row],
        (int)(starts[row + 1] - starts[row]), scales[row], inverses[row]);

    public ReadOnlySpan<byte> Stored(int row) => store is null ? [] : stored[row];

    public float StoredScale(int row) => store is null ? 0 : storedScales[row];

    public void Dispose()
    {
        latents.Dispose();
        values.Dispose();
    }

    private void AddCode(ReadOnlySpan<int> active, ReadOnlySpan<float> strengths, float inverse)
    {
        float largest = 0;
        foreach (float value in strengths) largest = MathF.Max(largest, value);
        Reserve(active.Length);
        float unit = largest / 255;
        for (int i = 0; i < active.Length; i++)
        {
            if (!(strengths[i] > 0)) continue;
            latents.Pointer[entries] = active[i];
            values.Pointer[entries++] = (byte)Math.Clamp(MathF.Round(strengths[i] / unit), 1, 255);
        }

        starts.Add(entries);
        scales.Add(unit * inverse);
        inverses.Add(inverse);
    }

    private void AddVector(
        ReadOnlySpan<float> vector, ReadOnlySpan<int> active, ReadOnlySpan<float> strengths, float inverse, float[] x, float[] residual)
    {
        float length = (float)Norms.L2(vector), scale = length > 0 ? 1 / length : 0;
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = vector[i] * scale;
            residual[i] = x[i] - (dictionary.Bias[i] * inverse);
        }

        for (int i = 0; i < active.Length; i++)
        {
            ReadOnlySpan<float> direction = dictionary.Decoder.Row(active[i]);
            float part = strengths[i] * inverse;
            for (int c = 0; c < residual.Length; c++) residual[c] -= part * direction[c];
        }

        byte[] row = new byte[store!.RowBytes];
        storedScales.Add(store.Keep(x, residual, row));
        stored.Add(row);
    }

    // Scratch memory does not keep its content when it grows.
    private void Reserve(int more)
    {
        if (latents.Pointer != null && entries + more <= room) return;
        room = Math.Max(1 << 16, 2 * (entries + more));
        int[] known = new ReadOnlySpan<int>(latents.Pointer, (int)entries).ToArray();
        byte[] strengths = new ReadOnlySpan<byte>(values.Pointer, (int)entries).ToArray();
        known.CopyTo(new Span<int>(latents.Ensure(room), known.Length));
        strengths.CopyTo(new Span<byte>(values.Ensure(room), strengths.Length));
    }
}
