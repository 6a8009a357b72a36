using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

/// <summary>The built command, run as a process of its own in a folder of the test's.</summary>
internal static partial class Cli
{
    private const int SigInt = 2, SigTerm = 15;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    // A child inherits an ignored signal, and the command, like all of .NET, then leaves it ignored. So tests that run in the background
    // of a script, where shells have interrupts ignored, would never be able to interrupt a command.
    static Cli()
    {
        Span<nint> action = stackalloc nint[64];
        if (OperatingSystem.IsWindows() || SigAction(SigInt, 0, action) != 0 || action[0] != SignalIgnored) return;
        Signal(SigInt, SignalDefault);
    }

    private static nint SignalDefault => 0;

    private static nint SignalIgnored => 1;

    /// <summary>Runs a command to its end.</summary>
    /// <param name="folder">Its working directory.</param>
    /// <param name="arguments">The words after <c>unweave</c>.</param>
    public static async Task<Outcome> Run(string folder, params string[] arguments)
    {
        using Process process = Start(folder, arguments);
        return await End(process);
    }

    /// <summary>Starts a command.</summary>
    public static Process Start(string folder, params string[] arguments) =>
        Start(folder, new Dictionary<string, string?>(StringComparer.Ordinal), arguments);

    /// <summary>Starts a command in another environment.</summary>
    /// <param name="folder">Its working directory.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    /// <param name="arguments">The words after <c>unweave</c>.</param>
    public static Process Start(string folder, IReadOnlyDictionary<string, string?> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) is "dotnet"
            ? host
            : "dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Unweave.Cli.dll"));
        foreach ((string name, string? value) in environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
    }

    /// <summary>Waits for a command's end and collects what it wrote.</summary>
    public static async Task<Outcome> End(Process process)
    {
        using var limit = new CancellationTokenSource(Limit);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new Outcome(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>What Ctrl-C sends.</summary>
    public static void Interrupt(Process process) => Assert.Equal(0, Kill(process.Id, SigInt));

    /// <summary>What <c>kill</c> and service managers send.</summary>
    public static void Terminate(Process process) => Assert.Equal(0, Kill(process.Id, SigTerm));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint handler);

    // The handler is the first word of the structure, on Linux and on macOS.
    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static partial int SigAction(int signal, nint change, Span<nint> now);
}

/// <summary>How a command ended.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record Outcome(int Code, string Output, string Error)
{
    /// <summary>Standard output as JSON.</summary>
    public JsonNode Json => JsonNode.Parse(Output) ?? throw new InvalidOperationException("The output is null.");

    /// <summary>Asserts that it did what it was asked.</summary>
    public Outcome Succeeded()
    {
        Assert.True(Code == 0, $"exit code {Code}\n{Output}\n{Error}");
        return this;
    }

    /// <summary>Asserts that it refused what it was given: exit code 2, one line on standard error, no stack trace.</summary>
    /// <param name="expected">Part of the line.</param>
    public void Refused(string expected)
    {
        Assert.True(Code == 2, $"exit code {Code}\n{Output}\n{Error}");
        // A run may have told of itself before it met what is wrong.
        string[] lines =
        [
            .. Error.TrimEnd('\n').Split('\n')
                .SkipWhile(line => line.StartsWith("Training ", StringComparison.Ordinal)
                    || line.StartsWith("step ", StringComparison.Ordinal)),
        ];
        string line = Assert.Single(lines);
        Assert.StartsWith("unweave: ", line, StringComparison.Ordinal);
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Output + Error, StringComparison.Ordinal);
    }
}
