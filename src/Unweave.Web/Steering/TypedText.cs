using Unweave.Web.Runs;

namespace Unweave.Web.Steering;

/// <summary>A text as a person types it, and what the autoencoder saw in it: only the latest text is read.</summary>
/// <param name="run">The run.</param>
/// <param name="gate">The door in front of the models.</param>
internal sealed class TypedText(ServedRun run, ModelGate gate)
{
    /// <summary>UTF-16 code units that a text box takes: one more than are read, which shows that there was more.</summary>
    public const int Accepted = Limits.Text + 1;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150);

    private int version;

    /// <summary>The text, at most as long as a model reads.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Whether its end was left out.</summary>
    public bool IsCut { get; private set; }

    /// <summary>What was seen in it; null until it was read, and where it is empty.</summary>
    public Reading? Reading { get; private set; }

    /// <summary>Whether it is being read.</summary>
    public bool Busy { get; private set; }

    /// <summary>Why it could not be read, or null.</summary>
    public string? Failed { get; private set; }

    /// <summary>What a page says of the work on it, beside its box.</summary>
    public string Progress => Busy ? "reading…"
        : Reading is { Pieces.Count: > 0 and var count } ? $"{Figures.Count(count)} token{(count == 1 ? "" : "s")}" : "";

    /// <summary>Puts a text there that is not read yet.</summary>
    public void Set(string? text)
    {
        version++;
        IsCut = text is { Length: > Limits.Text };
        Text = text is null ? "" : IsCut ? text[..Limits.Text] : text;
        if (Text.Length == 0) (Reading, Busy, Failed) = (null, false, null);
    }

    /// <summary>Reads the text in the model, unless another one is put there meanwhile.</summary>
    /// <param name="wait">Whether to wait for a pause in the typing.</param>
    /// <param name="changed">Called when the page has something new to draw.</param>
    /// <param name="leaving">The reader has left.</param>
    /// <returns>Whether the text was read to the end, or could not be, and is still the latest.</returns>
    public async Task<bool> Read(bool wait, Action changed, CancellationToken leaving)
    {
        int mine = ++version;
        bool Stale() => mine != version || leaving.IsCancellationRequested;
        try
        {
            if (wait) await Task.Delay(Pause, leaving);
            if (Stale()) return false;
            (string text, Busy, Failed) = (Text, Text.Length > 0, null);
            Reading? reading = null;
            if (text.Length > 0)
            {
                changed();
                using (await gate.EnterAsync(leaving))
                {
                    if (Stale()) return false;
                    using Lease<ServedHost> host = await Task.Run(run.LeaseHost, leaving);
                    reading = new Reading(await Task.Run(() => host.Value.Autoencoder.Encode(text), leaving));
                }
            }

            if (Stale()) return false;
            Reading = reading;
            return true;
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e) when (e is InputException or BusyException)
        {
            if (Stale()) return false;
            Failed = e.Message;
            return true;
        }
        finally
        {
            if (mine == version) Busy = false;
        }
    }
}
