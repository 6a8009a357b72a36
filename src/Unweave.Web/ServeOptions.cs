using System.Net;

namespace Unweave.Web;

/// <summary>What a server serves, and to whom.</summary>
public sealed record ServeOptions
{
    /// <summary>Environment variable with the token of a server that others can reach.</summary>
    public const string TokenVariable = "UNWEAVE_TOKEN";

    /// <summary>Shortest token: 16 characters are beyond guessing, if they are random.</summary>
    public const int ShortestToken = 16;

    /// <summary>Folder of a run, or a folder whose subfolders are runs; null for the explainer alone, without runs.</summary>
    public required string? Folder { get; init; }

    /// <summary>Port; 0 takes a free one. Default 5210.</summary>
    public int Port { get; init; } = 5210;

    /// <summary>Address to listen on. Default <c>127.0.0.1</c>, which only this machine reaches.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>What requests have to bring; null asks for nothing, and is allowed on a loopback address only. Default null.</summary>
    public string? Token { get; init; }

    /// <summary>Whether only this machine reaches it.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    /// <summary>Refuses what cannot be served.</summary>
    /// <exception cref="InputException">Names the setting and the fix.</exception>
    public void Validate()
    {
        if (Folder is not null && !Directory.Exists(Folder)) throw new InputException($"{Folder}: there is no such folder; name the folder of a run, or train one with `unweave demo`.");
        if (Port is < 0 or > 65535) throw new InputException($"--port is {Port}; it must be from 0 to 65535.");
        if (!IsLoopback && Token is null) throw new InputException($"--address {Address} can be reached from other machines, so it needs a token: set {TokenVariable} to at least {ShortestToken} random characters, or leave --address out.");
        if (Token is { Length: < ShortestToken }) throw new InputException($"{TokenVariable} has {Token.Length} characters; it needs at least {ShortestToken} (for instance from `openssl rand -hex 16`).");
    }
}
