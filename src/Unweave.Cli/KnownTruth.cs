using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;

namespace Unweave.Cli;

/// <summary>Scores of an autoencoder against the features of a synthetic model, for people and as JSON.</summary>
/// <param name="Autoencoder">The autoencoder.</param>
/// <param name="Model">The model.</param>
/// <param name="Scores">The scores, in each form in which the autoencoder encodes.</param>
internal sealed record KnownTruth(SparseAutoencoder Autoencoder, SyntheticModel Model, IReadOnlyList<TruthScores> Scores)
{
    /// <summary>Scores, and shows how far it is.</summary>
    /// <param name="autoencoder">The autoencoder; it stays the caller's.</param>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="cancellationToken">Ends the scoring.</param>
    public static KnownTruth Measure(SparseAutoencoder autoencoder, SyntheticModel model, long rows, CancellationToken cancellationToken)
    {
        var display = new RowsDisplay("scored", rows, TimeProvider.System);
        IReadOnlyList<TruthScores> scores = TruthScores.Measure(autoencoder, model, rows, display, cancellationToken);
        RowsDisplay.Clear();
        return new KnownTruth(autoencoder, model, scores);
    }

    /// <summary>The scores as JSON, a form each.</summary>
    public JsonArray ToJson() => [.. Scores.Select(TruthTable.ToJson)];

    /// <summary>Writes the table, with what is published beside.</summary>
    /// <param name="name">What to call the autoencoder.</param>
    public void Write(string name)
    {
        Console.Out.WriteLine($"{name} against the {Figures.Count(Model.Directions.Rows)} known features of {Model.Name}, on "
            + $"{Figures.Count(Scores[0].Rows)} rows:");
        string architecture = Architecture.From(Autoencoder.Options).Name;
        TruthTable.Write(Scores, [.. PublishedTruthScores.Beside(architecture, Model.Name)]);
    }
}
