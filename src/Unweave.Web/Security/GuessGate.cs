namespace Unweave.Web.Security;

/// <summary>
/// Wrong tokens, of the whole server, are answered one at a time and slowly, and no more than a few may wait: whoever guesses over many
/// connections at once is no faster than over one, and holds no more of the server. A right token never comes here, so that guesses slow
/// down no one else.
/// </summary>
internal sealed class GuessGate(TimeProvider time)
{
    /// <summary>Guesses that may wait at once.</summary>
    public const int Most = 8;

    /// <summary>How long each guess holds the gate.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>How long until a full gate is free.</summary>
    public static readonly TimeSpan Patience = Most * Pause;

    private readonly Lock entry = new();
    private readonly long start = time.GetTimestamp();
    private TimeSpan free;

    /// <summary>Waits until a wrong guess may be answered; false, at once, where too many wait already.</summary>
    public async Task<bool> PassAsync(CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (entry)
        {
            TimeSpan now = time.GetElapsedTime(start), due = (free > now ? free : now) + Pause;
            wait = due - now;
            if (wait > Patience) return false;
            free = due; // kept by a guesser who hangs up, or hanging up would be the way to guess faster
        }

        await Task.Delay(wait, time, cancellationToken);
        return true;
    }
}
