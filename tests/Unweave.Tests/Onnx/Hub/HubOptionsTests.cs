using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Hub;

public sealed class HubOptionsTests
{
    [Fact]
    public void The_environment_sets_hub_token_cache_and_offline()
    {
        HubOptions options = From(("UNWEAVE_HUB", "http://127.0.0.1:8080"), ("HF_ENDPOINT", "https://other.example"),
            ("HF_TOKEN", " hf_secret\n"), ("UNWEAVE_CACHE", Path.GetFullPath("/models")), ("UNWEAVE_OFFLINE", "1"));
        Assert.Equal(("http://127.0.0.1:8080/", "hf_secret", Path.GetFullPath("/models"), true),
            (options.Endpoint.AbsoluteUri, options.Token, options.Cache, options.Offline));
        Assert.Equal("https://other.example/", From(("HF_ENDPOINT", "https://other.example"), ("UNWEAVE_HUB", "")).Endpoint.AbsoluteUri);
        Assert.False(From(("UNWEAVE_OFFLINE", "0")).Offline);
        Assert.Equal(("https://huggingface.co/", (string?)null, false), (From().Endpoint.AbsoluteUri, From().Token, From().Offline));
    }

    [Fact]
    public void The_cache_is_in_the_users_cache_folder()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (OperatingSystem.IsWindows())
            Assert.Equal(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "unweave", "hub"),
                From().Cache);
        else if (OperatingSystem.IsMacOS()) Assert.Equal(home + "/Library/Caches/unweave/hub", From().Cache);
        else
        {
            Assert.Equal(home + "/.cache/unweave/hub", From().Cache);
            Assert.Equal("/var/x/unweave/hub", From(("XDG_CACHE_HOME", "/var/x")).Cache);
            Assert.Equal(home + "/.cache/unweave/hub", From(("XDG_CACHE_HOME", "relative")).Cache);
        }
    }

    [Theory]
    [InlineData("UNWEAVE_HUB", "huggingface.co")]
    [InlineData("UNWEAVE_HUB", "ftp://hub.example")]
    [InlineData("HF_ENDPOINT", "https://user:password@hub.example")]
    [InlineData("UNWEAVE_HUB", "https://hub.example?x=1")]
    [InlineData("UNWEAVE_OFFLINE", "maybe")]
    [InlineData("HF_TOKEN", "hf_se cret")]
    [InlineData("HF_TOKEN", "hf_secret\r\nX-Other: 1")]
    public void A_value_that_cannot_be_used_is_refused_by_the_name_of_its_variable(string variable, string value)
    {
        string message = Assert.Throws<InputException>(() => From((variable, value))).Message;
        Assert.StartsWith(variable, message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_token_is_not_in_the_text_of_the_options() =>
        Assert.DoesNotContain("secret", From(("HF_TOKEN", "hf_secret")).ToString(), StringComparison.Ordinal);

    [Theory]
    // sha256sum and git hash-object of "abc" and of nothing.
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("abc", "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f")]
    [InlineData("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")]
    public async Task Sums_are_those_of_other_tools(string text, string sum)
    {
        using var place = new TemporaryFolder();
        await File.WriteAllTextAsync(place["file"], text);
        HubChecksum expected = HubChecksum.Parse(sum)!;
        Assert.Equal(expected, await expected.Compute(place["file"], CancellationToken.None));
        await File.WriteAllTextAsync(place["file"], text + "x");
        Assert.NotEqual(expected, await expected.Compute(place["file"], CancellationToken.None));
    }

    private static HubOptions From(params (string Name, string Value)[] variables) =>
        HubOptions.From(name => variables.FirstOrDefault(variable => string.Equals(variable.Name, name, StringComparison.Ordinal)).Value);
}
