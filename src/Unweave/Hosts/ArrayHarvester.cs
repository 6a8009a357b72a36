using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>Runs a host model that is fed arrays of numbers (images, audio, features) over files of them, an input a document.</summary>
internal static class ArrayHarvester
{
    private const int Batch = 16;

    /// <summary>
    /// Describes a harvest of arrays before it is made; the inputs are read once, for a hash that tells them from others.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="hooks">The hooks.</param>
    /// <param name="inputs">One source for each array that the model is fed, in its order: a row is one input, row-major.</param>
    /// <param name="type">How activations are stored.</param>
    /// <param name="rowsPerShard">Rows of a shard.</param>
    /// <exception cref="InputException">The model is fed something else.</exception>
    public static HarvestManifest Describe(
        IHostModel model,
        IReadOnlyList<Hook> hooks,
        IReadOnlyList<IActivationSource> inputs,
        ElementType type = ElementType.Float16,
        int rowsPerShard = 65_536)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(hooks);
        ArgumentNullException.ThrowIfNull(inputs);
        if (model.Input.Tokens) throw new InputException($"{model.Name} is fed tokens, not arrays of numbers; give it texts.");
        string names = string.Join(", ", model.Input.Arrays.Select(array => array.Name));
        if (inputs.Count != model.Input.Arrays.Count)
        {
            throw new InputException($"{model.Name} is fed {model.Input.Arrays.Count} arrays ({names}), and {inputs.Count} are given; "
                + $"give one file for each, in that order.");
        }

        if (inputs.FirstOrDefault(input => input.Rows != inputs[0].Rows) is { } other)
        {
            throw new InputException($"{other.Name} has {other.Rows} rows, {inputs[0].Name} has {inputs[0].Rows}; the arrays of one "
                + $"model need one row each for every input.");
        }

        return new HarvestManifest
        {
            Model = new HarvestInput(model.Name, model.Hash),
            Tokenizer = new HarvestInput("none", ""),
            Corpus = new HarvestInput(string.Join(", ", inputs.Select(input => input.Name)), ContentHash(inputs)),
            Hooks = [.. hooks.Select(hook => new HarvestHook(hook.Name, hook.Width))],
            ElementType = type,
            ContextLength = 1,
            KeepsStart = true,
            RowsPerShard = rowsPerShard,
            Settings = Harvester.InputSettings(model.Input),
        };
    }

    /// <summary>
    /// Runs the inputs that a harvest does not have yet, and completes it. A row's position is its place in its input (a pixel, a frame);
    /// its token is −1.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="hooks">The hooks; of one input, all have the same number of rows.</param>
    /// <param name="inputs">As in <see cref="Describe"/>.</param>
    /// <param name="writer">The harvest.</param>
    /// <param name="progress">Told the number of rows after each input.</param>
    /// <param name="cancellationToken">Stops between batches; the harvest can be resumed.</param>
    /// <exception cref="InputException">The hooks have different numbers of rows.</exception>
    public static void Run(
        IHostModel model,
        IReadOnlyList<Hook> hooks,
        IReadOnlyList<IActivationSource> inputs,
        HarvestWriter writer,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(hooks);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(writer);
        if (writer.Finished) return;
        using IHostRun run = model.Open(new HostPlan(hooks));
        int batch = model.Input.FixedBatch ?? Batch;
        for (long first = writer.NextDocument; first < inputs[0].Rows; first += batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(batch, inputs[0].Rows - first);

            // A model of a fixed batch gets its last inputs filled up with the very last one.
            long[] rows = [.. Enumerable.Range(0, model.Input.FixedBatch ?? count).Select(i => Math.Min(first + i, inputs[0].Rows - 1))];
            Matrix[] arrays = [.. inputs.Select(input => new Matrix(rows.Length, input.Width))];
            for (int i = 0; i < arrays.Length; i++) inputs[i].Read(rows, arrays[i]);
            run.Run(new ArrayBatch(arrays, [.. inputs.Select(input => (input as ArrayFile)?.Shape)]));
            foreach (Matrix array in arrays) array.Dispose();
            int[] perInput = [.. hooks.Select((_, i) => run.Activations(i).Rows / rows.Length)];
            if (perInput.Distinct().Count() > 1)
            {
                throw new InputException($"{model.Name}: of one input, "
                    + $"{string.Join(", ", hooks.Select((hook, i) => $"{hook.Name} has {perInput[i]} rows"))}; harvest them one by one.");
            }

            for (int i = 0; i < count; i++) Append(writer, run, hooks, first + i, i, perInput[0]);
            progress?.Report(writer.Rows);
        }

        writer.Complete();
    }

    /// <summary>SHA-256 of the inputs' sizes and numbers, so that inputs edited in place are other inputs.</summary>
    internal static string ContentHash(IReadOnlyList<IActivationSource> inputs)
    {
        const int BlockElements = 1 << 20;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (IActivationSource input in inputs)
        {
            hash.AppendData(MemoryMarshal.AsBytes<long>([input.Rows, input.Width]));
            long[] rows = new long[Math.Min(input.Rows, Math.Max(1, BlockElements / input.Width))];
            for (long first = 0; first < input.Rows; first += rows.Length)
            {
                Span<long> block = rows.AsSpan(0, (int)Math.Min(rows.Length, input.Rows - first));
                for (int i = 0; i < block.Length; i++) block[i] = first + i;
                using var values = new Matrix(block.Length, input.Width);
                input.Read(block, values);
                hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(HarvestWriter writer, IHostRun run, IReadOnlyList<Hook> hooks, long number, int place, int rows)
    {
        Matrix[] own = [.. hooks.Select((hook, i) => new Matrix(rows, hook.Width, run.Activations(i).AsSpan()
            .Slice(place * rows * hook.Width, rows * hook.Width)))];
        int[] tokens = new int[rows];
        Array.Fill(tokens, -1);
        writer.Append(number, number.ToString(CultureInfo.InvariantCulture), tokens, [.. Enumerable.Range(0, rows)], own);
        foreach (Matrix matrix in own) matrix.Dispose();
    }
}
