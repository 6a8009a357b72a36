using System.Globalization;
using Unweave.Interpretation;

namespace Unweave.Web.Steering;

/// <summary>A change of a latent as a person sets it: its strength in multiples of the latent's strongest activation.</summary>
internal sealed class LatentEdit(int latent)
{
    /// <summary>Edits that one page holds.</summary>
    public const int Most = 8;

    /// <summary>The unit of strength of a latent whose strongest activation is not known.</summary>
    public const float UnknownUnit = 10;

    /// <summary>The multiple at which a latent shows in most texts.</summary>
    public const double Telling = 2;

    /// <summary>Largest multiple that the slider gives.</summary>
    public const double Reach = 3;

    /// <summary>The latent.</summary>
    public int Latent => latent;

    /// <summary>What is done.</summary>
    public InterventionKind Kind { get; set; } = InterventionKind.Steer;

    /// <summary>Strength, in multiples of <see cref="Unit"/>.</summary>
    public double Times { get; set; } = 1;

    /// <summary>The latent's strongest activation.</summary>
    public float Unit { get; set; } = UnknownUnit;

    /// <summary>The strength at the scale of the weights.</summary>
    public float Strength => (float)(Times * Unit);

    private string KindName => Kind.ToString().ToLowerInvariant();

    /// <summary>Reads the edits of an address; words that are none are skipped.</summary>
    /// <param name="text">Edits separated by commas.</param>
    /// <param name="latents">Number of latents.</param>
    public static IEnumerable<LatentEdit> Parse(string? text, int latents) => (text ?? "")
        .Split(',')
        .Select(word => ParseOne(word, latents))
        .OfType<LatentEdit>()
        .DistinctBy(edit => edit.Latent)
        .Take(Most);

    /// <summary>As the model takes it.</summary>
    public Intervention ToIntervention() => new(latent, Kind, Kind == InterventionKind.Ablate ? 0 : Strength);

    /// <summary>As an address has it: latent, kind and multiple.</summary>
    public override string ToString() => Kind == InterventionKind.Ablate
        ? $"{latent}:{KindName}"
        : string.Create(CultureInfo.InvariantCulture, $"{latent}:{KindName}:{Times:0.##}");

    private static LatentEdit? ParseOne(string word, int latents)
    {
        string[] parts = word.Split(':');
        if (!int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int latent) || latent >= latents) return null;
        var edit = new LatentEdit(latent);
        if (parts.Length > 1 && Enum.TryParse(parts[1], ignoreCase: true, out InterventionKind kind) && Enum.IsDefined(kind))
            edit.Kind = kind;
        if (parts.Length > 2 && double.TryParse(parts[2], NumberStyles.Float, CultureInfo.InvariantCulture, out double times)
            && double.IsFinite(times))
            edit.Times = Math.Clamp(times, -Reach, Reach);
        return edit;
    }
}
