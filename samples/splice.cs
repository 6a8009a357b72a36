// Reads the embedded language model at a hook, trains an autoencoder while it reads, and splices it back in.
// Run it with: dotnet run samples/splice.cs (from the repository's folder)
#:project ../src/Unweave.Onnx/Unweave.Onnx.csproj
#:property PublishAot=false

using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Training;

using OnnxHost model = OnnxHost.Open("models/english-4m");
ITokenizer tokenizer = TokenizerFile.Open("models/english-4m");
Hook hook = model.FindOne("blocks.2");
TextCorpus texts = TextCorpus.Open("data/corpus/train.jsonl.gz"), heldOut = TextCorpus.Open("data/corpus/held-out.jsonl.gz");

// Rows come out of the model as training asks for them: nothing is written to the disk.
using var pass = new ActivationPass(model, tokenizer, [hook]);
var options = new TrainingOptions
{
    Autoencoder = new TopKOptions { Latents = 1024, K = 16 },
    Rows = 60_000,
    Batch = 500,
    LearningRate = 1e-3,
    Output = null,
};
using var rows = new StreamedData(() => Harvester.Stream(pass, texts), hook.Width, capacity: 20_000, options.Seed,
    heldOut: 2000, hook.Name);
using TrainingRun run = TrainingRun.Start(options, rows);
while (!run.Finished) Console.WriteLine(run.Next());

SpliceReport splice = new SpliceEvaluator(model, tokenizer, hook)
    .Run(run.Autoencoder, heldOut.Documents().Select(document => document.Document), "held-out texts", tokens: 5000);
Console.WriteLine(
    $"loss {splice.Clean:F3} nats, {splice.Spliced:F3} with the autoencoder, {splice.Zero:F3} with zeros: {splice.RecoveredOverZero:P1} " +
    "recovered");
