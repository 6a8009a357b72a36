using System.CommandLine;
using System.Net;
using Unweave.Web;

namespace Unweave.Cli;

/// <summary>The flags of commands that serve pages: where a server listens.</summary>
internal sealed class ServerFlags
{
    private const string UsualAddress = "127.0.0.1";

    private readonly Option<int> port = new("--port", "-p")
    {
        HelpName = "N",
        Description = "Port; 0 takes a free one.",
        DefaultValueFactory = _ => Usual.Port,
    };

    private readonly Option<string> address = new("--address")
    {
        HelpName = "IP",
        Description = "Address to listen on. Any but a loopback address lets other machines in, who are asked for a token.",
        DefaultValueFactory = _ => UsualAddress,
    };

    private readonly Option<bool> behindProxy = new("--behind-proxy")
    {
        Description = "A proxy on this machine passes requests on, for instance one that adds HTTPS: believe its X-Forwarded-Proto and "
            + "X-Forwarded-Host. Readers are asked for a token.",
    };

    /// <summary>Adds them to a command.</summary>
    public ServerFlags(Command command)
    {
        command.Add(port);
        command.Add(address);
        command.Add(behindProxy);
    }

    /// <summary>A server of this machine's own, over a folder of runs or, with null, over the explainer alone.</summary>
    public static ServeOptions Own(string? folder) => WithTokenOfEnvironment(Usual with { Folder = folder });

    /// <summary>What the flags and the environment ask for.</summary>
    public ServeOptions Read(ParseResult parsed, string? folder) => WithTokenOfEnvironment(new ServeOptions
    {
        Folder = folder,
        Port = parsed.GetValue(port),
        Address = Parse(parsed.GetValue(address)!),
        BehindProxy = parsed.GetValue(behindProxy),
    });

    /// <summary>The token in the environment; null without one.</summary>
    public static string? TokenOfEnvironment =>
        Environment.GetEnvironmentVariable(ServeOptions.TokenVariable) is { Length: > 0 } token ? token : null;

    private static ServeOptions Usual => new() { Folder = null };

    private static ServeOptions WithTokenOfEnvironment(ServeOptions options) =>
        TokenOfEnvironment is { } token ? options with { Token = token } : options;

    private static IPAddress Parse(string address) =>
        string.Equals(address, "localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
        : IPAddress.TryParse(address, out IPAddress? parsed) ? parsed
        : throw new InputException(
            $"--address is '{address}'; it must be an IP address, for instance 127.0.0.1, ::1 or 0.0.0.0.");
}
