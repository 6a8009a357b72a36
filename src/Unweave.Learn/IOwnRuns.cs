using Unweave.Learn.LanguageModels;

namespace Unweave.Learn;

/// <summary>The runs that the server shows beside the explainer.</summary>
public interface IOwnRuns
{
    /// <summary>Address of the page that lists them; null where the server has the explainer alone.</summary>
    string? Address { get; }

    /// <summary>
    /// The first run on a language model that has latents with labels that hold, with the most interesting of them; null where there is
    /// none.
    /// </summary>
    /// <param name="latents">How many latents at most.</param>
    OwnRun? Best(int latents);
}

/// <summary>A run that the server shows.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Latents">Its latents, the most interesting first.</param>
/// <param name="Features">Address of the page with all of its latents.</param>
/// <param name="Try">Address of the page that reads a text.</param>
/// <param name="Steer">Address of the page that changes what the model writes.</param>
public sealed record OwnRun(string Name, IReadOnlyList<ShownLatent> Latents, string Features, string Try, string Steer);
