using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave schema</c>: the JSON Schema of the run file, and checking one.</summary>
internal static class SchemaCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var check = new Option<string>("--check")
        {
            HelpName = "FILE",
            Description = "Check this run file instead of printing the schema.",
        };
        var sweep = new Option<bool>("--sweep") { Description = "The file of a sweep, whose settings may be lists, not a run file." };
        var command = new Command("schema", "Prints the schema of the run file, or checks one.\n\n"
            + "A run file is what `train --config` reads; its schema is a JSON Schema.") { check, sweep };
        help.AddExamples(command, "unweave schema", "unweave schema --check run.json");
        command.SetAction(parsed =>
        {
            bool ofSweep = parsed.GetValue(sweep);
            if (parsed.GetValue(check) is not { } file) Console.Out.Write(ofSweep ? SweepSchema.Text() : RunFile.Schema());
            else if (ofSweep) CheckSweep(file, parsed.GetValue(json));
            else Check(file, parsed.GetValue(json));
        });
        return command;
    }

    private static void Check(string file, bool json)
    {
        TrainingOptions options = RunFile.Read(file);
        try
        {
            // The width of the data is not known here; whatever depends on it is checked when a run starts.
            options.Validate(int.MaxValue);
        }
        catch (InputException e)
        {
            throw new InputException($"{file}: {e.Message}", e);
        }

        if (json)
            Screen.WriteJson(new JsonObject { ["file"] = file, ["valid"] = true, ["options"] = JsonNode.Parse(RunFile.Write(options)) });
        else Console.Out.WriteLine($"{file} is a valid run file: {options.Steps:N0} steps of {options.Batch:N0} rows.");
    }

    private static void CheckSweep(string file, bool json)
    {
        SweepFile sweep = SweepFile.Read(file);
        try
        {
            sweep.Validate(int.MaxValue);
        }
        catch (InputException e)
        {
            throw new InputException($"{file}: {e.Message}", e);
        }

        if (json)
        {
            Screen.WriteJson(new JsonObject
            {
                ["file"] = file,
                ["valid"] = true,
                ["points"] = new JsonArray([.. sweep.Points.Select(point => (JsonNode)point.Name)]),
                ["passes"] = sweep.Passes.Count,
            });
            return;
        }

        Console.Out.WriteLine($"{file} is a valid sweep: {Rendering.SweepTable.Describe(sweep)}.");
        foreach (SweepPoint point in sweep.Points) Console.Out.WriteLine($"  {point.Name}");
    }
}
