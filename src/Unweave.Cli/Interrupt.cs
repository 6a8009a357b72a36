using System.Runtime.InteropServices;

namespace Unweave.Cli;

/// <summary>
/// Ctrl-C (and SIGTERM): the first asks the work to stop cleanly, the second ends the process at once. Where the parent has SIGINT
/// ignored, as shells do for what a script starts in the background, it stays ignored; SIGTERM then stops the work.
/// </summary>
internal sealed class Interrupt : IDisposable
{
    /// <summary>
    /// Signals this close together are one Ctrl-C that reached the process twice, from the terminal and from the program that started it.
    /// </summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(300);

    private readonly CancellationTokenSource cancellationToken = new();
    private long first;
    private readonly PosixSignalRegistration[] registrations;

    /// <summary>Starts listening.</summary>
    public Interrupt() =>
        registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];

    /// <summary>Cancelled by the first Ctrl-C.</summary>
    public CancellationToken Token => cancellationToken.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations) registration.Dispose();
        cancellationToken.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!cancellationToken.IsCancellationRequested)
        {
            first = TimeProvider.System.GetTimestamp();
            cancellationToken.Cancel();
        }
        else if (TimeProvider.System.GetElapsedTime(first) > Together)
        {
            Environment.Exit(ExitCode.Interrupted);
        }
    }
}
