using System.ComponentModel;

namespace Unweave.Autoencoders;

/// <summary>Settings of a dictionary with sparse codes that is trained here.</summary>
public abstract record SparseOptions : DictionaryOptions
{
    private protected SparseOptions()
    {
    }

    /// <summary>
    /// True: vectors are mapped to targets of their own, another hook's activations of the same rows (Dunefsky et al. 2024,
    /// "Transcoders find interpretable LLM feature circuits"); the encoder then reads x, as b_dec is of the targets' space. Default false.
    /// </summary>
    [Description("Maps inputs to targets of their own (a transcoder): the encoder then does not subtract b_dec.")]
    public bool Transcoder { get; init; }

    /// <summary>
    /// True adds W_skip·x to the reconstruction of a transcoder, the best linear map beside the dictionary (Paulo et al. 2025,
    /// "Transcoders beat sparse autoencoders for interpretability"). Default false.
    /// </summary>
    [Description("Adds a linear map of the input to a transcoder's reconstruction (a skip connection).")]
    public bool Skip { get; init; }

    /// <summary>
    /// t of the row weights softmax(t·ℓ_r/mean ℓ), which tilt the loss towards rows that are badly reconstructed (TERM, Li et al. 2021);
    /// 0 weighs all rows alike. Default 0.
    /// </summary>
    [Description("Tilts the loss towards rows that are badly reconstructed, by softmax(tilt·error/mean error); 0 weighs all alike.")]
    public double Tilt { get; init; }

    /// <summary>
    /// Weight of the penalty on alike decoder rows, the mean over rows of the largest squared cosine to another of the same chunk (OrtSAE,
    /// Korznikov et al. 2025); 0 for none. Default 0.
    /// </summary>
    [Description("Weight of the penalty on decoder rows that are alike, the mean of each row's largest squared cosine; 0 for none.")]
    public double OrthogonalityCoefficient { get; init; }

    /// <summary>Decoder rows that are compared with each other at a time, drawn anew each time. Default 1024.</summary>
    [Description("Decoder rows that the orthogonality penalty compares with each other, drawn anew each time.")]
    public int OrthogonalityChunk { get; init; } = 1024;

    /// <summary>Steps between two that have the orthogonality penalty, which then counts as much more. Default 5.</summary>
    [Description("Steps between two that have the orthogonality penalty.")]
    public int OrthogonalityEvery { get; init; } = 5;

    /// <summary>
    /// Decoder rows start as random directions within so many principal components of the targets, where the data are, so that fewer
    /// latents start where nothing is (He et al. 2025, arXiv 2508.16929); null takes all directions. Default null.
    /// </summary>
    [Description("Decoder rows start within so many principal components of the data; null takes all directions.")]
    public int? ActiveSubspace { get; init; }

    /// <inheritdoc/>
    internal override bool MapsBetweenSpaces => Transcoder;

    /// <inheritdoc/>
    internal override bool CanMapBetweenSpaces => true;

    /// <summary>What follows the description of an architecture: that it is a transcoder.</summary>
    private protected string Mapping => Transcoder ? Skip ? ", transcoder with skip" : ", transcoder" : "";

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth) =>
        base.ParameterCount(inputWidth, outputWidth) + (Skip ? (double)inputWidth * outputWidth : 0);

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (Skip && !Transcoder)
        {
            throw new InputException("skip is true but transcoder is false: a linear map of the input to itself needs no dictionary; set "
                + "skip to false, or transcoder to true and give targets.");
        }

        NotNegative(Tilt);
        if (ActiveSubspace is < 1) throw new InputException($"activeSubspace is {ActiveSubspace}; it must be 1 or more, or null for all.");
        if (ActiveSubspace > outputWidth)
            throw new InputException($"activeSubspace is {ActiveSubspace} but the vectors have width {outputWidth}; lower activeSubspace.");
        NotNegative(OrthogonalityCoefficient);
        if (OrthogonalityChunk < 2) throw new InputException($"orthogonalityChunk is {OrthogonalityChunk}; it takes two rows to compare.");
        if (OrthogonalityEvery < 1) throw new InputException($"orthogonalityEvery is {OrthogonalityEvery}; it must be 1 or more.");
    }
}

