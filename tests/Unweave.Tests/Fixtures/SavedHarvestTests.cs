using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Tests.Fixtures;

/// <summary>A harvest that version 0.1 made, and the run on it with its catalog and its host, are read.</summary>
public sealed class SavedHarvestTests
{
    [Fact]
    public void A_harvest_has_its_rows_and_their_places()
    {
        using Harvest harvest = Harvest.Open(SavedFiles.At("harvest"));
        Assert.True(harvest.Complete);
        Assert.Equal((191L, 8L, 4), (harvest.Rows, harvest.Documents, harvest.Shards));
        harvest.Verify(null, TestContext.Current.CancellationToken);
        int[] tokens = new int[(int)harvest.Rows];
        harvest.ReadTokens(0, tokens);
        ITokenizer tokenizer = TokenizerFile.Open(SavedFiles.Model);
        IEnumerable<string> texts = File.ReadLines(SavedFiles.At("texts.jsonl")).Select(line => (string)JsonNode.Parse(line)!["text"]!);
        Assert.Equal(texts.SelectMany(text => tokenizer.Encode(text)).Select(token => token.Id), tokens);
        Assert.Equal(0, harvest.Row(0).Document);
        Assert.Equal(7, harvest.Row(190).Document);

        using HarvestSource source = harvest.Source();
        using Matrix rows = source.Rows(0, 191);
        Assert.Equal(256, rows.Columns);
        using Autoencoder autoencoder = Autoencoder.Load(SavedFiles.At("hosted"));
        double fvu = Evaluator.Run(autoencoder, source).Fvu;
        Assert.Equal((double)SavedFiles.Golden("hosted.splice")["reconstruction"]!["fvu"]!, fvu, 1e-3); // the harvest holds 16 bits
    }

    [Fact]
    public void A_catalog_has_its_features_and_what_a_person_wrote()
    {
        using var folder = new TemporaryFolder();
        using FeatureCatalog catalog = FeatureCatalog.Open(SavedFiles.Copy("hosted", folder["hosted"]));
        JsonArray golden = SavedFiles.Golden("hosted.features")["features"]!.AsArray();
        FeatureRows rows = catalog.Find(new FeatureQuery { Order = FeatureOrder.Latent, Take = golden.Count });
        Assert.Equal(32, rows.Total);
        Assert.Equal(golden.Select(row => (string?)row!["label"]), rows.Rows.Select(row => row.Label), StringComparer.Ordinal);
        Assert.Equal(golden.Select(row => (string?)row!["topTokens"]), rows.Rows.Select(row => row.TopTokens), StringComparer.Ordinal);
        Assert.Equal(golden.Select(row => (double)row!["frequency"]!), rows.Rows.Select(row => row.Frequency));
        Assert.Equal(32, catalog.Map().Count);

        // It has no interests until something is written: the usual order is that of the numbers.
        foreach (FeatureOrder order in (FeatureOrder[])[FeatureOrder.Relevance, FeatureOrder.Interest])
            Assert.Equal(Enumerable.Range(0, 32), catalog.Find(new FeatureQuery { Order = order }).Rows.Select(row => row.Latent));
        Assert.Equal(1, catalog.Next(new FeatureQuery(), 0));

        Annotation annotation = catalog.Annotation(5);
        Assert.Equal(("the fifth", "Seen by hand.", true, "kept"),
            (annotation.Label, annotation.Note, annotation.Starred, Assert.Single(annotation.Lists)));
        JsonArray examples = SavedFiles.Golden("hosted.feature-5")["feature"]!["top"]!.AsArray();
        Feature feature = catalog.Read(5);
        Assert.Equal(examples.Select(example => (long)example!["row"]!), feature.Top.Select(example => example.Row));
        catalog.SetLabel(5, "another");
        Assert.Equal("another", Assert.Single(catalog.Rows([5])).Label);
    }

    [Fact]
    public void A_host_reference_names_model_hook_and_context()
    {
        HostReference? host = RunFolder.Open(SavedFiles.At("hosted")).Host;
        Assert.NotNull(host);
        Assert.Equal(("models/english-4m/model.onnx", "blocks.1", 128, false), (host.Model, host.Hook, host.Context, host.KeepSpecial));
        using OnnxHost model = OnnxHost.Open(SavedFiles.Model);
        Assert.Equal(model.Hash, host.ModelHash);
    }
}
