using System.Globalization;

namespace Unweave.Data;

/// <summary>
/// Settings of a <see cref="SyntheticModel"/>; the defaults are those of SynthSAEBench-16k, version 2 (Chanin and Garriga-Alonso 2026,
/// arXiv 2602.14687).
/// </summary>
internal sealed record SyntheticModelOptions
{
    /// <summary>What the name of a source of such rows begins with.</summary>
    public const string Scheme = "synth:";

    private const string SeedKey = "seed=", RowsKey = "rows=";

    /// <summary>The models that have a name.</summary>
    public static IReadOnlyList<SyntheticModelOptions> Named { get; } =
    [
        new() { Name = "synth-sae-bench-16k-v2" },
        new() { Name = "synth-sae-bench-16k-v1", ScaledByParent = false },
        new() { Name = "synth-1k", Features = 1024, Width = 64, Roots = 8, MostProbable = 0.2 },
        new() { Name = "synth-4k", Features = 4096, Width = 256, Roots = 32, MostProbable = 0.3 },
    ];

    /// <summary>Name of the settings.</summary>
    public required string Name { get; init; }

    /// <summary>Number of features n. Default 16,384.</summary>
    public int Features { get; init; } = 16_384;

    /// <summary>Width d of the vectors. Default 768.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Probability of the first feature. Default 0.4.</summary>
    public double MostProbable { get; init; } = 0.4;

    /// <summary>Probability of the last feature. Default 0.0005.</summary>
    public double LeastProbable { get; init; } = 5e-4;

    /// <summary>Exponent of Zipf's law between the two. Default 0.5.</summary>
    public double Exponent { get; init; } = 0.5;

    /// <summary>Number of trees: the first features are their roots. Default 128.</summary>
    public int Roots { get; init; } = 128;

    /// <summary>Children of each node that has some. Default 4.</summary>
    public int Branching { get; init; } = 4;

    /// <summary>Levels of a tree below its root. Default 3.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>
    /// A child's magnitude is multiplied by its parent's over the parent's mean. Default true; the first version of the benchmark was
    /// published without.
    /// </summary>
    public bool ScaledByParent { get; init; } = true;

    /// <summary>Rank of the correlations. Default 25.</summary>
    public int Rank { get; init; } = 25;

    /// <summary>Standard deviation of the loadings of a feature on each factor. Default 0.1.</summary>
    public double Correlation { get; init; } = 0.1;

    /// <summary>Mean magnitude of the first feature; it falls linearly to <see cref="LastMean"/>. Default 5.</summary>
    public double FirstMean { get; init; } = 5;

    /// <summary>Mean magnitude of the last feature. Default 4.</summary>
    public double LastMean { get; init; } = 4;

    /// <summary>
    /// Mean and standard deviation of the normal number whose absolute value is the standard deviation of a feature's magnitude. Default
    /// 0.5.
    /// </summary>
    public double Deviation { get; init; } = 0.5;

    /// <summary>Length of the constant vector that is added to every row. Default 0.5.</summary>
    public double BiasNorm { get; init; } = 0.5;

    /// <summary>Seed of the model and of every row. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Number of rows of the source; null where it has no end. Default null.</summary>
    public long? Rows { get; init; }

    /// <summary>Number of features that are in trees.</summary>
    public int TreeFeatures
    {
        get
        {
            int total = 0, level = Roots;
            for (int depth = 0; depth <= Depth; depth++, level *= Branching) total += level;
            return total;
        }
    }

    /// <summary>The name with its seed and its rows, as <see cref="Parse"/> reads it.</summary>
    public string FullName => string.Create(CultureInfo.InvariantCulture,
        $"{Name}{(Seed == 0 ? "" : $",{SeedKey}{Seed}")}{(Rows is { } rows ? $",{RowsKey}{rows}" : "")}");

    /// <summary>Whether the name of a source is one of such rows.</summary>
    public static bool IsSource(string name) => name.StartsWith(Scheme, StringComparison.Ordinal);

    /// <summary>Reads a name, <c>[synth:]NAME[,seed=N][,rows=N]</c>.</summary>
    /// <exception cref="InputException">There is no such model, or what follows the name is no seed and no number of rows.</exception>
    public static SyntheticModelOptions Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string text = IsSource(name) ? name[Scheme.Length..] : name;
        string[] parts = text.Split(',');
        SyntheticModelOptions options = Named.FirstOrDefault(one => string.Equals(one.Name, parts[0], StringComparison.Ordinal))
            ?? throw new InputException($"{name}: there is no synthetic model of the name '{parts[0]}'; there are "
                + $"{string.Join(", ", Named.Select(one => one.Name))}.{Spelling.DidYouMean(parts[0], Named.Select(one => one.Name))}");
        foreach (string part in parts[1..])
        {
            options = part switch
            {
                _ when Number(part, SeedKey) is { } seed => options with { Seed = seed },
                _ when Number(part, RowsKey) is { } rows and > 0 and <= SyntheticModel.AllRows => options with { Rows = (long)rows },
                _ => throw new InputException($"{name}: '{part}' is no setting of a synthetic model; give {SeedKey}N or {RowsKey}N with a "
                    + "whole number."),
            };
        }

        return options;
    }

    private static ulong? Number(string part, string key) => part.StartsWith(key, StringComparison.Ordinal)
        && ulong.TryParse(part.AsSpan(key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;

    /// <summary>Refuses settings that make no model.</summary>
    /// <exception cref="InputException">Names the settings and the fix.</exception>
    public void Validate()
    {
        if (Width < 1 || Features < 2 * Width)
            throw new InputException($"A synthetic model of {Features} features in {Width} dimensions; it needs two features a dimension.");
        if (!(LeastProbable > 0 && LeastProbable <= MostProbable && MostProbable < 1))
            throw new InputException($"Probabilities fall from {MostProbable} to {LeastProbable}; they must lie in (0, 1) and fall.");
        if (Roots < 0 || Depth < 0 || Branching < 1 || TreeFeatures > Features)
        {
            throw new InputException($"{Roots} trees of {Depth} levels with {Branching} children a node have {TreeFeatures} features, but "
                + $"there are {Features}; make fewer or smaller trees.");
        }

        if (Rank < 1 || !(Correlation >= 0)) throw new InputException($"Correlations of rank {Rank} and scale {Correlation} are none.");
    }
}
