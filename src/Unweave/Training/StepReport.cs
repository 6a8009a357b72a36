using System.Globalization;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>Wall time of a step's phases.</summary>
/// <param name="Read">Waiting for the batch.</param>
/// <param name="Encode">The encoder's product and its selection.</param>
/// <param name="Decode">Reconstruction and loss.</param>
/// <param name="Backward">Gradients.</param>
/// <param name="Update">Projection, Adam, renormalization.</param>
public readonly record struct StepTimes(TimeSpan Read, TimeSpan Encode, TimeSpan Decode, TimeSpan Backward, TimeSpan Update)
{
    /// <summary>The whole step.</summary>
    public TimeSpan Total => Read + Encode + Decode + Backward + Update;
}

/// <summary>What one training step did: what a console renders and a log keeps.</summary>
public sealed record StepReport
{
    /// <summary>Step number, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long Steps { get; init; }

    /// <summary>Rows seen so far.</summary>
    public required long Rows { get; init; }

    /// <summary>The batch's loss, term by term.</summary>
    public required LossTerms Loss { get; init; }

    /// <summary>Fraction of the batch's variance left unexplained: Σ‖x−x̂‖²/Σ‖x−x̄‖², x̄ the batch's mean.</summary>
    public required double Fvu { get; init; }

    /// <summary>
    /// Numbers that a row's reconstruction uses, on average: its active latents, all of them for sigmoid codes; 0 for a model without a
    /// dictionary.
    /// </summary>
    public required double L0 { get; init; }

    /// <summary>Latents that fire on a row, on average: as <see cref="L0"/>, but for sigmoid codes only those above 0.5.</summary>
    public required double Firing { get; init; }

    /// <summary>Number of dead latents.</summary>
    public required int Dead { get; init; }

    /// <summary>The step's learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Norm of the whole gradient before clipping; null unless clipping is on.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>FVU over the held-out rows, when this step ended with a validation.</summary>
    public double? ValidationFvu { get; init; }

    /// <summary>The checkpoint that this step ended with, if any.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>True on the last step of the run, whatever ended it.</summary>
    public bool Last { get; init; }

    /// <summary>True when the run ended here because validation had stopped improving.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>Wall time, phase by phase.</summary>
    public StepTimes Times { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"step {Step}/{Steps} rows {Rows} loss {Loss.Total:G5} fvu {Fvu:F4} l0 {L0:F1} dead {Dead} lr {LearningRate:G3}");
}
