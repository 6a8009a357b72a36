namespace Unweave.Retrieval.Segments;

/// <summary>Rows to be written into a segment: new documents, or those of earlier segments.</summary>
internal interface IIndexedRows
{
    /// <summary>The key, in UTF-8.</summary>
    ReadOnlySpan<byte> Key(int row);

    /// <summary>The text, in UTF-8.</summary>
    ReadOnlySpan<byte> Text(int row);

    /// <summary>The fields, as a JSON object; empty for none.</summary>
    ReadOnlySpan<byte> Fields(int row);

    /// <summary>The code.</summary>
    CodeRow Code(int row);

    /// <summary>The vector as the store keeps it; empty where it keeps none.</summary>
    ReadOnlySpan<byte> Stored(int row);

    /// <summary>The factor of the vector that is kept.</summary>
    float StoredScale(int row);
}

/// <summary>A row's code, as it is kept: of each active latent f_i/‖x̂‖ in 8 bits.</summary>
internal readonly unsafe ref struct CodeRow
{
    private readonly void* latents;
    private readonly bool wide;

    public CodeRow(void* latents, bool wide, byte* values, int count, float scale, float inverse)
    {
        this.latents = latents;
        this.wide = wide;
        Values = values;
        (Count, Scale, Inverse) = (count, scale, inverse);
    }

    /// <summary>How many latents are active.</summary>
    public int Count { get; }

    /// <summary>What 1 of <see cref="Values"/> is worth.</summary>
    public float Scale { get; }

    /// <summary>1/‖x̂‖.</summary>
    public float Inverse { get; }

    /// <summary>The values of the active latents, 1 to 255, in order of the latents.</summary>
    public byte* Values { get; }

    /// <summary>An active latent; they ascend.</summary>
    public int Latent(int i) => wide ? ((int*)latents)[i] : ((ushort*)latents)[i];

    /// <summary>q·x̂/‖x̂‖.</summary>
    /// <param name="products">q·W_i of every latent.</param>
    /// <param name="bias">q·b.</param>
    public double Score(ReadOnlySpan<float> products, double bias)
    {
        fixed (float* p = products)
        {
            float sum = 0;
            if (wide)
            {
                for (int i = 0; i < Count; i++) sum += Values[i] * p[((int*)latents)[i]];
            }
            else
            {
                // Two sums, so that the additions need not wait for each other.
                float other = 0;
                int i = 0;
                for (; i + 2 <= Count; i += 2)
                {
                    sum += Values[i] * p[((ushort*)latents)[i]];
                    other += Values[i + 1] * p[((ushort*)latents)[i + 1]];
                }

                if (i < Count) sum += Values[i] * p[((ushort*)latents)[i]];
                sum += other;
            }

            return ((double)Scale * sum) + (bias * Inverse);
        }
    }
}
