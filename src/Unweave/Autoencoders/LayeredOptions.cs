using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Unweave.Autoencoders;

/// <summary>The non-linearity of the hidden layers.</summary>
[JsonConverter(typeof(CamelCaseEnum<Activation>))]
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

    /// <summary>1e-3.</summary>
    internal override double DefaultLearningRate => 1e-3;

    /// <summary>Width of what the encoder gives: the bottleneck, or more than a number for each of its units.</summary>
    internal virtual int CodeWidth => Bottleneck;

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth)
    {
        int[] encoder = [inputWidth, .. Hidden, CodeWidth], decoder = [Bottleneck, .. Hidden.Reverse(), outputWidth];
        return Layers(encoder) + Layers(decoder);

        static double Layers(int[] widths) => widths.Zip(widths.Skip(1), (from, to) => (from + 1.0) * to).Sum();
    }

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (Bottleneck < 1) throw new InputException($"bottleneck is {Bottleneck}; it must be at least 1.");
        if (Hidden.Any(width => width < 1))
            throw new InputException($"hidden is [{string.Join(", ", Hidden)}]; every layer needs at least one unit.");
    }
}
