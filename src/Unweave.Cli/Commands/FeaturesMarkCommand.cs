using System.CommandLine;
using System.Text.Json;
using Unweave.Catalog;
using Unweave.Catalog.Json;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features mark</c>: a person's own label, note, star and lists of a latent.</summary>
internal static class FeaturesMarkCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run with a catalog." };
        var latent = new Argument<int>("LATENT") { Description = "Number of the latent." };
        var label = new Option<string?>("--label")
        {
            HelpName = "TEXT",
            Description = "Your label, shown before every computed one; an empty text removes it.",
        };
        var note = new Option<string?>("--note") { HelpName = "TEXT", Description = "Your note; an empty text removes it." };
        var star = new Option<bool?>("--star") { HelpName = "true|false", Description = "Stars it, or takes the star away." };
        var add = new Option<string[]>("--add-to")
        {
            HelpName = "LIST",
            Description = "Puts it into a list, which is made if there is none of that name.",
            Arity = ArgumentArity.OneOrMore,
        };
        var remove = new Option<string[]>("--remove-from")
        {
            HelpName = "LIST",
            Description = "Takes it out of a list.",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("mark", "Writes down what you know of a feature.\n\nA rebuild of the catalog keeps it.")
        {
            sae, latent, label, note, star, add, remove,
        };
        help.AddExamples(command, "unweave features mark sae/ 1207 --label \"sea voyages\" --star true --add-to ships");
        command.SetAction((parsed, _) =>
        {
            using var catalog = FeatureCatalog.Open(RunFolder.Open(parsed.GetValue(sae)!));
            int number = parsed.GetValue(latent), latents = catalog.Source.Latents;
            if (number < 0 || number >= latents)
                throw new InputException($"there is no latent {number}; {parsed.GetValue(sae)} has latents 0 to {latents - 1}.");
            if (parsed.GetValue(label) is { } text) catalog.SetLabel(number, text);
            if (parsed.GetValue(note) is { } written) catalog.SetNote(number, written);
            if (parsed.GetValue(star) is { } starred) catalog.SetStar(number, starred);
            foreach (string list in parsed.GetValue(add) ?? []) catalog.AddToList(list, number);
            foreach (string list in parsed.GetValue(remove) ?? []) catalog.RemoveFromList(list, number);
            Annotation own = catalog.Annotation(number);
            if (parsed.GetValue(json)) Console.Out.WriteLine(JsonSerializer.Serialize(own, CatalogJson.Options));
            else Console.Out.WriteLine(
                $"latent {number}: label {own.Label ?? "none"}, note {own.Note ?? "none"}, {(own.Starred ? "starred" : "not starred")}, "
                + $"{(own.Lists.Count == 0 ? "in no list" : "in " + string.Join(", ", own.Lists))}.");
            return Task.CompletedTask;
        });
        return command;
    }
}
