namespace Unweave.Learn.Training;

/// <summary>What keeps a code sparse.</summary>
public enum SparsityKind
{
    /// <summary>ReLU latents and an L1 penalty.</summary>
    L1,

    /// <summary>Sigmoid latents and a KL penalty on their mean activations.</summary>
    Kl,

    /// <summary>Only the k largest latents are kept.</summary>
    TopK,
}

/// <summary>What is trained on.</summary>
public enum DataKind
{
    /// <summary>Patches of the pictures of clothes.</summary>
    Patches,

    /// <summary>Made-up vectors whose features are known.</summary>
    Features,
}
