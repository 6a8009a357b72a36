[assembly: AssemblyFixture(typeof(Unweave.Apps.Tests.SmallDemo))]

namespace Unweave.Apps.Tests;

/// <summary>A small demo over the embedded model, run once for all tests, when the first of them asks for it.</summary>
public sealed class SmallDemo : IDisposable
{
    private static readonly string[] Command =
        ["demo", "--harvest", "30000", "--tokens", "60000", "--latents", "256", "--k", "8", "--batch", "1000", "-o", "sae"];

    private readonly Workplace place = new();
    private readonly Lazy<Task<Outcome>> outcome;

    public SmallDemo() => outcome = new(async () => (await place.Run(Command)).Succeeded());

    /// <summary>The folder with the run <c>sae</c> in it. Tests add to it what they like, under other names.</summary>
    internal async Task<Workplace> Place()
    {
        await outcome.Value;
        return place;
    }

    /// <summary>What the command wrote.</summary>
    internal Task<Outcome> Outcome() => outcome.Value;

    public void Dispose() => place.Dispose();
}
