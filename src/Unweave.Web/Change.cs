using System.Globalization;
using Unweave.Interpretation;

namespace Unweave.Web;

/// <summary>A change of a latent as a person sets it: its strength in multiples of the latent's strongest activation.</summary>
internal sealed class Change(int latent)
{
    /// <summary>Changes that one page holds.</summary>
    public const int Most = 8;

    /// <summary>The unit of strength of a latent whose strongest activation is not known.</summary>
    public const float UnknownUnit = 10;

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

    /// <summary>As the model takes it.</summary>
    public Intervention ToIntervention() => new(latent, Kind, Kind == InterventionKind.Ablate ? 0 : Strength);

    /// <summary>As an address has it: latent, kind and multiple.</summary>
    public override string ToString() => Kind == InterventionKind.Ablate ? $"{latent}:ablate" : string.Create(CultureInfo.InvariantCulture, $"{latent}:{Kind.ToString().ToLowerInvariant()}:{Times:0.##}");

    /// <summary>Reads those of an address; what is none is passed over.</summary>
    /// <param name="text">Changes parted by commas.</param>
    /// <param name="latents">Number of latents.</param>
    public static IEnumerable<Change> Parse(string? text, int latents) => (text ?? "").Split(',').Select(word => One(word, latents)).OfType<Change>().DistinctBy(change => change.Latent).Take(Most);

    private static Change? One(string word, int latents)
    {
        string[] parts = word.Split(':');
        if (!int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int latent) || latent >= latents) return null;
        var change = new Change(latent);
        if (parts.Length > 1 && Enum.TryParse(parts[1], ignoreCase: true, out InterventionKind kind) && Enum.IsDefined(kind)) change.Kind = kind;
        if (parts.Length > 2 && double.TryParse(parts[2], NumberStyles.Float, CultureInfo.InvariantCulture, out double times) && double.IsFinite(times)) change.Times = Math.Clamp(times, -Reach, Reach);
        return change;
    }
}
