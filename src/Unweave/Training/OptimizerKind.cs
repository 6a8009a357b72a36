using System.Text.Json.Serialization;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>How weights are changed by their gradients.</summary>
[JsonConverter(typeof(CamelCaseEnum<OptimizerKind>))]
public enum OptimizerKind
{
    /// <summary>Adam (Kingma and Ba 2015): two moments a weight.</summary>
    Adam,

    /// <summary>The sign of the momentum (Bernstein et al. 2018): one moment a weight.</summary>
    Signum,

    /// <summary>
    /// Matrices by their orthogonalized momentum (Jordan et al. 2024), vectors by Adam. It multiplies each matrix with itself at each step,
    /// which costs about as much as two more products of the encoder at a batch of twice the width, and less beside larger batches.
    /// </summary>
    Muon,

    /// <summary>
    /// Adam without a decaying rate (Defazio et al. 2024): what is trained is pulled towards an average of the weights, and the average is
    /// what is validated and saved. Three numbers a weight.
    /// </summary>
    ScheduleFree,
}
