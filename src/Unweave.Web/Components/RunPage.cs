using Microsoft.AspNetCore.Components;

namespace Unweave.Web.Components;

/// <summary>A page about one run: its route has <c>{RunName}</c>. Where there is no such run, the page is not found.</summary>
public abstract class RunPage : ComponentBase
{
    private Run? run;

    /// <summary>The run's name, from the address.</summary>
    [Parameter] public string RunName { get; set; } = "";

    /// <summary>The run.</summary>
    protected Run Run => run!;

    /// <summary>Where to go.</summary>
    [Inject] protected NavigationManager Navigation { get; set; } = null!;

    [Inject] private Runs Runs { get; set; } = null!;

    /// <inheritdoc/>
    public override Task SetParametersAsync(ParameterView parameters)
    {
        if (Runs.TryGet(parameters.GetValueOrDefault<string>(nameof(RunName)), out run)) return base.SetParametersAsync(parameters);
        Navigation.NotFound();
        return Task.CompletedTask;
    }
}
