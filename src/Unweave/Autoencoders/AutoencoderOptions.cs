using System.ComponentModel;
using System.Text.Json.Serialization;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// What an autoencoder is: its architecture and the settings of its loss. The set of kinds is closed; a record is at once a part
/// of the run file, of the command line and of a checkpoint's metadata.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "architecture")]
[JsonDerivedType(typeof(TopKOptions), "topk")]
[JsonDerivedType(typeof(ReluOptions), "relu")]
[JsonDerivedType(typeof(KlOptions), "kl")]
[JsonDerivedType(typeof(UndercompleteOptions), "undercomplete")]
[JsonDerivedType(typeof(VariationalOptions), "variational")]
public abstract record AutoencoderOptions
{
    private protected AutoencoderOptions()
    {
    }

    /// <summary>Refuses contradictions among the settings and with the width of the data.</summary>
    /// <param name="inputWidth">Width d of the vectors.</param>
    /// <exception cref="InputException">Names both settings and the fix.</exception>
    public abstract void Validate(int inputWidth);

    /// <summary>Makes an autoencoder of this kind with fresh weights.</summary>
    /// <param name="inputWidth">Width d of the vectors.</param>
    /// <param name="rng">Source of the initial weights.</param>
    public abstract Autoencoder Build(int inputWidth, Rng rng);
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

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        if (inputWidth < 1) throw new InputException($"The vectors have width {inputWidth}; they need at least one element.");
        if (Latents < 1) throw new InputException($"latents is {Latents}; a dictionary needs at least one latent.");
    }
}

/// <summary>TopK (Gao et al. 2024): the k largest pre-activations of a row are kept.</summary>
public sealed record TopKOptions : DictionaryOptions
{
    /// <summary>Latents kept for each row. Default 32.</summary>
    [Description("Latents kept active for each row.")]
    public int K { get; init; } = 32;

    /// <summary>Dead latents that model the residual in AuxK; 0 turns AuxK off; null takes half the input width, rounded down to a power of two. Default null.</summary>
    [Description("Dead latents that model the residual (AuxK); 0 turns it off; null takes half the input width rounded down to a power of two.")]
    public int? AuxK { get; init; }

    /// <summary>Weight α of the AuxK loss. Default 1/32.</summary>
    [Description("Weight of the AuxK loss.")]
    public double AuxCoefficient { get; init; } = 1.0 / 32;

    /// <summary>Second, larger k of the Multi-TopK loss; 0 turns it off. The paper uses 4·k. Default 0.</summary>
    [Description("Second, larger k of the Multi-TopK loss (the paper uses 4k); 0 turns it off.")]
    public int MultiK { get; init; }

    /// <summary>Weight of the Multi-TopK loss. Default 1/8; ignored when <see cref="MultiK"/> is 0.</summary>
    [Description("Weight of the Multi-TopK loss; ignored when multiK is 0.")]
    public double MultiCoefficient { get; init; } = 1.0 / 8;

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        base.Validate(inputWidth);
        if (K < 1) throw new InputException($"k is {K}; at least one latent has to stay active.");
        if (K > Latents) throw new InputException($"k is {K} but latents is {Latents}; lower k or raise latents.");
        if (AuxK is < 0) throw new InputException($"auxK is {AuxK}; use 0 to turn AuxK off.");
        if (MultiK != 0 && MultiK <= K) throw new InputException($"multiK is {MultiK} but k is {K}; multiK must be larger than k (the paper uses {4 * (long)K}), or 0 for none.");
        if (MultiK > Latents) throw new InputException($"multiK is {MultiK} but latents is {Latents}; lower multiK or raise latents.");
        if (!(AuxCoefficient >= 0)) throw new InputException($"auxCoefficient is {AuxCoefficient}; it must be 0 or more.");
        if (!(MultiCoefficient >= 0)) throw new InputException($"multiCoefficient is {MultiCoefficient}; it must be 0 or more.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, Rng rng) => new TopKAutoencoder(this, inputWidth, rng);
}

/// <summary>ReLU with an L1 penalty (Bricken et al. 2023; with free decoder norms, Anthropic's April 2024 update).</summary>
public sealed record ReluOptions : DictionaryOptions
{
    /// <summary>Weight λ of the L1 penalty. Default 5, for inputs scaled to norm √d.</summary>
    [Description("Weight of the L1 penalty, for inputs scaled to norm sqrt(d).")]
    public double L1Coefficient { get; init; } = 5;

