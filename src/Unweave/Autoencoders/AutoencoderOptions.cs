using System.ComponentModel;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// What an autoencoder is: its architecture and the settings of its loss. A record is at once a part of the run file, of the command
/// line and of a checkpoint's metadata.
/// </summary>
/// <remarks>
/// The lines below are the registry of architectures: <see cref="Architecture.All"/> and with it run file, flags, schema, checkpoints,
/// command line and dashboard enumerate them, the first being the default. An architecture is one file (its record and its model),
/// one line here, and one page under <c>docs/maths</c>, named as here.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = Architecture.Key)]
[JsonDerivedType(typeof(TopKOptions), "topk")]
[JsonDerivedType(typeof(BatchTopKOptions), "batchtopk")]
[JsonDerivedType(typeof(MatryoshkaOptions), "matryoshka")]
[JsonDerivedType(typeof(HierarchicalTopKOptions), "hierarchical")]
[JsonDerivedType(typeof(AbsTopKOptions), "abstopk")]
[JsonDerivedType(typeof(CrosscoderOptions), "crosscoder")]
[JsonDerivedType(typeof(MatchingPursuitOptions), "pursuit")]
[JsonDerivedType(typeof(JumpReluOptions), "jumprelu")]
[JsonDerivedType(typeof(GatedOptions), "gated")]
[JsonDerivedType(typeof(ReluOptions), "relu")]
[JsonDerivedType(typeof(KlOptions), "kl")]
[JsonDerivedType(typeof(UndercompleteOptions), "undercomplete")]
[JsonDerivedType(typeof(VariationalOptions), "variational")]
[JsonDerivedType(typeof(PretrainedOptions), "pretrained")]
[JsonDerivedType(typeof(MultilayerOptions), "multilayer")]
[JsonDerivedType(typeof(TemporalOptions), "temporal")]
public abstract record AutoencoderOptions
{
    private protected AutoencoderOptions()
    {
    }

    /// <summary>The architecture in a word or two, as a title: <c>TopK</c>.</summary>
    internal abstract string Title { get; }

    /// <summary>The learning rate that is used when none is given.</summary>
    internal abstract double DefaultLearningRate { get; }

    /// <summary>False for an architecture that only infers: its autoencoders were trained by other libraries.</summary>
    internal virtual bool Trainable => true;

    /// <summary>True when targets other than the inputs are learned: a map between two spaces.</summary>
    internal virtual bool MapsBetweenSpaces => false;

    /// <summary>True when a setting makes it one that learns targets other than the inputs: <c>transcoder</c>.</summary>
    internal virtual bool CanMapBetweenSpaces => false;

    /// <summary>True when the loss revives dead latents by itself, so that resampling them too would be one cure too many.</summary>
    internal virtual bool RevivesDead => false;

    /// <summary>Why the data must come as they are, unscaled; null when they need not.</summary>
    internal virtual string? RefusesScaling => null;

    /// <summary>The autoencoder in a few words: <c>TopK, 4,096 latents, 32 active</c>.</summary>
    public abstract string Describe();

    /// <summary>Refuses contradictions among the settings and with the widths of the data.</summary>
    /// <param name="inputWidth">Width d of the inputs.</param>
    /// <param name="outputWidth">Width of the targets; the input width where inputs are their own targets.</param>
    /// <exception cref="InputException">Names both settings and the fix.</exception>
    public virtual void Validate(int inputWidth, int outputWidth)
    {
        if (inputWidth < 1 || outputWidth < 1)
            throw new InputException($"The vectors have width {Math.Min(inputWidth, outputWidth)}; they need at least one element.");
        if (inputWidth == outputWidth || MapsBetweenSpaces) return;
        throw RefuseTargets($"The inputs have width {inputWidth} and the targets {outputWidth}");
    }

    /// <summary>An error for targets that this autoencoder cannot learn.</summary>
    /// <param name="what">What the data have, the beginning of a sentence.</param>
    internal InputException RefuseTargets(string what) => new($"{what}, but this {Title} autoencoder reconstructs its input; "
        + (CanMapBetweenSpaces
            ? "set transcoder to true, or leave the targets out."
            : $"choose the architecture {Architecture.NamesWhere(Maps)}, or leave the targets out."));

    private static bool Maps(AutoencoderOptions options) =>
        options is { Trainable: true, MapsBetweenSpaces: true } or { CanMapBetweenSpaces: true };

    /// <summary>Refuses contradictions among the settings and with the width of vectors that are their own targets.</summary>
    /// <param name="width">Width d of the vectors.</param>
    /// <exception cref="InputException">Names both settings and the fix.</exception>
    public void Validate(int width) => Validate(width, width);

    /// <summary>
    /// Number of weights: what a model costs in memory, times 4 bytes; three times that in training, with Adam's moments.
    /// </summary>
    /// <param name="inputWidth">Width d of the inputs.</param>
    /// <param name="outputWidth">Width of the targets.</param>
    public abstract double ParameterCount(int inputWidth, int outputWidth);

    /// <summary>Makes an autoencoder of this kind.</summary>
    /// <param name="inputWidth">Width d of the inputs.</param>
    /// <param name="outputWidth">Width of the targets.</param>
    /// <param name="rng">Source of the initial weights; null leaves them zero, for weights that are read from a file.</param>
    public abstract Autoencoder Build(int inputWidth, int outputWidth, Rng? rng);

    /// <summary>Makes an autoencoder of this kind for vectors that are their own targets.</summary>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="rng">Source of the initial weights; null leaves them zero, for weights that are read from a file.</param>
    public Autoencoder Build(int width, Rng? rng) => Build(width, width, rng);

    /// <summary>Formats a text the same in every culture.</summary>
    private protected static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Refuses a coefficient that is negative or no number.</summary>
    private protected static void NotNegative(double value, [CallerArgumentExpression(nameof(value))] string property = "")
    {
        if (value is >= 0 and < double.PositiveInfinity) return;
        throw new InputException($"{System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(property)} is {value}; it must be 0 or more.");
    }
}

/// <summary>Settings that every autoencoder with a dictionary of latents has.</summary>
public abstract record DictionaryOptions : AutoencoderOptions
{
    private protected DictionaryOptions()
    {
    }

    /// <summary>Number of latents n in the dictionary. Default 4096.</summary>
    [Description("Number of latents in the dictionary.")]
    public int Latents { get; init; } = 4096;

    /// <summary>2e-4·√(16384/n): the best rate falls as 1/√n (Gao et al. 2024, section 3).</summary>
    internal override double DefaultLearningRate => 2e-4 * Math.Sqrt(16384.0 / Latents);

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth) =>
        (Latents * ((double)inputWidth + outputWidth + 1)) + outputWidth;

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (Latents < 1) throw new InputException($"latents is {Latents}; a dictionary needs at least one latent.");
    }
}
