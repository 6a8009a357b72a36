using System.Diagnostics;

namespace Unweave.Apps.Tests;

/// <summary>Ctrl-C and its relatives, also where the tests themselves were started with interrupts ignored.</summary>
public sealed class InterruptTests
{
    private static readonly string[] Long =
        ["train", "vectors.npy", "--latents", "256", "--k", "8", "--tokens", "100000000", "--batch", "512", "--validation", "0",
            "-o", "run"];

    [Fact]
    public async Task A_command_ends_at_an_interrupt()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.npy");
        using Process process = Cli.Start(place.Folder, Long);
        Task<Outcome> ending = await Begun(process, place);
        Cli.Interrupt(process);
        Assert.Equal(130, (await ending).Code);
    }

    [Fact]
    public async Task Tests_started_with_interrupts_ignored_can_interrupt_a_command()
    {
        string test = $"{typeof(InterruptTests).FullName}.{nameof(A_command_ends_at_an_interrupt)}";
        using Process process = Ignoring(AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "Unweave.Apps.Tests"),
            "--filter-method", test);
        Outcome outcome = await Cli.End(process);
        Assert.True(outcome.Code == 0, outcome.Output);
        Assert.Contains("succeeded: 1", outcome.Output, StringComparison.Ordinal);
    }

    // As POSIX has it: what a script starts in the background lives on when Ctrl-C ends the script. SIGTERM ends it as cleanly.
    [Fact]
    public async Task A_command_started_with_interrupts_ignored_ignores_them_and_ends_at_a_termination()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.npy");
        using Process process = Ignoring(place.Folder, "dotnet", [Path.Combine(AppContext.BaseDirectory, "Unweave.Cli.dll"), .. Long]);
        Task<Outcome> ending = await Begun(process, place);
        Cli.Interrupt(process);
        long logged = new FileInfo(place["run/metrics.jsonl"]).Length;
        while (!ending.IsCompleted && new FileInfo(place["run/metrics.jsonl"]).Length == logged)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.False(ending.IsCompleted);
        Cli.Terminate(process);
        Assert.Equal(130, (await ending).Code);
        Assert.True(File.Exists(place["run/training.safetensors"]));
    }

    // Waits until the run has logged a step.
    private static async Task<Task<Outcome>> Begun(Process process, Workplace place)
    {
        Task<Outcome> ending = Cli.End(process);
        while (!File.Exists(place["run/metrics.jsonl"]) || new FileInfo(place["run/metrics.jsonl"]).Length == 0)
        {
            Assert.False(ending.IsCompleted, "The run ended before it began.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        return ending;
    }

    private static Process Ignoring(string folder, string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "trap '' INT; exec \"$0\" \"$@\"", program, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
}
