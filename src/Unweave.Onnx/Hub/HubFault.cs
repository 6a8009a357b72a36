namespace Unweave.Onnx;

/// <summary>What may pass when it is tried again: a cut connection, a busy hub, an answer that does not fit the question.</summary>
internal sealed class HubFault(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>How long the hub asks to wait, or null where it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Counts failures in a row and waits between attempts, longer each time.</summary>
/// <param name="what">What is attempted, for messages.</param>
/// <param name="options">How many failures to bear, and the longest wait.</param>
/// <param name="time">Clock.</param>
internal sealed class HubPatience(string what, HubOptions options, TimeProvider time)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);

    private int failures;

    /// <summary>Waits after a failure.</summary>
    /// <param name="fault">The failure.</param>
    /// <param name="progressed">True when more has come than ever before, so that the count starts again.</param>
    /// <param name="waiting">Told why and how long it waits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InputException">There were too many failures, or the hub asks for too long a wait.</exception>
    public async Task Wait(HubFault fault, bool progressed, Action<string> waiting, CancellationToken cancellationToken)
    {
        failures = progressed ? 1 : failures + 1;
        if (failures >= options.Attempts)
            throw new InputException($"{what}: {fault.Message}{(failures > 1 ? $", {failures} times in a row" : "")}. What has come is "
                + $"kept: check the network and pull again later.", fault);
        TimeSpan wait = fault.RetryAfter ?? FirstWait * Math.Pow(2, Math.Min(failures - 1, 20));
        if (fault.RetryAfter is null && wait > options.LongestWait) wait = options.LongestWait;
        if (wait > options.LongestWait)
            throw new InputException($"{what}: {fault.Message} and asks to wait {Seconds(wait)}, longer than the "
                + $"{Seconds(options.LongestWait)} that a pull waits; pull again then, or set HF_TOKEN, which has limits of its own.",
                    fault);
        waiting($"{fault.Message}; trying again in {Seconds(wait)}");
        await Task.Delay(wait, time, cancellationToken);
    }

    private static string Seconds(TimeSpan time) => $"{Math.Ceiling(time.TotalSeconds)} s";
}
