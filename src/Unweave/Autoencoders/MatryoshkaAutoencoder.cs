using System.ComponentModel;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// Matryoshka BatchTopK (Bussmann et al. 2025): nested prefixes of the dictionary reconstruct by themselves, so that general latents are
/// not absorbed by special ones.
/// </summary>
public sealed record MatryoshkaOptions : BatchSelectionOptions
{
    private static readonly int[] Shares = [32, 8, 4, 2]; // of the dictionary, where no prefixes are given

    /// <summary>
    /// Sizes of the nested sets of latents inside the whole dictionary, ascending; empty takes a 32nd, an eighth, a quarter and half of it.
    /// Default empty.
    /// </summary>
    [Description("Sizes of the nested sets inside the whole dictionary, ascending; empty takes 1/32, 1/8, 1/4 and 1/2 of it.")]
    public IReadOnlyList<int> Prefixes { get; init; } = [];

    /// <summary>Weight of each prefix's loss beside that of the whole dictionary. Default 1.</summary>
    [Description("Weight of each prefix's loss beside that of the whole dictionary.")]
    public double PrefixWeight { get; init; } = 1;

    /// <summary>
    /// True: a prefix's loss moves the latents that it adds to the one inside it, whose reconstruction is held fixed; the loss of the whole
    /// dictionary moves all. Default false.
    /// </summary>
    [Description("A prefix's loss moves only the latents that it adds to the one inside it, whose reconstruction is held fixed.")]
    public bool DetachPrefixes { get; init; }

    /// <summary>
    /// True: prefixes are over the latents in order of how often they fire (a running mean), not in the order of the dictionary. Default
    /// false.
    /// </summary>
    [Description("Prefixes are over latents in order of how often they fire, not in the order of the dictionary.")]
    public bool SortByFrequency { get; init; }

    /// <inheritdoc/>
    internal override string Title => "Matryoshka";

    /// <summary>The sizes of the nested sets, without the whole dictionary.</summary>
    internal int[] InnerSizes => Prefixes.Count > 0
        ? [.. Prefixes]
        : [.. Shares.Select(share => Latents / share).Where(size => size > 0 && size < Latents).Distinct()];

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(PrefixWeight);
        for (int i = 0; i < Prefixes.Count; i++)
        {
            if (Prefixes[i] < 1 || (i > 0 && Prefixes[i] <= Prefixes[i - 1]))
                throw new InputException($"prefixes is [{string.Join(", ", Prefixes)}]; the sizes ascend, from 1.");
            if (Prefixes[i] < Latents) continue;
            throw new InputException($"prefixes has {Prefixes[i]} but latents is {Latents}; prefixes lie inside the dictionary, whose own "
                + "loss is always there: leave out what is not below latents.");
        }
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new MatryoshkaAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// The Matryoshka BatchTopK autoencoder (Bussmann, Nabeshima, Karvonen and Nanda 2025, "Learning multi-level features with Matryoshka
/// sparse autoencoders"): encoded as BatchTopK; trained on ‖x − x̂‖² + w Σ_l ‖x − x̂_l‖², x̂_l from the latents of prefix l alone.
/// </summary>
/// <remarks>
/// With prefixes over latents sorted by how often they fire and detached inner reconstructions this is the form that leads on known
/// features. Prefixes are an index: weights are never moved.
/// </remarks>
internal sealed class MatryoshkaAutoencoder(MatryoshkaOptions options, int inputWidth, int outputWidth, Rng? rng)
    : BatchTopKAutoencoder(options, inputWidth, outputWidth, rng)
{
    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, options, workers);

    private sealed class Gradients : BatchGradients
    {
        private const float FrequencyDecay = 0.99f;

        private readonly MatryoshkaOptions options;
        private readonly int[] sizes;
        private readonly int[] groupOf;
        private readonly SparseCodes[] groups;
        private readonly double[] setWeights;
        private readonly Matrix? frequency;
        private readonly double[][] setErrors;

        public Gradients(MatryoshkaAutoencoder model, MatryoshkaOptions options, Workers workers)
            : base(model, workers)
        {
            this.options = options;
            sizes = [.. options.InnerSizes, options.Latents];
            groupOf = new int[options.Latents];
            groups = [.. sizes.Select(_ => new SparseCodes(options.Latents))];
            setWeights = [.. sizes.Select((_, set) => set == sizes.Length - 1 ? 1 : options.PrefixWeight)];
            setErrors = new double[sizes.Length][];
            for (int latent = 0, group = 0; latent < groupOf.Length; latent++)
            {
                if (latent == sizes[group]) group++;
                groupOf[latent] = group;
            }

            if (!options.SortByFrequency) return;
            frequency = new Matrix(1, options.Latents);
            frequency.AsSpan().Fill(-1); // not yet seen: the first batch sets it
            State = [new Parameter("firing_frequency", frequency)];
        }

        public override IReadOnlyList<Parameter> State { get; } = [];

        public override void Dispose()
        {
            base.Dispose();
            frequency?.Dispose();
        }

        protected override (double Loss, double Others, int Terms) Reconstruct()
        {
            if (frequency is not null) SortByFrequency(frequency.Row(0));
            Divide();
            for (int set = 0; set < sizes.Length; set++)
                setErrors[set] = set == sizes.Length - 1 ? Errors : setErrors[set]?.Length == Errors.Length ? setErrors[set]
                    : new double[Errors.Length];
            Backward.ReconstructNested(
                groups, Target, setErrors, setWeights, options.Tilt, options.DetachPrefixes, LastError);
            double inner = 0;
            for (int set = 0; set < sizes.Length - 1; set++) inner += setWeights[set] * RowWeights.Loss(setErrors[set], options.Tilt);
            return (RowWeights.Loss(Errors, options.Tilt), inner, sizes.Length);
        }

        protected override (Matrix Error, float Scale) FinalError(int batch) => (LastError, 1);

        // Of latents that fire equally often, the first in the dictionary comes first.
        private void SortByFrequency(Span<float> running)
        {
            int[] fired = new int[running.Length];
            foreach (int latent in Codes.AllLatents) fired[latent]++;
            float[] keys = new float[running.Length];
            int[] order = new int[running.Length];
            for (int latent = 0; latent < fired.Length; latent++)
            {
                float now = (float)fired[latent] / Codes.Rows;
                running[latent] = running[latent] < 0 ? now : (FrequencyDecay * running[latent]) + ((1 - FrequencyDecay) * now);
                (keys[latent], order[latent]) = (-running[latent], latent);
            }

            Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));
            for (int rank = 0, group = 0; rank < order.Length; rank++)
            {
                if (rank == sizes[group]) group++;
                groupOf[order[rank]] = group;
            }
        }

        // The codes of each group.
        private void Divide()
        {
            int rows = Codes.Rows;
            int[][] lengths = [.. groups.Select(_ => new int[rows])];
            for (int r = 0; r < rows; r++)
                foreach (int latent in Codes.Latents(r)) lengths[groupOf[latent]][r]++;
            for (int g = 0; g < groups.Length; g++) groups[g].Layout(lengths[g]);
            int[] written = new int[groups.Length];
            ReadOnlySpan<int> latents = Codes.AllLatents;
            ReadOnlySpan<float> values = Codes.AllValues;
            for (int j = 0; j < latents.Length; j++)
            {
                int group = groupOf[latents[j]], at = written[group]++;
                groups[group].LatentsForWriting[at] = latents[j];
                groups[group].ValuesForWriting[at] = values[j];
            }
        }
    }
}
