using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests.Web;

/// <summary>A dashboard served by the built command, as a process of its own, over a folder of the test's.</summary>
internal sealed class Site : IAsyncDisposable
{
    private static readonly Lazy<Task<Site>> Explainer =
        new(() => Run(Path.GetTempPath(), token: null, ["learn", "--port", "0", "--json"]));

    private readonly Process process;
    private readonly bool shared;

    private Site(Process process, JsonNode said, bool shared = false)
    {
        this.process = process;
        this.shared = shared;
        Said = said;
        Address = new Uri(new Uri((string)said["url"]!), "/");
        Client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
    }

    /// <summary>What it said when it was started.</summary>
    public JsonNode Said { get; }

    /// <summary>Where it is.</summary>
    public Uri Address { get; }

    /// <summary>Asks it over HTTP: follows no redirect, keeps no cookie.</summary>
    public HttpClient Client { get; }

    /// <summary>Starts one on a free port, and waits until it answers.</summary>
    /// <param name="folder">Folder of runs.</param>
    /// <param name="token">The token it asks for; null for none.</param>
    /// <param name="arguments">Further arguments.</param>
    public static Task<Site> Start(string folder, string? token = null, params string[] arguments) =>
        Run(folder, token, ["serve", folder, "--port", "0", "--json", .. (string[])(token is null ? ["--no-token"] : []), .. arguments]);

    /// <summary>Starts one as a person does, with the random token of its own.</summary>
    /// <param name="folder">Folder of runs.</param>
    /// <param name="arguments">Further arguments.</param>
    public static Task<Site> StartUsual(string folder, params string[] arguments) =>
        Run(folder, token: null, ["serve", folder, "--port", "0", "--json", .. arguments]);

    /// <summary>The explainer alone: one server for all tests, ended with the last of them.</summary>
    public static async Task<Site> Learn()
    {
        Site explainer = await Explainer.Value;
        return new Site(explainer.process, explainer.Said, shared: true);
    }

    /// <summary>The explainer alone, on a server of its own.</summary>
    /// <param name="processors">Processors that the server sees.</param>
    public static Task<Site> Learn(int processors) =>
        Run(Path.GetTempPath(), token: null, ["learn", "--port", "0", "--json"], processors);

    /// <summary>Ends the explainer that tests shared.</summary>
    internal static async Task EndExplainer()
    {
        if (Explainer.IsValueCreated) await (await Explainer.Value).DisposeAsync();
    }

    private static async Task<Site> Run(string folder, string? token, string[] command, int? processors = null)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["UNWEAVE_TOKEN"] = token };
        if (processors is { } count) environment["DOTNET_PROCESSOR_COUNT"] = count.ToString(CultureInfo.InvariantCulture);
        Process server = Cli.Start(folder, environment, command);
        string? line = await server.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2));
        if (line is not null && JsonNode.Parse(line) is { } said) return new Site(server, said);
        Outcome end = await Cli.End(server);
        server.Dispose();
        throw new InvalidOperationException($"The server did not start: {line}\n{end.Error}");
    }

    /// <summary>Stops it as Ctrl-C does.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> Stop()
    {
        if (!process.HasExited) Cli.Interrupt(process);
        return (await Cli.End(process)).Code;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (shared) return;
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
