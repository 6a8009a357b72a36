using System.Text.Json.Nodes;

namespace Unweave.Cli;

/// <summary>
/// Turns whatever went wrong into one line on standard error and an exit code; with <c>--json</c>, also an object on standard output.
/// </summary>
internal static class Failure
{
    /// <summary>Set to 1, this environment variable adds the stack trace of a defect.</summary>
    private const string TraceVariable = "UNWEAVE_TRACE";

    /// <summary>Reports a failure.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(Exception exception, bool json)
    {
        (int code, string message) = Explain(exception);
        Console.Error.WriteLine($"unweave: {message}");
        if (code == ExitCode.OurError && string.Equals(Environment.GetEnvironmentVariable(TraceVariable), "1", StringComparison.Ordinal))
            Console.Error.WriteLine(exception);
        if (json) Console.Out.WriteLine(new JsonObject { ["error"] = message, ["exitCode"] = code }.ToJsonString(Screen.Json));
        return code;
    }

    private static (int Code, string Message) Explain(Exception exception)
    {
        // Whatever runs on several threads wraps what the first of them threw.
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case InputException:
                    return (ExitCode.UserError, OneLine(cause.Message));
                case OperationCanceledException:
                    return (ExitCode.Interrupted, "stopped.");
                case OutOfMemoryException:
                    return (ExitCode.UserError, "there is not enough memory; lower latents or batch.");
                case IOException or UnauthorizedAccessException:
                    return (ExitCode.UserError, OneLine(cause.Message));
            }
        }

        return (ExitCode.OurError,
            $"{OneLine(exception.Message)} This is a defect of Unweave: please report it with the output of the same command under "
            + $"{TraceVariable}=1.");
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ");
}
