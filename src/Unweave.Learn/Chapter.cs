namespace Unweave.Learn;

/// <summary>A chapter of the explainer.</summary>
/// <param name="Name">The last part of its address.</param>
/// <param name="Title">Its title.</param>
/// <param name="Summary">What a reader finds in it, in a sentence.</param>
public sealed record Chapter(string Name, string Title, string Summary)
{
    /// <summary>Address of the explainer.</summary>
    public const string Start = "/learn";

    /// <summary>All chapters, in the order in which they are read.</summary>
    public static IReadOnlyList<Chapter> All => all;

    private static readonly List<Chapter> all =
    [
        new("autoencoder", "An autoencoder",
            "Squeeze a picture through a few numbers and build it again: a lossy compression that is learned."),
        new("sparsity", "Sparsity", "Many numbers, most of them zero: another way to say little."),
        new("l1", "The L1 norm", "Why a penalty on Σ|x| makes exact zeros, where Σx² only makes small numbers."),
        new("kl", "KL divergence", "How far one distribution is from another, and why the way back is not as long."),
        new("sparse-autoencoder", "A sparse autoencoder", "Train one here, and watch its dictionary become strokes and edges."),
        new("language-models", "Language models", "The same thing on the activations of a model that reads text."),
        new("kl-elsewhere", "Where else KL works",
            "Maps by t-SNE, variational autoencoders, and two networks that play against each other."),
        new("retrieval", "Vector retrieval", "Find texts by the latents that they share, and see why each was found."),
    ];

    /// <summary>Its address.</summary>
    public string Address => $"{Start}/{Name}";

    /// <summary>Its place, from 1.</summary>
    public int Number => all.IndexOf(this) + 1;

    /// <summary>The chapter after it, or null.</summary>
    public Chapter? Next => Number < All.Count ? All[Number] : null;

    /// <summary>The chapter before it, or null.</summary>
    public Chapter? Previous => Number > 1 ? All[Number - 2] : null;

    /// <summary>The chapter at an address, or null.</summary>
    public static Chapter? At(string path) =>
        All.FirstOrDefault(chapter => string.Equals(chapter.Address, path, StringComparison.OrdinalIgnoreCase));
}
