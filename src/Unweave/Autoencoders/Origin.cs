namespace Unweave.Autoencoders;

/// <summary>Where an autoencoder comes from that another library wrote, and how its files were read.</summary>
/// <param name="Dialect">The dialect's name, as <c>--to</c> takes it: <c>saelens</c>.</param>
/// <param name="Conventions">
/// What the files say of the formula, a convention a line: <c>b_dec is subtracted from the input</c>.
/// </param>
internal sealed record Origin(string Dialect, IReadOnlyList<string> Conventions)
{
    /// <summary>What was folded into the weights while they were read, a step a line; empty when they are the file's own.</summary>
    public IReadOnlyList<string> Folded { get; init; } = [];

    /// <summary>What the files say beside the formula, by name: model, hook, what its authors measured.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// The dialect's own settings as they were read (JSON); a writer of the same dialect keeps what the formula does not decide.
    /// </summary>
    public string? Settings { get; init; }
}