/// <summary>Settings of a dictionary whose active latents are selected by their number, and whose dead ones AuxK revives.</summary>
public abstract record SelectionOptions : SparseOptions
{
    private protected SelectionOptions()
    {
    }

    /// <summary>Latents kept for a row; where a batch shares them, on average. Default 32.</summary>
    [Description("Latents kept active for a row; where a batch shares them, on average.")]
    public int K { get; init; } = 32;

    /// <summary>
    /// k of the first step, which moves to <see cref="K"/> by equal steps over <see cref="KFraction"/> of the run; null keeps k. Default
    /// null.
    /// </summary>
    [Description("k of the first step, which then moves to k; null keeps k throughout.")]
    public int? InitialK { get; init; }

    /// <summary>Share of the run over which <see cref="InitialK"/> moves to <see cref="K"/>. Default 1.</summary>
    [Description("Share of the run over which initialK moves to k.")]
    public double KFraction { get; init; } = 1;

    /// <summary>
    /// Dead latents that model the residual in AuxK; 0 turns AuxK off; null takes half the width, rounded down to a power of two. Default
    /// null.
    /// </summary>
    [Description("Dead latents that model the residual (AuxK); 0 turns it off; null takes half the input width rounded down to a power "
        + "of two.")]
    public int? AuxK { get; init; }

    /// <summary>Weight α of the AuxK loss. Default 1/32.</summary>
    [Description("Weight of the AuxK loss.")]
    public double AuxCoefficient { get; init; } = 1.0 / 32;

    /// <summary>
    /// η of a second encoding, of x_c + η(x_c − Σ z⁰ W_dec) with z⁰ the first codes: one step of iterative shrinkage-thresholding (ISTA,
    /// Daubechies et al. 2004; Gregor and LeCun 2010), which finds latents that others hid, for a second product. 0 encodes once. Default
    /// 0.
    /// </summary>
    [Description("Step of a second encoding, of the input plus this share of what the first codes leave over (ISTA); 0 encodes once.")]
    public double IstaStep { get; init; }

    /// <summary>
    /// Weight λ of the usage-balance term λ·(n/k)·Σ m_i², m_i the mean of a latent over the batch: it evens out how often latents are
    /// active, which makes an index over the codes faster, at some cost in reconstruction. Default 0: none.
    /// </summary>
    [Description("Weight of the term that evens out how often latents are active (an index over the codes is then faster); 0 for none.")]
    public double BalanceCoefficient { get; init; }

    /// <inheritdoc/>
    internal override bool RevivesDead => AuxK is not 0 && AuxCoefficient > 0;

    /// <summary>k of a step.</summary>
    /// <param name="progress">Share of the run before the step.</param>
    internal double KAt(double progress) =>
        InitialK is { } first && progress < KFraction ? first + ((K - first) * (progress / KFraction)) : K;

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (K < 1) throw new InputException($"k is {K}; at least one latent has to stay active.");
        if (K > Latents) throw new InputException($"k is {K} but latents is {Latents}; lower k or raise latents.");
        if (InitialK is < 1) throw new InputException($"initialK is {InitialK}; at least one latent has to stay active.");
        if (InitialK > Latents) throw new InputException($"initialK is {InitialK} but latents is {Latents}; lower initialK.");
        if (KFraction is not (> 0 and <= 1)) throw new InputException($"kFraction is {KFraction}; it must lie in (0, 1].");
        if (AuxK is < 0) throw new InputException($"auxK is {AuxK}; use 0 to turn AuxK off.");
        NotNegative(AuxCoefficient);
        NotNegative(BalanceCoefficient);
        if (IstaStep is not (>= 0 and < 1)) throw new InputException($"istaStep is {IstaStep}; it must lie in [0, 1).");
        if (IstaStep > 0 && Transcoder)
        {
            throw new InputException($"istaStep is {IstaStep} but transcoder is true: what codes leave over of a target cannot be encoded "
                + "as an input; set istaStep to 0.");
        }
    }

    /// <summary>Refuses a setting that another one leaves without meaning.</summary>
    private protected static void Contradiction(bool holds, string message)
    {
        if (holds) throw new InputException(message);
    }
}
