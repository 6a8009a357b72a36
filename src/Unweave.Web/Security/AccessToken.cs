using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Unweave.Web.Security;

/// <summary>The secret that lets readers and programs in.</summary>
internal sealed class AccessToken(string secret)
{
    /// <summary>Parameter of an address that holds the token, so that opening the address logs in.</summary>
    public const string Parameter = "token";

    private const string Scheme = "Bearer ";

    private readonly byte[] hash = Hash(secret);

    /// <summary>Whether a text is the token.</summary>
    // Hashes have equal lengths, and comparing them takes a time that tells nothing of where they differ.
    public bool Matches(string text) => CryptographicOperations.FixedTimeEquals(Hash(text), hash);

    /// <summary>The token that a program sends in the header <c>Authorization</c>; null where it sends none.</summary>
    public static string? SentBy(HttpRequest request)
    {
        string header = request.Headers[HeaderNames.Authorization].ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
