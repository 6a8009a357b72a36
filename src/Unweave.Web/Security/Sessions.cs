using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Unweave.Web.Security;

/// <summary>
/// Browsers that have logged in. Each holds a random number as a cookie, which means something to this server alone and for as long as it
/// runs; the token itself is never in a cookie. A session ends when its reader logs out or has been away for days.
/// </summary>
internal sealed class Sessions(TimeProvider time)
{
    /// <summary>Sessions at once; a further one ends the one that was idle longest.</summary>
    public const int Most = 256;

    /// <summary>How long a session may be idle.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromDays(7);

    private readonly Lock entry = new();
    private readonly Dictionary<string, Session> known = new(StringComparer.Ordinal);

    /// <summary>The session of a request, for as long as the request takes; null where there is none.</summary>
    /// <param name="context">The request, which is cut off when its session ends: a page that is open does not outlive a log-out.</param>
    public IDisposable? Use(HttpContext context)
    {
        if (!context.Request.Cookies.TryGetValue(NameFor(context), out string? id)) return null;
        lock (entry)
        {
            Expire();
            if (!known.TryGetValue(id, out Session? session)) return null;
            session.Requests++;
            CancellationTokenRegistration cut = session.Ended.Token.Register(context.Abort);
            return new Visit(this, session, cut);
        }
    }

    /// <summary>Begins a session and gives its cookie to the browser.</summary>
    public void Begin(HttpContext context)
    {
        string id = RandomNumberGenerator.GetHexString(64, lowercase: true);
        lock (entry)
        {
            Expire();
            if (known.Count >= Most) End(known.MinBy(session => session.Value.LastUsed).Key);
            known[id] = new Session { LastUsed = Now };
        }

        context.Response.Cookies.Append(NameFor(context), id, Options(context));
    }

    /// <summary>Ends the session of a request, with all that it has open, and takes the cookie back.</summary>
    public void End(HttpContext context)
    {
        if (context.Request.Cookies.TryGetValue(NameFor(context), out string? id))
        {
            lock (entry) End(id);
        }

        context.Response.Cookies.Delete(NameFor(context), Options(context));
    }

    /// <summary>
    /// The cookie's name, with the port: browsers send cookies to all ports, and servers would take each other's for their own.
    /// </summary>
    private static string NameFor(HttpContext context) =>
        string.Create(CultureInfo.InvariantCulture, $"unweave-{context.Connection.LocalPort}");

    // Lax rather than strict: a reader who follows a link from another site is logged in there too. Such a link only opens a page; all
    // else that another site asks for is refused (RequestGuard).
    private static CookieOptions Options(HttpContext context) =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, Path = "/" };

    private DateTimeOffset Now => time.GetUtcNow();

    private void Expire()
    {
        DateTimeOffset now = Now;
        string[] over = [.. known.Where(pair => pair.Value.Requests == 0 && now - pair.Value.LastUsed > Idle).Select(pair => pair.Key)];
        foreach (string id in over) End(id);
    }

    private void End(string id)
    {
        // What was open is cut off on other threads, so that nothing runs here that might want the lock.
        if (known.Remove(id, out Session? session)) _ = session.Ended.CancelAsync();
    }

    private sealed class Session
    {
        public CancellationTokenSource Ended { get; } = new();

        public required DateTimeOffset LastUsed { get; set; }

        public int Requests { get; set; }
    }

    private sealed class Visit(Sessions sessions, Session session, CancellationTokenRegistration cut) : IDisposable
    {
        public void Dispose()
        {
            cut.Dispose();
            lock (sessions.entry)
            {
                session.Requests--;
                session.LastUsed = sessions.Now;
            }
        }
    }
}
