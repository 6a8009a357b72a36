using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.StaticWebAssets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Unweave.Learn;
using Unweave.Web.Api;
using Unweave.Web.Components;
using Unweave.Web.Runs;
using Unweave.Web.Security;

namespace Unweave.Web;

/// <summary>The web server: pages and HTTP API over the runs of a folder.</summary>
public static class Dashboard
{
    /// <summary>Largest body of a request, where an operation does not say otherwise.</summary>
    internal const int LargestBody = 1 << 20;

    /// <summary>
    /// A body up to this is read to its end and thrown away when it is refused: a client that sends all before it listens gets the answer,
    /// not a broken connection.
    /// </summary>
    internal const int LargestRead = 64 << 20;

    /// <summary>Largest message that a page may send: a long text typed at once.</summary>
    private const int LargestMessage = 256 << 10;

    /// <summary>Pages whose connection broke are kept for this many readers and this long, so that memory stays bounded.</summary>
    private const int RetainedCircuits = 20;

    private static readonly TimeSpan Retention = TimeSpan.FromSeconds(60);

    /// <summary>Serves until cancelled.</summary>
    /// <param name="options">What to serve, and to whom.</param>
    /// <param name="started">Called once with the address of the first page; where a token is asked for, the address holds it.</param>
    /// <param name="cancellationToken">Ends the server.</param>
    /// <exception cref="InputException">
    /// It cannot be served so; where the port is taken, the cause is an <see cref="IOException"/>.
    /// </exception>
    public static async Task RunAsync(ServeOptions options, Action<Uri> started, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(started);
        options.Validate();
        await using WebApplication server = Build(options);
        await Start(server, options, cancellationToken);
        Uri first = FirstPage(server, options);
        started(options.Token is { } token ? new Uri($"{first}?{AccessToken.Parameter}={Uri.EscapeDataString(token)}") : first);
        await AskFirst(first, options.Token, cancellationToken);
        await Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
        await server.StopAsync(CancellationToken.None);
    }

    private static async Task Start(WebApplication server, ServeOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await server.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is not null)
        {
            throw new InputException(
                $"port {options.Port} of {options.Address} is taken by another program; choose another with --port, or --port 0 for any "
                    + "free one.",
                e);
        }
        catch (SocketException e)
        {
            throw new InputException(
                $"{options.Address} port {options.Port} cannot be listened on ({e.Message}); choose others with --address and --port.", e);
        }
    }

    private static Uri FirstPage(WebApplication server, ServeOptions options)
    {
        int port = new Uri(server.Urls.First()).Port; // the one that was taken where none was named
        return new Uri($"http://{options.HostName}:{port}{(options.Folder is null ? Chapter.Start : "/")}");
    }

    // A page is compiled when it is first asked for, which takes half a second: that is over before a reader comes.
    private static async Task AskFirst(Uri page, string? token, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
            if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using HttpResponseMessage answer = await client.GetAsync(page, cancellationToken);
            // The only run of a folder is its first page. The client would follow there by itself, but without the token.
            if (answer.Headers.Location is { } run) (await client.GetAsync(new Uri(page, run), cancellationToken)).Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
        }
    }

    private static WebApplication Build(ServeOptions options)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = "Production" });
        StaticWebAssetsLoader.UseStaticWebAssets(builder.Environment, builder.Configuration);
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestRead;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            kestrel.Listen(options.Address, options.Port);
        });
        IServiceCollection services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(3));
        services.AddSingleton(options).AddSingleton<ServedRuns>().AddSingleton(TimeProvider.System).AddSingleton<IOwnRuns, OwnRuns>();
        services.AddExplainer();
        // Keys live as long as the server: nothing is written outside the runs, and nothing needs to be read after a restart.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddRazorComponents().AddInteractiveServerComponents(Bound)
            .AddHubOptions(hub => hub.MaximumReceiveMessageSize = LargestMessage);
        services.AddApi();
        WebApplication app = builder.Build();
        if (options.BehindProxy) app.UseForwardedHeaders(Forwarded);
        app.UseRequestGuard(options, TimeProvider.System);
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = Failed, AllowStatusCode404Response = true });
        app.UseStatusCodePages(Refused);
        app.UseStatusCodePagesWithReExecute(Links.NotFound, createScopeForStatusCodePages: true);
        app.Use(OnlyPeopleGetPages);
        app.UseApiErrors();
        app.UseRenderThrottle();
        app.UseAntiforgery();
        app.MapStaticAssets();
        app.MapApi();
        app.MapRazorComponents<App>().AddAdditionalAssemblies(typeof(Chapter).Assembly)
            .AddInteractiveServerRenderMode(render => render.ContentSecurityFrameAncestorsPolicy = null);
        return app;
    }

    // Believed from loopback addresses alone, which is what the options know as proxies from the start.
    private static ForwardedHeadersOptions Forwarded =>
        new() { ForwardedHeaders = ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost };

    private static void Bound(CircuitOptions circuits)
    {
        circuits.DisconnectedCircuitMaxRetained = RetainedCircuits;
        circuits.DisconnectedCircuitRetentionPeriod = Retention;
        circuits.PersistedCircuitInMemoryMaxRetained = RetainedCircuits;
        circuits.PersistedCircuitInMemoryRetentionPeriod = Retention;
    }

    private static Task Failed(HttpContext context) => context.Features.Get<IExceptionHandlerFeature>()?.Error switch
    {
        InputException e => Answer.Error(context, StatusCodes.Status400BadRequest, "This cannot be shown", e.Message),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => Answer.TooLarge(context),
        BadHttpRequestException e => Answer.Error(context, e.StatusCode, "The request cannot be read", e.Message),
        _ => Answer.Error(
            context,
            StatusCodes.Status500InternalServerError,
            "Something went wrong",
            "This is a defect of Unweave; please report it with what you did."),
    };

    // A program is told in the body of the answer itself.
    private static Task OnlyPeopleGetPages(HttpContext context, RequestDelegate next)
    {
        if (!Answer.WantsPage(context.Request) && context.Features.Get<IStatusCodePagesFeature>() is { } pages) pages.Enabled = false;
        return next(context);
    }

    /// <summary>A status without a body gets one; pages of the dashboard bring their own.</summary>
    private static Task Refused(StatusCodeContext status)
    {
        HttpContext context = status.HttpContext;
        int code = context.Response.StatusCode;
        return code switch
        {
            StatusCodes.Status404NotFound => Answer.Error(context, code, "Not found", "There is nothing at this address."),
            StatusCodes.Status405MethodNotAllowed =>
                Answer.Error(context, code, "Not allowed", $"{context.Request.Method} is not possible here."),
            StatusCodes.Status413PayloadTooLarge => Answer.TooLarge(context),
            _ => Answer.Error(context, code, "The request failed", ((HttpStatusCode)code).ToString()),
        };
    }
}
