using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Unweave.Web;

/// <summary>What a server serves, and to whom.</summary>
public sealed record ServeOptions
{
    /// <summary>Environment variable with the token of a server, in place of a random one.</summary>
    public const string TokenVariable = "UNWEAVE_TOKEN";

    /// <summary>Shortest token: 16 characters are beyond guessing, if they are random.</summary>
    public const int ShortestToken = 16;

    private const int DigitsOfToken = 32;

    /// <summary>Folder of a run, or a folder whose subfolders are runs; null for the explainer alone, without runs.</summary>
    public required string? Folder { get; init; }

    /// <summary>Port; 0 takes a free one. Default 5210.</summary>
    public int Port { get; init; } = 5210;

    /// <summary>Address to listen on. Default <c>127.0.0.1</c>, which only this machine reaches.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>
    /// What requests have to bring: on a machine of several users, or in a browser that shows other sites, not everyone who reaches a
    /// loopback address may read the runs. Null asks for nothing, and is allowed only where no other machine reaches the server. Default a
    /// random one.
    /// </summary>
    public string? Token { get; init; } = RandomNumberGenerator.GetHexString(DigitsOfToken, lowercase: true);

    /// <summary>
    /// Whether a proxy on this machine passes requests on, and tells in <c>X-Forwarded-Proto</c> and <c>X-Forwarded-Host</c> how they came
    /// to it. Default false, which ignores those headers.
    /// </summary>
    public bool BehindProxy { get; init; }

    /// <summary>Whether other machines reach it.</summary>
    public bool IsReachedByOthers => BehindProxy || !IPAddress.IsLoopback(Address);

    /// <summary>The host in the address of its pages; a loopback address where it listens on all addresses.</summary>
    internal string HostName => Address switch
    {
        _ when Address.Equals(IPAddress.Any) => IPAddress.Loopback.ToString(),
        _ when Address.Equals(IPAddress.IPv6Any) => $"[{IPAddress.IPv6Loopback}]",
        { AddressFamily: AddressFamily.InterNetworkV6 } => $"[{Address}]",
        _ => Address.ToString(),
    };

    /// <summary>Refuses what cannot be served.</summary>
    /// <exception cref="InputException">Names the setting and the fix.</exception>
    public void Validate()
    {
        if (Folder is not null && !Directory.Exists(Folder))
        {
            throw new InputException(
                $"{Folder}: there is no such folder; name the folder of a run, or train one with `unweave demo`.");
        }

        if (Port is < 0 or > 65535) throw new InputException($"--port is {Port}; it must be from 0 to 65535.");
        if (IsReachedByOthers && Token is null)
        {
            throw new InputException(
                $"{(BehindProxy ? "--behind-proxy" : $"--address {Address}")} lets other machines in, so that a token is needed; "
                    + $"leave --no-token out.");
        }

        if (Token is { Length: < ShortestToken })
        {
            throw new InputException(
                $"{TokenVariable} has {Token.Length} characters; it needs at least {ShortestToken} (for instance from "
                    + $"`openssl rand -hex 16`), or leave it out for a random one.");
        }
    }
}
