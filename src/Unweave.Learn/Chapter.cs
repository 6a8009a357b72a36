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
        new("autoencoder", "What is an autoencoder?",
            "Compress a picture to a few numbers and rebuild it: lossy compression, but learned."),
        new("sparsity", "What is sparsity?", "Many numbers, most of them zero: another way to keep a code simple."),
        new("l1", "The L1 penalty", "Why a penalty on Σ|x| gives exact zeros, while Σx² only gives small numbers."),
        new("kl", "KL divergence", "How much two distributions differ, and why the order matters."),
        new("superposition", "Superposition", "How five features fit into two dimensions, and why single neurons are hard to read."),
        new("sparse-autoencoder", "A sparse autoencoder", "Train one here, and watch its dictionary turn into strokes and edges."),
        new("language-models", "Language models", "The same method on the inner numbers of a model that reads text."),
        new("kl-elsewhere", "Where else KL divergence is used", "Maps by t-SNE, variational autoencoders, and two networks competing."),
        new("retrieval", "Vector retrieval", "Find texts by the latents they share, and see why each one was found."),
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