    /// <summary>True: decoder rows have unit norm and the penalty is λ‖z‖₁. False: norms are free and the penalty is λ Σ zᵢ‖W_dec,i‖. Default false.</summary>
    [Description("Decoder rows of unit norm (true), or of any norm (false): the L1 penalty then weighs each latent by its row's norm.")]
    public bool UnitDecoder { get; init; }

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        base.Validate(inputWidth);
        if (!(L1Coefficient >= 0)) throw new InputException($"l1Coefficient is {L1Coefficient}; it must be 0 or more.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, Rng rng) => new ReluAutoencoder(this, inputWidth, rng);
}

/// <summary>How the mean activation ρ̂ of a latent is estimated.</summary>
public enum MeanEstimate
{
    /// <summary>Over the batch.</summary>
    Batch,

    /// <summary>An exponential running mean over batches.</summary>
    Running,
}

/// <summary>Sigmoid latents held to a mean activation ρ by a KL penalty (Ng, CS294A lecture notes).</summary>
public sealed record KlOptions : DictionaryOptions
{
    /// <summary>Target mean activation ρ of each latent, in (0, 1). Default 0.05.</summary>
    [Description("Target mean activation of each latent.")]
    public double TargetActivation { get; init; } = 0.05;

    /// <summary>Weight β of the KL penalty. Default 3.</summary>
    [Description("Weight of the KL penalty.")]
    public double KlCoefficient { get; init; } = 3;

    /// <summary>How the mean activation is estimated. Default over the batch.</summary>
    [Description("How the mean activation is estimated: over the batch, or as a running mean.")]
    public MeanEstimate MeanEstimate { get; init; } = MeanEstimate.Batch;

    /// <summary>Share of the running mean kept at each step; ignored unless <see cref="MeanEstimate"/> is running. Default 0.9.</summary>
    [Description("Share of the running mean kept at each step; ignored unless meanEstimate is running.")]
    public double MeanDecay { get; init; } = 0.9;

    /// <summary>
    /// True: decoder rows have unit norm, so that a latent has to come near 1 to count. False: norms are free, and what a latent near ρ lacks in strength its row can make up
    /// for. Default false.
    /// </summary>
    [Description("Decoder rows of unit norm (true), or of any norm (false): the L1 penalty then weighs each latent by its row's norm.")]
    public bool UnitDecoder { get; init; }

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        base.Validate(inputWidth);
        if (TargetActivation is not (> 0 and < 1)) throw new InputException($"targetActivation is {TargetActivation}; a mean of sigmoids lies between 0 and 1.");
        if (!(KlCoefficient >= 0)) throw new InputException($"klCoefficient is {KlCoefficient}; it must be 0 or more.");
        if (MeanDecay is not (>= 0 and < 1)) throw new InputException($"meanDecay is {MeanDecay}; it must lie in [0, 1).");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, Rng rng) => new KlAutoencoder(this, inputWidth, rng);
}

/// <summary>The non-linearity of the hidden layers.</summary>
public enum Activation
{
    /// <summary>None: with one bottleneck the optimum spans the PCA subspace.</summary>
    Linear,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,
}

/// <summary>Settings that every autoencoder of dense layers with a bottleneck has.</summary>
public abstract record LayeredOptions : AutoencoderOptions
{
    private protected LayeredOptions()
    {
    }

    /// <summary>Width of the bottleneck. Default 32.</summary>
    [Description("Width of the bottleneck.")]
    public int Bottleneck { get; init; } = 32;

    /// <summary>Widths of the hidden layers from the input to the bottleneck; the decoder mirrors them. Default none.</summary>
    [Description("Widths of the hidden layers between input and bottleneck; the decoder mirrors them.")]
    public IReadOnlyList<int> Hidden { get; init; } = [];

