using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Cli.Rendering;
using Unweave.Projection;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features map</c>: places the latents in the plane.</summary>
internal static class FeaturesMapCommand
{
    /// <summary>Makes the command.</summary>
    internal static Command Create(Help help, Option<bool> json)
    {
        var usual = new TSneOptions();
        var sae = new Argument<string>("SAE") { Description = "Folder of a run with a catalog." };
        var perplexity = new Option<double>("--perplexity")
        {
            HelpName = "X",
            Description = "With --by decoder: neighbors that a latent counts as its own.",
            DefaultValueFactory = _ => usual.Perplexity,
        };
        var iterations = new Option<int>("--iterations")
        {
            HelpName = "N",
            Description = "Steps.",
            DefaultValueFactory = _ => usual.Iterations,
        };
        var seed = new Option<ulong>("--seed")
        {
            HelpName = "N",
            Description = "Seed of the noise at the start.",
            DefaultValueFactory = _ => usual.Seed,
        };
        var by = new Option<MapLayout>("--by")
        {
            HelpName = "together|decoder",
            Description = "What makes latents neighbors: that they fire together, or that their decoder rows point alike.",
            DefaultValueFactory = _ => MapLayout.Together,
        };
        var command = new Command("map",
            "Lays the latents out as a map.\n\nThose that fire are placed in the plane by t-SNE, near each other where they fire together "
            + "or where their decoder rows point alike, and the places are kept in the catalog.")
        {
            sae, by, perplexity, iterations, seed,
        };
        help.AddExamples(command, "unweave features map sae/", "unweave features map sae/ --by decoder --perplexity 15 --seed 3");
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new TSneOptions
            {
                Perplexity = parsed.GetValue(perplexity),
                Iterations = parsed.GetValue(iterations),
                Seed = parsed.GetValue(seed),
            };
            Run(parsed.GetValue(sae)!, parsed.GetValue(by), options, parsed.GetValue(json), cancellationToken);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(string folder, MapLayout layout, TSneOptions options, bool json, CancellationToken cancellationToken)
    {
        var run = RunFolder.Open(folder);
        using FeatureCatalog catalog = FeatureCatalog.Open(run);
        using SparseAutoencoder autoencoder = run.LoadSparseAutoencoder();
        var display = new Display(TimeProvider.System);
        IReadOnlyList<MapPoint> points;
        try
        {
            points = FeatureMap.Make(catalog, autoencoder, layout, options, display, cancellationToken);
        }
        finally
        {
            RowsDisplay.Clear();
        }

        catalog.WriteMap(points);
        if (json)
        {
            Screen.WriteJson(new JsonObject
            {
                ["catalog"] = catalog.Path,
                ["latents"] = catalog.Source.Latents,
                ["placed"] = points.Count,
                ["iterations"] = options.Iterations,
                ["loss"] = Math.Round(display.Loss, 6),
                ["seconds"] = Math.Round(display.Elapsed.TotalSeconds, 3),
            });
            return;
        }

        int latents = catalog.Source.Latents;
        Console.Out.WriteLine(
            $"Placed {Figures.Count(points.Count)} of {Figures.Count(latents)} "
            + $"latents{(points.Count < latents ? " (the others are dead)" : "")}, divergence {Figures.Short(display.Loss)} nats, "
            + $"{Figures.Duration(display.Elapsed)}.");
        Console.Out.WriteLine($"The map is in {catalog.Path}. Look at it: unweave serve {folder}");
    }

    /// <summary>Progress on standard error: one line that is redrawn, or in a log a line every few seconds.</summary>
    private sealed class Display(TimeProvider time) : IProgress<FeatureMapProgress>
    {
        private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(100);
        private readonly long started = time.GetTimestamp();
        private long shown = time.GetTimestamp(), stepping;

        /// <summary>Divergence of the last step.</summary>
        public double Loss { get; private set; }

        /// <summary>Time since this display was made.</summary>
        public TimeSpan Elapsed => time.GetElapsedTime(started);

        public void Report(FeatureMapProgress value)
        {
            Loss = value.Loss;
            if (value.Iteration == 1)
            {
                stepping = time.GetTimestamp(); // the search for neighbors is behind it, and says nothing of the steps
                return;
            }

            if (time.GetElapsedTime(shown) < (Screen.ProgressIsLive ? LiveInterval : LogInterval)) return;
            shown = time.GetTimestamp();
            TimeSpan left = time.GetElapsedTime(stepping) * ((double)(value.Iterations - value.Iteration) / (value.Iteration - 1));
            string line =
                $"step {Figures.Count(value.Iteration)} of {Figures.Count(value.Iterations)}  {Figures.Count(value.Points.Count)} latents "
                + $" divergence {Figures.Short(value.Loss)}  {Figures.Duration(left)} left";
            if (Screen.ProgressIsLive) Console.Error.Write($"\r\u001b[K{line}");
            else Console.Error.WriteLine(line);
        }
    }
}
