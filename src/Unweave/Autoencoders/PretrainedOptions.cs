using System.Text.Json.Serialization;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>How pre-activations become codes.</summary>
[JsonConverter(typeof(CamelCaseEnum<CodeActivation>))]
internal enum CodeActivation
{
    /// <summary>Those above 0.</summary>
    Relu,

    /// <summary>tanh of those above 0.</summary>
    TanhRelu,

    /// <summary>Those above their latent's threshold.</summary>
    JumpRelu,

    /// <summary>The k largest of a row.</summary>
    TopK,

    /// <summary>The largest of each of k groups of consecutive latents.</summary>
    GroupMax,

    /// <summary>The k·rows largest of the whole batch.</summary>
    BatchTopK,

    /// <summary>relu(exp(r_mag)·u + b_mag) where u + b_gate is above 0, u the product without a bias.</summary>
    Gated,

    /// <summary>The nearest of a few levels.</summary>
    Levels,

    /// <summary>Latents chosen one after another, each by the residual that those before it left.</summary>
    MatchingPursuit,

    /// <summary>As matching pursuit, all values refitted after each choice.</summary>
    OrthogonalPursuit,
}

/// <summary>What is done to a vector before it is encoded.</summary>
[JsonConverter(typeof(CamelCaseEnum<InputNormalization>))]
internal enum InputNormalization
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is brought to the length √d.</summary>
    Length,

    /// <summary>All are brought to the mean length √d over the batch.</summary>
    BatchLength,

    /// <summary>(x − mean)/(standard deviation + 10⁻⁵), the deviation of n − 1.</summary>
    Layer,

    /// <summary>(x − norm_mean)·norm_scale, element by element.</summary>
    Elements,
}

/// <summary>What a latent is weighed by where it is compared with others or with a threshold.</summary>
[JsonConverter(typeof(CamelCaseEnum<LatentWeight>))]
internal enum LatentWeight
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The norm of its decoder row.</summary>
    Norm,

    /// <summary>The sum of the norms of the parts of its decoder row, of which each is one layer's.</summary>
    NormsOfParts,
}

/// <summary>
/// A dictionary that another library trained: its whole formula is in these settings, so that every dialect is read into one form and
/// written from it. It is used and converted, not trained.
/// </summary>
internal sealed record PretrainedOptions : DictionaryOptions
{
    private const int MostSteps = 1_000_000, MostFittedSteps = 4096;

    /// <summary>How pre-activations become codes.</summary>
    public CodeActivation Activation { get; init; }

    /// <summary>Latents kept: of a row, of a row on average (<see cref="CodeActivation.BatchTopK"/>), or the steps of a pursuit.</summary>
    public double K { get; init; }

    /// <summary>A value that equals its threshold is kept.</summary>
    public bool Inclusive { get; init; }

    /// <summary>Values below 0 are kept too, where the activation selects them.</summary>
    public bool Signed { get; init; }

    /// <summary>What is done to a vector before it is encoded.</summary>
    public InputNormalization Normalization { get; init; }

    /// <summary>The normalization is undone at the output.</summary>
    public bool Restores { get; init; }

    /// <summary>b_dec is subtracted from the (normalized) input.</summary>
    public bool Centered { get; init; }

    /// <summary>What latents are weighed by where they are selected.</summary>
    public LatentWeight Weight { get; init; }

    /// <summary>Codes are given weighed, and decoding divides by the weight; false: they are given unweighed.</summary>
    public bool GivesWeighed { get; init; }

    /// <summary>Parts of a vector, of equal width, one a layer: of a dictionary that spans several layers.</summary>
    public int Parts { get; init; } = 1;

    /// <summary>Pre-activations are multiplied by sigmoid(W_glu·x + b_glu).</summary>
    public bool Glu { get; init; }

    /// <summary>Each latent has a factor of its own at decoding.</summary>
    public bool LatentScale { get; init; }

    /// <summary>W_skip·x, of the vector as it is given, is added to the output.</summary>
    public bool Skip { get; init; }

    /// <summary>The encoder is the decoder.</summary>
    public bool Tied { get; init; }

    /// <summary>Sizes of the groups of a Matryoshka dictionary; empty for any other. They change nothing in the result.</summary>
    public IReadOnlyList<int> Groups { get; init; } = [];

    /// <summary>The levels of <see cref="CodeActivation.Levels"/>; those below 0 count as 0.</summary>
    public IReadOnlyList<float> Levels { get; init; } = [];

    /// <summary>A pursuit ends once the residual is shorter; 0 for never.</summary>
    public double ResidualThreshold { get; init; }

    /// <summary>Steps of projected gradient after each choice of an orthogonal pursuit.</summary>
    public int FittingSteps { get; init; }

