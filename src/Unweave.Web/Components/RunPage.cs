using Microsoft.AspNetCore.Components;
using Unweave.Web.Runs;

namespace Unweave.Web.Components;

/// <summary>A page about one run: its route has <c>{RunName}</c>. Where there is no such run, the page is not found.</summary>
public abstract class RunPage : ComponentBase
{
    private ServedRun? run;

    /// <summary>The run's name, from the address.</summary>
    [Parameter] public string RunName { get; set; } = "";

    /// <summary>The run.</summary>
    protected ServedRun Run => run!;

    /// <summary>Where to go.</summary>
    [Inject] protected NavigationManager Navigation { get; set; } = null!;

    [Inject] private ServedRuns Runs { get; set; } = null!;

    /// <inheritdoc/>
    public override Task SetParametersAsync(ParameterView parameters)
    {
        if (Runs.TryGet(parameters.GetValueOrDefault<string>(nameof(RunName)), out run)) return base.SetParametersAsync(parameters);
        Navigation.NotFound();
        return Task.CompletedTask;
    }
}
