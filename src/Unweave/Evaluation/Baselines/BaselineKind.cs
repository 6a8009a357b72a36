namespace Unweave.Evaluation;

/// <summary>What an autoencoder is measured beside: other ways to write a row with k numbers.</summary>
public enum BaselineKind
{
    /// <summary>The k principal components of most variance.</summary>
    Pca,

    /// <summary>All principal components (at most 256), of which each row keeps the k where it is largest.</summary>
    PcaByRow,

    /// <summary>Independent components (FastICA), of which each row keeps the k that contribute most.</summary>
    Ica,

    /// <summary>Semi-nonnegative matrix factorization: directions of any sign, of which a row adds up at most k.</summary>
    SemiNonnegative,

    /// <summary>A dictionary learned by k-SVD, with codes by orthogonal matching pursuit.</summary>
    KSvd,

    /// <summary>Random unit directions, as many as the autoencoder has latents: the k of largest inner product, refitted.</summary>
    RandomDictionary,

    /// <summary>The row itself: the k elements that are farthest from their mean.</summary>
    Identity,
}
