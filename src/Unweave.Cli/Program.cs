using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using Unweave.Cli;
using Unweave.Cli.Commands;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
var help = new Help();
var json = new Option<bool>("--json")
{
    Description = "Write the result as JSON on standard output; progress and errors stay on standard error.",
    Recursive = true,
};
var root = new RootCommand("Unweave trains sparse autoencoders and shows what their latents mean.")
{
    json,
    DemoCommand.Create(help, json),
    TrainCommand.Create(help, json),
    SweepCommand.Create(help, json),
    HarvestCommand.Create(help, json),
    EvalCommand.Create(help, json),
    SynthCommand.Create(help, json),
    MeasureCommand.Create(help, json),
    EvalSearchCommand.Create(help, json),
    EmbedCommand.Create(help, json),
    EncodeCommand.Create(help, json),
    IndexCommand.Create(help, json),
    SearchCommand.Create(help, json),
    FeaturesCommand.Create(help, json),
    ReadCommand.Create(help, json),
    SteerCommand.Create(help, json),
    AttributeCommand.Create(help, json),
    InspectCommand.Create(help, json),
    ConvertCommand.Create(help, json),
    HooksCommand.Create(help, json),
    PullCommand.Create(help, json),
    SchemaCommand.Create(help, json),
    ServeCommand.Create(help, json),
    LearnCommand.Create(help, json),
    CompletionCommand.Create(help),
};
help.AddExamples(root, "unweave demo", "unweave train vectors.npy --k 32 --latents 4096 -o sae/");
root.Options.OfType<HelpOption>().First().Action = help;

if (args is [Completion.Question, .. var words])
{
    foreach (string word in Completion.Of(root, words)) Console.Out.WriteLine(word);
    return ExitCode.Done;
}

ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
try
{
    Refuse.Mistakes(parsed);
    using var interrupt = new Interrupt();
    var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
    return await parsed.InvokeAsync(configuration, interrupt.Token);
}
catch (Exception e)
{
    return Failure.Report(e, args.Contains("--json", StringComparer.Ordinal));
}
