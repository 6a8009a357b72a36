using System.CommandLine;
using System.CommandLine.Help;
using BenchmarkDotNet.Running;
using Unweave.Benchmarks;
using Unweave.Benchmarks.Search;
using Unweave.Cli;

// Kernels alone, by BenchmarkDotNet: dotnet run -c Release --project benchmarks/Unweave.Benchmarks -- --filter '*Kernel*' --job short
if (args is not ["step" or "sweep" or "harvest" or "features" or "search" or "embed" or "--help", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(KernelBenchmarks).Assembly).Run(args);
    return 0;
}

// Whole steps, sweeps, harvests, feature statistics, searches and embeddings:
// dotnet run -c Release --project benchmarks/Unweave.Benchmarks -- step --batch 2048
var help = new Help();
var json = new Option<bool>("--json") { Description = "Write the result as JSON on standard output.", Recursive = true };
var root = new RootCommand(
    "Times training steps, sweeps, harvests, feature statistics, searches and embeddings on this machine; with --filter, kernels alone.")
{
    json, TimingCommands.Step(json), TimingCommands.Sweep(json), TimingCommands.Harvest(json), TimingCommands.Features(json),
    SearchCommand.Make(json),
    TimingCommands.Embed(json),
};
root.Options.OfType<HelpOption>().First().Action = help;
ParseResult parsed = root.Parse(args);
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
