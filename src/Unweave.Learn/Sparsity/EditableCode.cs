using Unweave.Numerics;

namespace Unweave.Learn.Sparsity;

/// <summary>A code of a few dozen numbers, of which each says how strongly something is present.</summary>
internal sealed class EditableCode
{
    private static readonly string[] names =
    [
        "courts of law", "plurals", "French", "opening quotes", "cooking", "negation", "rivers", "past tense", "percentages", "weather",
            "program code", "surprise",
        "prices", "second half of a name", "music", "lists", "apologies", "chemistry", "dates", "questions", "sports results", "greetings",
            "hyphens", "medicine",
    ];

    private readonly double[] values = new double[names.Length];

    /// <summary>What each number stands for.</summary>
    public static IReadOnlyList<string> Names => names;

    /// <summary>How many numbers there are.</summary>
    public static int Length => names.Length;

    /// <summary>The numbers, from 0 to 1.</summary>
    public IReadOnlyList<double> Values => values;

    /// <summary>The numbers, as the library takes them.</summary>
    public ReadOnlySpan<double> Span => values;

    /// <summary>Five that are not 0.</summary>
    public static EditableCode Sparse()
    {
        var code = new EditableCode();
        (code.values[2], code.values[7], code.values[13], code.values[18], code.values[20]) = (0.34, 0.88, 0.12, 0.06, 0.57);
        return code;
    }

    /// <summary>As long as the sparse one (its L2 norm is the same), with all of it in use.</summary>
    public static EditableCode Dense()
    {
        var code = new EditableCode();
        var rng = new Rng(4);
        for (int i = 0; i < code.values.Length; i++) code.values[i] = 0.2 + rng.NextDouble();
        double scale = Norms.L2(Sparse().values) / Norms.L2(code.values);
        for (int i = 0; i < code.values.Length; i++) code.values[i] *= scale;
        return code;
    }

    /// <summary>Changes a number.</summary>
    /// <param name="index">Which.</param>
    /// <param name="value">From 0 to 1.</param>
    public void Set(int index, double value) => values[index] = Math.Clamp(value, 0, 1);

    /// <summary>
    /// The share of the squared length that is lost when a code takes this one's place: 0 when nothing is, 1 when all is.
    /// </summary>
    /// <param name="kept">The code in its place.</param>
    public double Lost(ReadOnlySpan<double> kept)
    {
        double[] dropped = new double[values.Length];
        for (int i = 0; i < dropped.Length; i++) dropped[i] = values[i] - kept[i];
        double length = Norms.L2(values), lost = Norms.L2(dropped);
        return length == 0 ? 0 : lost * lost / (length * length);
    }

    /// <summary>How many different sets of so many numbers there are: n!/(k!·(n−k)!).</summary>
    /// <param name="count">How many are not 0.</param>
    public static long Sets(int count)
    {
        long sets = 1;
        for (int i = 1; i <= count; i++) sets = sets * (Length - count + i) / i;
        return sets;
    }
}
