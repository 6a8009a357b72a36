using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Unweave.Learn.Compression;
using Unweave.Learn.Retrieval;
using Unweave.Learn.Live;

namespace Unweave.Learn;

/// <summary>What a server needs to show the explainer.</summary>
public static class Explainer
{
    /// <summary>Adds what its demonstrations share. The server adds an <see cref="IOwnRuns"/> and the pages of this assembly.</summary>
    /// <param name="services">The server's services.</param>
    public static IServiceCollection AddExplainer(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSingleton<TrainingSlots>().AddSingleton<Bottlenecks>()
            .AddSingleton(provider =>
                new SharedResult<DefinitionSearch>(DefinitionSearch.Make(provider.GetRequiredService<TrainingSlots>())));
    }
}
