using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>A network whose activations are read and replaced. Opening runs is safe from several threads; a run belongs to one.</summary>
public interface IHostModel : IDisposable
{
    /// <summary>What it is, for messages and manifests: its file or folder.</summary>
    string Name { get; }

    /// <summary>SHA-256 of the model's files, in lower-case hexadecimal.</summary>
    string Hash { get; }

    /// <summary>What it is fed.</summary>
    HostInput Input { get; }

    /// <summary>Number of token ids that the model knows, or null where it is not fed tokens or does not show it.</summary>
    int? Vocabulary { get; }

    /// <summary>True for a language model: its output is one vector of logits for each token.</summary>
    bool PredictsTokens { get; }

    /// <summary>All hooks: those with short names first, in the order of the computation, then the other tensors.</summary>
    IReadOnlyList<Hook> Hooks { get; }

    /// <summary>Prepares the part of the model that a plan needs; what neither a hook nor the output depends on is not computed.</summary>
    /// <param name="plan">What to read, patch and return.</param>
    /// <exception cref="InputException">
    /// The model cannot do that: a hook has no fixed width, or nothing depends on the one patched.
    /// </exception>
    IHostRun Open(HostPlan plan);
}

/// <summary>What one kind of run does.</summary>
/// <param name="Read">Hooks to read.</param>
/// <param name="Patch">The hook whose activations are supplied instead of computed, or null.</param>
/// <param name="Output">Whether the model's own output is computed.</param>
public sealed record HostPlan(IReadOnlyList<Hook> Read, Hook? Patch = null, bool Output = false);

/// <summary>A host model ready to run one plan.</summary>
public interface IHostRun : IDisposable
{
    /// <summary>Runs a batch.</summary>
    /// <param name="batch">What the model is fed.</param>
    /// <param name="patch">
    /// Activations of the plan's patched hook, <c>[rows, width]</c>, in the order in which a run that reads it gives them; null only where
    /// none is patched.
    /// </param>
    /// <exception cref="InputException">The model refuses the batch.</exception>
    void Run(HostBatch batch, Matrix? patch = null);

    /// <summary>
    /// What the last run read at a hook of the plan: <c>[rows, width]</c>, token after token, padding included. The run's own buffer: valid
    /// until the next run.
    /// </summary>
    /// <param name="index">The hook's place in the plan.</param>
    Matrix Activations(int index);

    /// <summary>
    /// The output of the last run, <c>[rows, vocabulary]</c>, token after token, padding included; where the plan asks for it. Valid until
    /// the next run.
    /// </summary>
    Matrix Output { get; }
}
