using Unweave.Interpretation;

namespace Unweave.Web.Steering;

/// <summary>A latent in a text.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Activation">Its activation on a token, or its strongest of the text.</param>
internal readonly record struct Firing(int Latent, float Activation);

/// <summary>A latent over a text.</summary>
/// <param name="Tokens">Tokens of the text.</param>
/// <param name="Fires">Those that it fires on.</param>
/// <param name="Peak">Its strongest activation; 0 where it does not fire.</param>
/// <param name="Mean">Its mean activation over all tokens.</param>
internal readonly record struct FiringSummary(int Tokens, int Fires, float Peak, double Mean)
{
    /// <summary>That of activations, one a token.</summary>
    public static FiringSummary Of(float[] activations) => new(activations.Length, activations.Count(activation => activation > 0),
        activations.DefaultIfEmpty().Max(), activations.DefaultIfEmpty().Average());

    /// <summary>In words, such as "on 3 of 17 tokens".</summary>
    public string OnTokens => $"on {Figures.Count(Fires)} of {Figures.Count(Tokens)} tokens";
}

/// <summary>A text as an autoencoder in its model read it.</summary>
internal sealed class Reading(TextCodes codes)
{
    /// <summary>The text, a piece a token.</summary>
    public IReadOnlyList<string> Pieces => codes.Pieces;

    /// <summary>The strongest latents of a token, strongest first.</summary>
    public IReadOnlyList<Firing> Strongest(int token, int count) => Strongest(FiringOn(token), count);

    /// <summary>Number of latents that fire on a token.</summary>
    public int Active(int token) => codes.Codes.RowCount(token);

    /// <summary>All latents of a token, strongest first.</summary>
    public IReadOnlyList<Firing> All(int token) => Strongest(token, int.MaxValue);

    /// <summary>The latents with the strongest peaks of the text, strongest first.</summary>
    public IReadOnlyList<Firing> Peaks(int count)
    {
        var peaks = new Dictionary<int, float>();
        ReadOnlySpan<int> latents = codes.Codes.AllLatents;
        ReadOnlySpan<float> values = codes.Codes.AllValues;
        for (int i = 0; i < latents.Length; i++) peaks[latents[i]] = Math.Max(values[i], peaks.GetValueOrDefault(latents[i]));
        return Strongest(peaks.Select(peak => new Firing(peak.Key, peak.Value)), count);
    }

    /// <summary>A latent's activation on each token; 0 where it does not fire.</summary>
    public float[] Activations(int latent)
    {
        float[] activations = new float[Pieces.Count];
        for (int token = 0; token < activations.Length; token++)
        {
            int at = codes.Codes.Latents(token).BinarySearch(latent);
            if (at >= 0) activations[token] = codes.Codes.Values(token)[at];
        }

        return activations;
    }

    /// <summary>A latent over the text.</summary>
    public FiringSummary Summary(int latent) => FiringSummary.Of(Activations(latent));

    private static IReadOnlyList<Firing> Strongest(IEnumerable<Firing> firings, int count) =>
        [.. firings.OrderByDescending(firing => firing.Activation).ThenBy(firing => firing.Latent).Take(count)];

    private IEnumerable<Firing> FiringOn(int token)
    {
        int[] latents = codes.Codes.Latents(token).ToArray();
        float[] values = codes.Codes.Values(token).ToArray();
        return latents.Zip(values, (latent, value) => new Firing(latent, value));
    }
}
