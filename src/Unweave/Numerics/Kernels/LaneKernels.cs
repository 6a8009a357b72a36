using System.Numerics;

namespace Unweave.Numerics.Kernels;

/// <summary>The kernels, written once over the width of a register.</summary>
internal sealed unsafe class LaneKernels<L, V, TTile>(string name) : KernelSet
    where L : ILanes<V>
    where V : struct
    where TTile : ITile
{
    public override string Name => name;

    public override int TileRows => TTile.Rows;

    public override int TileColumns => TTile.Columns;

    public override void Multiply(float* x, float* w, nint depth, float* tile) => TTile.Multiply(x, w, depth, tile);

    public override void MultiplyRow(float* x, float* w, nint depth, float* row)
    {
        nint lanes = L.Count;
        for (nint c = 0; c < TTile.Columns; c += 3 * lanes)
        {
            V s0 = L.Broadcast(0), s1 = s0, s2 = s0;
            float* at = w + c;
            for (nint p = 0; p < depth; p++, at += TTile.Columns)
            {
                V a = L.Broadcast(x[p]);
                s0 = L.MultiplyAdd(a, L.Load(at), s0);
                s1 = L.MultiplyAdd(a, L.Load(at + lanes), s1);
                s2 = L.MultiplyAdd(a, L.Load(at + (2 * lanes)), s2);
            }

            L.Store(row + c, s0);
            L.Store(row + c + lanes, s1);
            L.Store(row + c + (2 * lanes), s2);
        }
    }

    public override int AppendAbove(float* row, float* bias, float threshold, int* ids, float* values, int* latents)
    {
        int appended = 0;
        V bound = L.Broadcast(threshold);
        for (int c = 0; c < TTile.Columns; c += L.Count)
        {
            V sum = L.Add(L.Load(row + c), L.Load(bias + c));
            uint above = L.Above(sum, bound);
            if (above == 0) continue;
            L.Store(row + c, sum);
            do
            {
                int column = c + BitOperations.TrailingZeroCount(above);
                values[appended] = row[column];
                latents[appended++] = ids[column];
                above &= above - 1;
            }
            while (above != 0);
        }

        return appended;
    }

    public override void WeightedSum(float* destination, float* matrix, nint width, int* rows, float* weights, nint count)
    {
        nint lanes = L.Count, j = 0;

        // Eight rows at a time: eight streams keep the memory busy, and the destination is loaded and stored once for the eight.
        for (; j + 8 <= count; j += 8)
        {
            float* r0 = matrix + (rows[j] * width), r1 = matrix + (rows[j + 1] * width), r2 = matrix + (rows[j + 2] * width), r3 = matrix
                + (rows[j + 3] * width);
            float* r4 = matrix + (rows[j + 4] * width), r5 = matrix + (rows[j + 5] * width), r6 = matrix
                + (rows[j + 6] * width), r7 = matrix + (rows[j + 7] * width);
            V w0 = L.Broadcast(weights[j]), w1 = L.Broadcast(weights[j + 1]), w2 = L.Broadcast(weights[j + 2]), w3 = L
                .Broadcast(weights[j + 3]);
            V w4 = L.Broadcast(weights[j + 4]), w5 = L.Broadcast(weights[j + 5]), w6 = L.Broadcast(weights[j + 6]), w7 = L
                .Broadcast(weights[j + 7]);
            nint c = 0;
            for (; c + lanes <= width; c += lanes)
            {
                V sum = L.Load(destination + c);
                sum = L.MultiplyAdd(w0, L.Load(r0 + c), sum);
                sum = L.MultiplyAdd(w1, L.Load(r1 + c), sum);
                sum = L.MultiplyAdd(w2, L.Load(r2 + c), sum);
                sum = L.MultiplyAdd(w3, L.Load(r3 + c), sum);
                sum = L.MultiplyAdd(w4, L.Load(r4 + c), sum);
                sum = L.MultiplyAdd(w5, L.Load(r5 + c), sum);
                sum = L.MultiplyAdd(w6, L.Load(r6 + c), sum);
                sum = L.MultiplyAdd(w7, L.Load(r7 + c), sum);
                L.Store(destination + c, sum);
            }

            for (; c < width; c++)
                for (nint i = j; i < j + 8; i++) destination[c] += weights[i] * matrix[(rows[i] * width) + c];
        }

        for (; j < count; j++) AddScaled(destination, matrix + (rows[j] * width), weights[j], width);
    }

    public override void Dots(float* vector, float* matrix, nint width, int* rows, float* results, nint count)
    {
        nint lanes = L.Count, j = 0;
        for (; j + 4 <= count; j += 4)
        {
            float* r0 = matrix + (rows[j] * width), r1 = matrix + (rows[j + 1] * width), r2 = matrix + (rows[j + 2] * width), r3 = matrix
                + (rows[j + 3] * width);
            V s0 = L.Broadcast(0), s1 = s0, s2 = s0, s3 = s0;
            nint c = 0;
            for (; c + lanes <= width; c += lanes)
            {
                V v = L.Load(vector + c);
                s0 = L.MultiplyAdd(v, L.Load(r0 + c), s0);
                s1 = L.MultiplyAdd(v, L.Load(r1 + c), s1);
                s2 = L.MultiplyAdd(v, L.Load(r2 + c), s2);
                s3 = L.MultiplyAdd(v, L.Load(r3 + c), s3);
            }

            float t0 = L.Sum(s0), t1 = L.Sum(s1), t2 = L.Sum(s2), t3 = L.Sum(s3);
            for (; c < width; c++)
            {
                t0 += vector[c] * r0[c];
                t1 += vector[c] * r1[c];
                t2 += vector[c] * r2[c];
                t3 += vector[c] * r3[c];
            }

            results[j] = t0;
            results[j + 1] = t1;
            results[j + 2] = t2;
            results[j + 3] = t3;
        }

        for (; j < count; j++) results[j] = Dot(vector, matrix + (rows[j] * width), width);
    }

    public override float Dot(float* a, float* b, nint count)
    {
        nint lanes = L.Count, c = 0;
        V s0 = L.Broadcast(0), s1 = s0;
        for (; c + (2 * lanes) <= count; c += 2 * lanes)
        {
            s0 = L.MultiplyAdd(L.Load(a + c), L.Load(b + c), s0);
            s1 = L.MultiplyAdd(L.Load(a + c + lanes), L.Load(b + c + lanes), s1);
        }

        for (; c + lanes <= count; c += lanes) s0 = L.MultiplyAdd(L.Load(a + c), L.Load(b + c), s0);
        float total = L.Sum(L.Add(s0, s1));
        for (; c < count; c++) total += a[c] * b[c];
        return total;
    }

    public override void AddScaled(float* destination, float* source, float scale, nint count)
    {
        nint lanes = L.Count, c = 0;
        V w = L.Broadcast(scale);
        for (; c + lanes <= count; c += lanes) L.Store(destination + c, L.MultiplyAdd(w, L.Load(source + c), L.Load(destination + c)));
        for (; c < count; c++) destination[c] += scale * source[c];
    }

    public override void Scale(float* destination, float scale, nint count)
    {
        nint lanes = L.Count, c = 0;
        V w = L.Broadcast(scale);
        for (; c + lanes <= count; c += lanes) L.Store(destination + c, L.Multiply(w, L.Load(destination + c)));
        for (; c < count; c++) destination[c] *= scale;
    }

    public override void Adam(float* weights, float* first, float* second, float* gradient, nint count, in AdamStep step)
    {
        nint lanes = L.Count, c = 0;
        float keep1 = step.Beta1, take1 = 1 - step.Beta1, keep2 = step.Beta2, take2 = 1 - step.Beta2;
        V beta1 = L.Broadcast(keep1), rest1 = L.Broadcast(take1), beta2 = L.Broadcast(keep2), rest2 = L.Broadcast(take2);
        V epsilon = L.Broadcast(step.Epsilon), rate = L.Broadcast(step.Rate), scale = L.Broadcast(step.SecondMomentScale);
        for (; c + lanes <= count; c += lanes)
        {
            V g = L.Load(gradient + c);
            V m = L.MultiplyAdd(beta1, L.Load(first + c), L.Multiply(rest1, g));
            V s = L.MultiplyAdd(beta2, L.Load(second + c), L.Multiply(rest2, L.Multiply(g, g)));
            L.Store(first + c, m);
            L.Store(second + c, s);
            V change = L.Divide(L.Multiply(rate, m), L.Add(L.Sqrt(L.Multiply(scale, s)), epsilon));
            L.Store(weights + c, L.Subtract(L.Load(weights + c), change));
        }

        for (; c < count; c++)
        {
            float g = gradient[c];
            float m = first[c] = (keep1 * first[c]) + (take1 * g);
            float s = second[c] = (keep2 * second[c]) + (take2 * (g * g));
            weights[c] -= step.Rate * m / (MathF.Sqrt(step.SecondMomentScale * s) + step.Epsilon);
        }
    }
}
