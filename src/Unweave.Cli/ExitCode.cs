namespace Unweave.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>A defect of Unweave.</summary>
    public const int OurError = 1;

    /// <summary>The user gave something that cannot be used: a flag, a file, a setting.</summary>
    public const int UserError = 2;

    /// <summary>Stopped by Ctrl-C, after whatever was under way was saved: 128 + SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;
}
