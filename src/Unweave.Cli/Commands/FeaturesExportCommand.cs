using System.CommandLine;
using System.Text;
using System.Text.Json;
using Unweave.Catalog;
using Unweave.Catalog.Json;
using Unweave.Formats;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features export</c>: features in the JSON that Neuronpedia's dashboards are made from.</summary>
internal static class FeaturesExportCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run with a catalog." };
        var output = new Option<string?>("--output", "-o") { HelpName = "FILE", Description = "File to write; left out, standard output." };
        var command = new Command("export", "Writes all features as JSON lines, with Neuronpedia's keys.") { sae, output };
        help.AddExamples(command, "unweave features export sae/ -o features.jsonl");
        command.SetAction((parsed, cancellationToken) =>
        {
            using var opened = FeatureCatalog.Open(RunFolder.Open(parsed.GetValue(sae)!));
            using CatalogSnapshot catalog = opened.Snapshot();
            if (parsed.GetValue(output) is { } file)
            {
                AtomicFile.Write(file, stream =>
                {
                    foreach (string line in Lines()) stream.Write(Encoding.UTF8.GetBytes(line + "\n"));
                });
            }
            else
            {
                foreach (string line in Lines()) Console.Out.WriteLine(line);
            }

            return Task.CompletedTask;

            IEnumerable<string> Lines()
            {
                for (int latent = 0; latent < catalog.Source.Latents; latent++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var feature = NeuronpediaFeature.Of(catalog.Read(latent), catalog.Source);
                    yield return JsonSerializer.Serialize(feature, CatalogJson.Options);
                }
            }
        });
        return command;
    }
}