    /// <summary>A matching pursuit ends with the first step that chooses no new latent.</summary>
    public bool StopsOnDuplicate { get; init; }

    /// <inheritdoc/>
    internal override string Title => Activation switch
    {
        CodeActivation.Relu => "ReLU",
        CodeActivation.TanhRelu => "tanh-ReLU",
        CodeActivation.JumpRelu => "JumpReLU",
        CodeActivation.TopK => "TopK",
        CodeActivation.GroupMax => "GroupMax",
        CodeActivation.BatchTopK => "BatchTopK",
        CodeActivation.Gated => "Gated",
        CodeActivation.Levels => "Quantized",
        CodeActivation.MatchingPursuit => "Matching pursuit",
        _ => "Orthogonal pursuit",
    };

    /// <inheritdoc/>
    internal override bool Trainable => false;

    /// <inheritdoc/>
    internal override bool MapsBetweenSpaces => true;

    /// <summary>Latents are chosen by a pursuit: there is no encoder.</summary>
    internal bool IsPursuit => Activation is CodeActivation.MatchingPursuit or CodeActivation.OrthogonalPursuit;

    /// <summary>The activation needs <see cref="K"/>.</summary>
    private bool NeedsK => Activation is CodeActivation.TopK or CodeActivation.GroupMax or CodeActivation.BatchTopK || IsPursuit;

    /// <inheritdoc/>
    public override string Describe()
    {
        string active = Activation is CodeActivation.TopK or CodeActivation.GroupMax or CodeActivation.BatchTopK
            ? Invariant($", {K:0.##} active")
            : "";
        return Invariant($"{Title}, {Latents:N0} latents{active}{(Skip ? ", with a skip connection" : "")}");
    }

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (NeedsK && K is not (> 0 and <= int.MaxValue)) throw new InputException($"k is {K}; {Title} needs one above 0.");
        if (NeedsK && Activation != CodeActivation.BatchTopK && K != Math.Floor(K))
            throw new InputException($"k is {K}; {Title} needs a whole number.");
        if (FittingSteps is < 0 or > MostFittedSteps)
            throw new InputException($"fittingSteps is {FittingSteps}; it lies between 0 and {MostFittedSteps}.");
        int most = Activation == CodeActivation.OrthogonalPursuit ? MostFittedSteps : StopsOnDuplicate ? int.MaxValue : MostSteps;
        if (IsPursuit && K > most) throw new InputException($"k is {K}; a pursuit of more than {most} steps takes too long.");
        if (Activation == CodeActivation.GroupMax && Latents % (int)K != 0)
            throw new InputException($"k is {K} but latents is {Latents}; groups of equal size need latents that k divides.");
        if (Activation == CodeActivation.Levels && (Levels.Count == 0 || Levels.Any(level => !float.IsFinite(level))))
            throw new InputException("levels is empty or has a number that is not finite; a quantized code needs levels.");
        if (Centered && inputWidth != outputWidth)
            throw new InputException($"centered is true, but inputs have width {inputWidth} and outputs {outputWidth}: b_dec is of one.");
        if ((Tied || IsPursuit) && inputWidth != outputWidth)
            throw new InputException($"The encoder is the decoder, but inputs have width {inputWidth} and outputs {outputWidth}.");
        if (Parts < 1 || outputWidth % Parts != 0)
            throw new InputException($"parts is {Parts}, which does not divide the width {outputWidth}.");
        if (ResidualThreshold is not (>= 0 and < double.PositiveInfinity))
            throw new InputException($"residualThreshold is {ResidualThreshold}; it must be 0 or more.");
        if (Glu && Activation is not (CodeActivation.Relu or CodeActivation.JumpRelu or CodeActivation.TopK))
            throw new InputException($"glu goes with relu, jumpRelu and topK; the activation is {Title}.");
        if (Restores && Normalization is not (InputNormalization.None or InputNormalization.Elements) && inputWidth != outputWidth)
            throw new InputException($"The scale of inputs of width {inputWidth} cannot be restored to outputs of width {outputWidth}.");
    }

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth)
    {
        double n = Latents, count = (n * outputWidth) + outputWidth;
        if (!IsPursuit) count += n + (Tied ? 0 : n * inputWidth);
        if (Activation == CodeActivation.JumpRelu) count += n;
        if (Activation == CodeActivation.Gated) count += 2 * n;
        if (Glu) count += n * (inputWidth + 1.0);
        if (LatentScale) count += n;
        if (Skip) count += (double)inputWidth * outputWidth;
        if (Normalization == InputNormalization.Elements) count += (2.0 * inputWidth) + (Restores ? 2.0 * outputWidth : 0);
        return count;
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => rng is null
        ? new PretrainedAutoencoder(this, inputWidth, outputWidth)
        : throw new InputException("The architecture pretrained is read from files; it has no initial weights.");
}
