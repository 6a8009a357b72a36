using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Unweave.Web.Access;

/// <summary>The token that requests have to bring, in the header <c>Authorization: Bearer</c> or as the cookie that logging in sets.</summary>
internal sealed class Token(string secret)
{
    private const string CookieName = "unweave";
    private const string Scheme = "Bearer ";

    // The cookie is made from the token, so that it outlives a restart and tells nobody the token.
    private readonly string cookie = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), "unweave cookie"u8));

    /// <summary>Whether a request brings it.</summary>
    public bool IsBroughtBy(HttpRequest request)
    {
        string header = request.Headers.Authorization.ToString();
        return (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && Matches(header[Scheme.Length..].Trim()))
            || (request.Cookies.TryGetValue(CookieName, out string? value) && Same(value, cookie));
    }

    /// <summary>Whether a text is the token.</summary>
    public bool Matches(string text) => Same(text, secret);

    /// <summary>Sets the cookie.</summary>
    public void Remember(HttpContext context) =>
        context.Response.Cookies.Append(CookieName, cookie, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, Path = "/" });

    /// <summary>Removes the cookie.</summary>
    public static void Forget(HttpContext context) => context.Response.Cookies.Delete(CookieName, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });

    // Compared as hashes of equal length, in a time that tells nothing of where they differ.
    private static bool Same(string a, string b) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(a)), SHA256.HashData(Encoding.UTF8.GetBytes(b)));
}
