using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Tests.Fixtures;

namespace Unweave.Tests.Runs;

/// <summary>A run's host is opened as it was recorded: model, tokenizer, hook, context and special tokens.</summary>
public sealed class RunHostTests : IDisposable
{
    private readonly TemporaryFolder place = new();

    public RunHostTests()
    {
        Directory.CreateDirectory(place["project/model"]);
        Directory.CreateDirectory(place["project/words"]);
        foreach (string file in Directory.GetFiles(SavedFiles.Model)) File.Copy(file, place[$"project/model/{Path.GetFileName(file)}"]);
        File.Copy(place["project/model/tokenizer.json"], place["project/words/tokenizer.json"]);
        using OnnxHost model = OnnxHost.Open(place["project/model"]);
        ITokenizer tokenizer = TokenizerFile.Open(place["project/words/tokenizer.json"]);
        using (Autoencoder made = new TopKOptions { Latents = 32, K = 4 }.Build(model.FindOne("blocks.1").Width, new Rng(1)))
            made.Save(place["project/run"]);
        File.WriteAllText(place["project/run/config.json"], $$"""{ "output": "{{place["project/run"]}}" }""");
        Write(new HostReference(model.Name, model.Hash, tokenizer.Name, tokenizer.Hash, "blocks.1", 32, true));
    }

    private RunFolder Run => RunFolder.Open(place["project/run"]);

    public void Dispose() => place.Dispose();

    [Fact]
    public void Everything_recorded_is_used_and_a_choice_goes_before_it()
    {
        using (RunHost host = RunHost.Open(Run, new HostChoice()))
        {
            Assert.Equal(("blocks.1", 32, true), (host.Hook.Name, host.Pass.Context, host.Pass.KeepSpecial));
            Assert.Contains(place["project/words/tokenizer.json"], host.Tokenizer.Name, StringComparison.Ordinal);
            Assert.Null(host.Note);
        }

        using RunHost chosen = RunHost.Open(Run,
            new HostChoice(SavedFiles.Model, Path.Combine(SavedFiles.Model, "tokenizer.json"), "blocks.2", 64, false));
        Assert.Equal(("blocks.2", 64, false), (chosen.Hook.Name, chosen.Pass.Context, chosen.Pass.KeepSpecial));
        Assert.Contains(SavedFiles.Model, chosen.Tokenizer.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Special_tokens_in_texts_are_found_as_recorded_unless_chosen_otherwise()
    {
        using (RunHost host = RunHost.Open(Run, new HostChoice())) Assert.False(host.Tokenizer.FindsSpecial);
        Write(Run.Host! with { FindsSpecial = true });
        using (RunHost host = RunHost.Open(Run, new HostChoice())) Assert.True(host.Tokenizer.FindsSpecial);
        using RunHost chosen = RunHost.Open(Run, new HostChoice(FindsSpecial: false));
        Assert.False(chosen.Tokenizer.FindsSpecial);
    }

    [Fact]
    public void What_the_models_inputs_were_fed_is_fed_again_and_a_choice_goes_before_it()
    {
        Write(Run.Host! with { Inputs = new Dictionary<string, string>(StringComparer.Ordinal) { ["input_ids"] = "ids" } });
        using (RunHost host = RunHost.Open(Run, new HostChoice())) Assert.Equal("ids", host.Model.Input.Chosen["input_ids"]);
        Write(Run.Host! with { Inputs = new Dictionary<string, string>(StringComparer.Ordinal) { ["input_ids"] = "zeros" } });
        Assert.Contains("takes token ids or numbers", Refused(new HostChoice()), StringComparison.Ordinal);
        var chosen = new Dictionary<string, string>(StringComparer.Ordinal) { ["input_ids"] = "ids" };
        using (RunHost host = RunHost.Open(Run, new HostChoice(Inputs: chosen))) Assert.Equal("ids", host.Model.Input.Chosen["input_ids"]);

        // Of another model nothing is recorded.
        Write(Run.Host! with { ModelHash = new string('0', 64) });
        using RunHost other = RunHost.Open(Run, new HostChoice(SavedFiles.Model));
        Assert.Empty(other.Model.Input.Chosen);
    }

    [Fact]
    public void A_run_that_moved_with_its_model_finds_it()
    {
        Directory.Move(place["project"], place["moved"]);
        using RunHost host = RunHost.Open(RunFolder.Open(place["moved/run"]), new HostChoice());
        Assert.StartsWith(place["moved/model"], host.Model.Name, StringComparison.Ordinal);
        Assert.Contains(place["moved/words/tokenizer.json"], host.Tokenizer.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_or_a_tokenizer_that_changed_or_went_is_refused_with_what_to_do()
    {
        HostReference recorded = Run.Host!;
        Write(recorded with { ModelHash = new string('0', 64) });
        Assert.Contains("--model", Refused(new HostChoice()), StringComparison.Ordinal);
        using (RunHost other = RunHost.Open(Run, new HostChoice(SavedFiles.Model)))
        {
            Assert.Contains("another model", other.Note, StringComparison.Ordinal);
            Assert.Equal(((int?)null, false), (other.Pass.Context, other.Pass.KeepSpecial)); // what was recorded is of the other one
        }

        Write(recorded with { TokenizerHash = new string('0', 64) });
        Assert.Contains("--tokenizer", Refused(new HostChoice()), StringComparison.Ordinal);
        Write(recorded with { Model = place["gone/model.onnx"] });
        Assert.Contains("no longer at", Refused(new HostChoice()), StringComparison.Ordinal);
        File.Delete(place["project/run/host.json"]);
        Assert.Contains("--model", Refused(new HostChoice()), StringComparison.Ordinal);
    }

    private string Refused(HostChoice choice) => Assert.Throws<InputException>(() => RunHost.Open(Run, choice)).Message;

    private void Write(HostReference reference) => File.WriteAllBytes(place["project/run/host.json"], reference.ToJson());
}
