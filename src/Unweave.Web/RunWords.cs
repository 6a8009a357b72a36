using Unweave.Autoencoders;
using Unweave.Web.Components;

namespace Unweave.Web;

/// <summary>A run in words.</summary>
internal static class RunWords
{
    /// <summary>The autoencoder in a few words: <c>TopK, 4,096 latents, 32 active</c>.</summary>
    public static string Architecture(AutoencoderOptions options) => options switch
    {
        TopKOptions topK => $"TopK, {Figures.Count(topK.Latents)} latents, {topK.K} active",
        ReluOptions relu => $"ReLU with L1, {Figures.Count(relu.Latents)} latents",
        KlOptions kl => $"sigmoid with KL sparsity, {Figures.Count(kl.Latents)} latents",
        UndercompleteOptions narrow => $"undercomplete, bottleneck of {Figures.Count(narrow.Bottleneck)}",
        DictionaryOptions dictionary => $"{Figures.Count(dictionary.Latents)} latents",
        _ => options.GetType().Name,
    };

    /// <summary>A run in one line.</summary>
    public static string Short(Run run)
    {
        AutoencoderOptions? options = run.Settings?.Autoencoder ?? run.Trained?.Options;
        string what = options is null ? "no autoencoder" : Architecture(options);
        return run.Catalog is null ? $"{what}; no features yet" : what;
    }
}