    /// <summary>Non-linearity of the hidden layers; bottleneck and output are linear. Default tanh.</summary>
    [Description("Non-linearity of the hidden layers; bottleneck and output are linear.")]
    public Activation Activation { get; init; } = Activation.Tanh;

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        if (inputWidth < 1) throw new InputException($"The vectors have width {inputWidth}; they need at least one element.");
        if (Bottleneck < 1) throw new InputException($"bottleneck is {Bottleneck}; it must be at least 1.");
        if (Hidden.Any(width => width < 1)) throw new InputException($"hidden is [{string.Join(", ", Hidden)}]; every layer needs at least one unit.");
    }
}

/// <summary>
/// An undercomplete autoencoder: a multi-layer perceptron down to a bottleneck and back (Hinton and Salakhutdinov 2006), denoising
/// when its input is corrupted (Vincent et al. 2008).
/// </summary>
public sealed record UndercompleteOptions : LayeredOptions
{
    /// <summary>Standard deviation of Gaussian noise added to the input in training, in units of the scaled input. Default 0.</summary>
    [Description("Standard deviation of the Gaussian noise added to the input in training.")]
    public double Noise { get; init; }

    /// <summary>Share of input elements set to zero in training. Default 0.</summary>
    [Description("Share of the input elements set to zero in training.")]
    public double Masking { get; init; }

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        base.Validate(inputWidth);
        if (Bottleneck >= inputWidth) throw new InputException($"bottleneck is {Bottleneck} but the vectors have width {inputWidth}; an undercomplete autoencoder needs a narrower bottleneck.");
        if (!(Noise >= 0)) throw new InputException($"noise is {Noise}; it must be 0 or more.");
        if (Masking is not (>= 0 and < 1)) throw new InputException($"masking is {Masking}; it must lie in [0, 1).");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, Rng rng) => new UndercompleteAutoencoder(this, inputWidth, rng);
}

/// <summary>What a variational decoder's output means: the distribution p(x|z) of each element.</summary>
public enum Likelihood
{
    /// <summary>A normal distribution around the output, of a fixed standard deviation.</summary>
    Gaussian,

    /// <summary>A probability whose logit is the output, for elements from 0 to 1; those between are taken as shares of 0 and 1.</summary>
    Bernoulli,
}

/// <summary>A variational autoencoder (Kingma and Welling 2014); with a weight on the divergence, a β-VAE (Higgins et al. 2017).</summary>
public sealed record VariationalOptions : LayeredOptions
{
    /// <summary>What the decoder's output means. Default Gaussian; Bernoulli needs values from 0 to 1 and inputScaling none.</summary>
    [Description("Distribution of an element given the code: gaussian, or bernoulli for values from 0 to 1 (with inputScaling none).")]
    public Likelihood Likelihood { get; init; } = Likelihood.Gaussian;

    /// <summary>Standard deviation of the Gaussian likelihood, in units of the scaled input; ignored when it is Bernoulli. Default 1.</summary>
    [Description("Standard deviation of the Gaussian likelihood, in units of the scaled input; ignored when likelihood is bernoulli.")]
    public double Deviation { get; init; } = 1;

    /// <summary>Weight β of the divergence to N(0, I). Default 1, the evidence lower bound itself.</summary>
    [Description("Weight of the divergence of codes to the standard normal distribution; 1 is the evidence lower bound itself.")]
    public double DivergenceCoefficient { get; init; } = 1;

    /// <inheritdoc/>
    public override void Validate(int inputWidth)
    {
        base.Validate(inputWidth);
        if (Deviation is not (> 0 and < double.PositiveInfinity)) throw new InputException($"deviation is {Deviation}; a standard deviation is above 0.");
        if (DivergenceCoefficient is not (>= 0 and < double.PositiveInfinity)) throw new InputException($"divergenceCoefficient is {DivergenceCoefficient}; it must be 0 or more.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, Rng rng) => new VariationalAutoencoder(this, inputWidth, rng);
}
