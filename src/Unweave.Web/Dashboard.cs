using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.StaticWebAssets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MudBlazor.Services;
using Unweave.Learn;
using Unweave.Web.Access;
using Unweave.Web.Api;
using Unweave.Web.Components;
using Unweave.Web.Runs;

namespace Unweave.Web;

/// <summary>The web server: pages and HTTP API over the runs of a folder.</summary>
public static class Dashboard
{
    /// <summary>Largest body of a request, where an operation does not say otherwise.</summary>
    internal const int LargestBody = 1 << 20;

    /// <summary>A body up to this is read to its end and thrown away when it is refused: a client that sends all before it listens gets the answer, not a broken connection.</summary>
    internal const int LargestRead = 64 << 20;

    /// <summary>Largest message that a page may send: a long text typed at once.</summary>
    private const int LargestMessage = 256 << 10;

    /// <summary>Pages whose connection broke are kept for this many readers and this long, so that memory stays bounded.</summary>
    private const int RetainedCircuits = 20;

    private static readonly TimeSpan Retention = TimeSpan.FromSeconds(60);

    /// <summary>Builds a server, not started.</summary>
    /// <param name="options">What to serve, and to whom.</param>
    /// <exception cref="InputException">It cannot be served so.</exception>
    public static WebApplication Build(ServeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = "Production" });
        StaticWebAssetsLoader.UseStaticWebAssets(builder.Environment, builder.Configuration);
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestRead;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            kestrel.Listen(options.Address, options.Port);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(3));
        builder.Services.AddSingleton(options).AddSingleton<ServedRuns>().AddSingleton(TimeProvider.System).AddSingleton<IOwnRuns, OwnRuns>().AddExplainer();
        // Keys live as long as the server: nothing is written outside the runs, and nothing needs to be read after a restart.
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddRazorComponents().AddInteractiveServerComponents(Bound).AddHubOptions(hub => hub.MaximumReceiveMessageSize = LargestMessage);
        builder.Services.AddMudServices();
        builder.Services.AddApi();
        WebApplication app = builder.Build();
        app.UseGate(options);
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = Failed, AllowStatusCode404Response = true });
        app.UseStatusCodePages(Refused);
        app.UseApiErrors();
        app.UseTurns();
        app.UseAntiforgery();
        app.MapStaticAssets();
        app.MapApi();
        app.MapRazorComponents<App>().AddAdditionalAssemblies(typeof(Chapter).Assembly).AddInteractiveServerRenderMode(render => render.ContentSecurityFrameAncestorsPolicy = null);
        return app;
    }

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
        _ => Answer.Error(context, StatusCodes.Status500InternalServerError, "Something went wrong", "This is a defect of Unweave; please report it with what you did."),
    };

    /// <summary>A status without a body gets one; pages of the dashboard bring their own.</summary>
    private static Task Refused(StatusCodeContext status)
    {
        HttpContext context = status.HttpContext;
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => Answer.Error(context, StatusCodes.Status404NotFound, "Not found", "There is nothing at this address."),
            StatusCodes.Status405MethodNotAllowed => Answer.Error(context, StatusCodes.Status405MethodNotAllowed, "Not allowed", $"{context.Request.Method} is not possible here."),
            StatusCodes.Status413PayloadTooLarge => Answer.TooLarge(context),
            int code => Answer.Error(context, code, "The request failed", ((HttpStatusCode)code).ToString()),
        };
    }
}
