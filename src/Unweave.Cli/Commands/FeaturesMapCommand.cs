using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Cli.Rendering;
using Unweave.Projection;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features map</c>: lays the latents out in the plane.</summary>
internal static class FeaturesMapCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var defaults = new TSneOptions();
        var sae = new Argument<string>("SAE") { Description = "Folder of a run with a catalog." };
        var perplexity = new Option<double>("--perplexity") { HelpName = "P", Description = "How many neighbours of a latent count, softly.", DefaultValueFactory = _ => defaults.Perplexity };
        var iterations = new Option<int>("--iterations") { HelpName = "N", Description = "Steps.", DefaultValueFactory = _ => defaults.Iterations };
        var seed = new Option<ulong>("--seed") { HelpName = "N", Description = "Seed of the start." };
        var command = new Command("map", "Lays the latents out in the plane by t-SNE of their decoder rows, for the dashboard's map.") { sae, perplexity, iterations, seed };
        help.AddExamples(command, "unweave features map sae/");
        command.SetAction((parsed, cancellation) =>
        {
            string folder = parsed.GetValue(sae)!;
            using var catalog = FeatureCatalog.Open(folder);
            using SparseAutoencoder autoencoder = FeatureBuild.Open(folder);
            TimeProvider time = TimeProvider.System;
            long started = time.GetTimestamp();
            var options = new TSneOptions { Perplexity = parsed.GetValue(perplexity), Iterations = parsed.GetValue(iterations), Seed = parsed.GetValue(seed) };
            (double loss, int latents) = FeatureMap.Make(catalog, autoencoder, options, new Shown(time), cancellation);
            RowsDisplay.Clear();
            if (parsed.GetValue(json)) Screen.WriteJson(new JsonObject { ["latents"] = latents, ["loss"] = loss, ["seconds"] = Math.Round(time.GetElapsedTime(started).TotalSeconds, 3) });
            else Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Laid out {Figures.Count(latents)} latents in {Figures.Duration(time.GetElapsedTime(started))}; KL divergence {loss:0.000} nats. Look at it: unweave serve {folder}"));
            return Task.CompletedTask;
        });
        return command;
    }

    private sealed class Shown(TimeProvider time) : IProgress<TSneStep>
    {
        private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(100);
        private long shown = time.GetTimestamp();

        public void Report(TSneStep value)
        {
            if (time.GetElapsedTime(shown) < (Screen.ProgressIsLive ? LiveInterval : LogInterval)) return;
            shown = time.GetTimestamp();
            string line = string.Create(CultureInfo.InvariantCulture, $"step {value.Iteration}/{value.Iterations}  KL {value.Loss:0.000}");
            if (Screen.ProgressIsLive) Console.Error.Write($"\r\u001b[K{line}");
            else Console.Error.WriteLine(line);
        }
    }
}
