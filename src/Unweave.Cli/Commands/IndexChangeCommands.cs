using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Indexing;
using Unweave.Retrieval;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave index add</c>, <c>remove</c> and <c>merge</c>: an index is searched meanwhile as it was.</summary>
internal static class IndexChangeCommands
{
    /// <summary>Makes <c>add</c>.</summary>
    public static Command Add(Help help, Option<bool> json)
    {
        Argument<string> index = Index();
        var texts = new Argument<string[]>("TEXTS")
        {
            Description = "Texts, as for `unweave index`. One with the id of a text that is there replaces it.",
            Arity = ArgumentArity.OneOrMore,
        };
        var column = new Option<string?>("--text-column")
        {
            HelpName = "NAME",
            Description = "Field or column with the texts. [default: text]",
        };
        var strict = new Option<bool>("--strict") { Description = "End with an error at the first text that cannot be read." };
        var command = new Command("add", "Adds texts to an index, or replaces them.") { index, texts, column, strict };
        help.AddExamples(command, "unweave index add docs.index more.jsonl");
        command.SetAction((parsed, cancellationToken) =>
        {
            TextCorpus corpus = TextCorpus.Open(parsed.GetValue(texts)!, parsed.GetValue(column), parsed.GetValue(strict),
                withFields: true);
            using OpenedIndex opened = OpenedIndex.Open(parsed.GetValue(index)!);
            var display = new RowsDisplay("added", 0, TimeProvider.System);
            long added = opened.Texts.Add(corpus.Records().Select(TextIndex.Document), display, cancellationToken);
            RowsDisplay.Clear();
            MalformedTexts.Say(corpus);
            Say(parsed, json, opened.Texts.Index, "added", added,
                $"Added {Figures.Count(added)} {Texts(added)} in {Figures.Duration(display.Elapsed)}");
            return Task.CompletedTask;
        });
        return command;
    }

    /// <summary>Makes <c>remove</c>.</summary>
    public static Command Remove(Help help, Option<bool> json)
    {
        Argument<string> index = Index();
        var keys = new Argument<string[]>("IDS") { Description = "Ids of texts, as hits show them.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("remove", "Takes texts out of an index.") { index, keys };
        help.AddExamples(command, "unweave index remove docs.index 17 23");
        command.SetAction((parsed, _) =>
        {
            using OpenedIndex opened = OpenedIndex.Open(parsed.GetValue(index)!);
            string[] wanted = parsed.GetValue(keys)!;
            long removed;
            using (SearchWriter writer = opened.Texts.Index.OpenWriter())
            {
                string[] missing = [.. wanted.Where(key => !writer.Delete(key))];
                if (missing.Length > 0)
                {
                    string named = string.Join(", ", missing.Take(5));
                    throw new InputException($"{parsed.GetValue(index)} has no text {named}; nothing was taken out.");
                }

                writer.Commit();
                removed = wanted.Length;
            }

            Say(parsed, json, opened.Texts.Index, "removed", removed, $"Took out {Figures.Count(removed)} {Texts(removed)}");
            return Task.CompletedTask;
        });
        return command;
    }

    /// <summary>Makes <c>merge</c>.</summary>
    public static Command Merge(Help help, Option<bool> json)
    {
        Argument<string> index = Index();
        var command = new Command("merge", "Merges an index into one segment, without what was taken out.\n\nAdding merges what it must by "
            + "itself; this makes the index as small and fast as it can be.") { index };
        help.AddExamples(command, "unweave index merge docs.index");
        command.SetAction((parsed, _) =>
        {
            using OpenedIndex opened = OpenedIndex.Open(parsed.GetValue(index)!);
            int before = opened.Texts.Index.Segments;
            using (SearchWriter writer = opened.Texts.Index.OpenWriter()) writer.Merge();
            Say(parsed, json, opened.Texts.Index, "merged", before, $"Merged {before} {(before == 1 ? "segment" : "segments")} into one");
            return Task.CompletedTask;
        });
        return command;
    }

    private static Argument<string> Index() => new("INDEX") { Description = "Folder of an index." };

    private static string Texts(long count) => count == 1 ? "text" : "texts";

    private static void Say(ParseResult parsed, Option<bool> json, SearchIndex index, string what, long count, string sentence)
    {
        if (parsed.GetValue(json))
            Screen.WriteJson(new JsonObject { [what] = count, ["texts"] = index.Rows, ["segments"] = index.Segments });
        else
            Console.Out.WriteLine($"{sentence}: {Figures.Count(index.Rows)} {Texts(index.Rows)} in {index.Segments} "
                + $"{(index.Segments == 1 ? "segment" : "segments")}.");
    }
}
