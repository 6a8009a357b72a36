using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class InspectTests
{
    [Fact]
    public async Task Statistics_are_those_of_the_values()
    {
        using var place = new Workplace();
        // Of 3, 4, 0, -5, NaN, +∞ the finite ones sum to 2 and their squares to 50; the rows have norms 5, 5 and 0 over what is finite.
        string array = place.WriteArray("array.safetensors", [3, 2], [3, 4, 0, -5, float.NaN, float.PositiveInfinity]);
        JsonNode tensor = (await place.Run("inspect", array, "--json")).Succeeded().Json["files"]![0]!["tensors"]![0]!;
        Assert.Equal("vectors", (string?)tensor["name"]);
        Assert.Equal((-5, 4, 1), ((double)tensor["min"]!, (double)tensor["max"]!, (int)tensor["zeros"]!));
        Assert.Equal(0.5, (double)tensor["mean"]!, 12);
        Assert.Equal(Math.Sqrt((50.0 / 4) - 0.25), (double)tensor["std"]!, 12);
        Assert.Equal(10.0 / 3, (double)tensor["meanRowNorm"]!, 12);
        Assert.Equal((1, 1, 4), ((int)tensor["nans"]!, (int)tensor["infinities"]!, (int)tensor["firstNonFinite"]!));

        Outcome shown = (await place.Run("inspect", array)).Succeeded();
        Assert.Contains("vectors has 1 NaNs and 1 infinities; the first is in row 2, column 0 (from 0).", shown.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_shows_its_options_and_that_its_checksum_is_right()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors", rows: 200);
        (await place.Run("train", vectors, "--latents", "32", "--k", "4", "--tokens", "200", "--batch", "100", "-o", "sae")).Succeeded();
        Outcome shown = (await place.Run("inspect", "sae", vectors)).Succeeded();
        Assert.Contains("\"architecture\":\"topk\"", shown.Output, StringComparison.Ordinal);
        Assert.Contains("input_scale: ", shown.Output, StringComparison.Ordinal);
        Assert.Contains("checksum: matches the data", shown.Output, StringComparison.Ordinal);
        Assert.Contains("[32, 16]", shown.Output, StringComparison.Ordinal);
        JsonNode json = (await place.Run("inspect", "sae", "--json")).Succeeded().Json["files"]![0]!;
        Assert.Equal("matches", (string?)json["checksum"]);
        Assert.Equal(["W_enc", "b_enc", "W_dec", "b_dec"], json["tensors"]!.AsArray().Select(tensor => (string)tensor!["name"]!),
            StringComparer.Ordinal);
    }
}
