using System.CommandLine;
using Unweave.Evaluation;

namespace Unweave.Cli;

/// <summary>The names of baselines on the command line.</summary>
internal static class BaselineNames
{
    private static readonly (string Name, BaselineKind Kind)[] Known =
    [
        ("pca", BaselineKind.Pca),
        ("pca-by-row", BaselineKind.PcaByRow),
        ("ica", BaselineKind.Ica),
        ("semi-nmf", BaselineKind.SemiNonnegative),
        ("k-svd", BaselineKind.KSvd),
        ("random", BaselineKind.RandomDictionary),
        ("identity", BaselineKind.Identity),
    ];

    /// <summary>The flag that chooses baselines.</summary>
    public static Option<string> Flag() => new("--baselines")
    {
        HelpName = "NAMES",
        Description = $"Baselines, separated by commas: {string.Join(", ", Known.Select(known => known.Name))}; or all, or none. Each has "
            + "as many numbers a row as the autoencoder has active latents.",
        DefaultValueFactory = _ => "all",
    };

    /// <summary>The name of a baseline.</summary>
    public static string Of(BaselineKind kind) => Known.First(known => known.Kind == kind).Name;

    /// <summary>The baselines that the flag names.</summary>
    /// <exception cref="InputException">One is not known.</exception>
    public static IReadOnlyList<BaselineKind> Parse(string given) => given switch
    {
        "all" => [.. Known.Select(known => known.Kind)],
        "none" => [],
        _ => [.. given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(One).Distinct()],
    };

    private static BaselineKind One(string name)
    {
        int at = Array.FindIndex(Known, known => string.Equals(known.Name, name, StringComparison.Ordinal));
        return at >= 0 ? Known[at].Kind : throw new InputException(
            $"--baselines {name}: there is no such baseline; there are {string.Join(", ", Known.Select(known => known.Name))}, all and "
            + "none.");
    }
}
