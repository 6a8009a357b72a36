using System.Runtime.InteropServices;

namespace Unweave.Cli;

/// <summary>Ctrl-C (and SIGTERM): the first asks the work to stop cleanly, the second ends the process at once.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource cancellation = new();
    private readonly PosixSignalRegistration[] registrations;

    /// <summary>Starts listening.</summary>
    public Interrupt() => registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];

    /// <summary>Cancelled by the first Ctrl-C.</summary>
    public CancellationToken Token => cancellation.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations) registration.Dispose();
        cancellation.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (cancellation.IsCancellationRequested) Environment.Exit(ExitCode.Interrupted);
        context.Cancel = true;
        cancellation.Cancel();
    }
}
