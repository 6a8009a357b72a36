using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Components.WebAssembly.Hosting;
using Unweave.Learn;
using Unweave.Learn.Browser;

WebAssemblyHostBuilder builder = WebAssemblyHostBuilder.CreateDefault(args);
builder.RootComponents.Add<Pages>("#app");
builder.RootComponents.Add<HeadOutlet>("head::after");
builder.Services.AddExplainer().AddSingleton<IOwnRuns, NoRuns>();
await builder.Build().RunAsync();

namespace Unweave.Learn.Browser
{
    /// <summary>Static files have no runs beside them.</summary>
    internal sealed class NoRuns : IOwnRuns
    {
        /// <inheritdoc/>
        public string? Address => null;

        /// <inheritdoc/>
        public OwnRun? Best(int latents) => null;
    }
}
