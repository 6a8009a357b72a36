using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Tests.Runs;

public sealed class SyntheticRunTests
{
    [Fact]
    public async Task A_run_on_rows_that_are_made_is_the_same_on_any_number_of_threads_and_when_it_is_resumed()
    {
        using var folder = new TemporaryFolder();
        TrainingOptions options = new()
        {
            Autoencoder = new TopKOptions { Latents = 128, K = 4 },
            Rows = 2000,
            Batch = 128,
            Data = ["synth:synth-1k,seed=5"],
            Output = folder["whole"],
        };
        await Train(options, steps: int.MaxValue, resume: false);
        TrainingOptions cut = options with { Output = folder["cut"], Threads = 1 };
        await Train(cut, steps: 7, resume: false);
        await Train(cut, steps: int.MaxValue, resume: true);
        RunFolder whole = RunFolder.Open(folder["whole"]), again = RunFolder.Open(folder["cut"]);
        Assert.NotNull(whole.AutoencoderHash);
        Assert.Equal(whole.AutoencoderHash, again.AutoencoderHash);

        // The folder names its data as they were named: a synthetic model is no path.
        Assert.Equal(["synth:synth-1k,seed=5"], whole.Data);
    }

    private static async Task Train(TrainingOptions options, int steps, bool resume)
    {
        using ActivationFiles source = ActivationFiles.Open(options.Data);
        await foreach (StepReport report in Trainer.Run(options, source, resume))
            if (report.Step >= steps) break;
    }
}
