using BenchmarkDotNet.Running;
using Unweave.Benchmarks;

// dotnet run -c Release --project benchmarks -- --filter '*Kernel*' --job short
BenchmarkSwitcher.FromAssembly(typeof(KernelBenchmarks).Assembly).Run(args);
