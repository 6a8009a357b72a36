using System.Net;
using System.Text.RegularExpressions;
using Unweave.Apps.Tests.Web;
using Unweave.Interpretation;
using Unweave.Learn;
using Unweave.Learn.LanguageModels;

namespace Unweave.Apps.Tests.Learn;

/// <summary>What the pages of the explainer say, and how they are built.</summary>
public sealed class ChapterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The chapters' addresses.</summary>
    public static TheoryData<string> Chapters => [.. Chapter.All.Select(chapter => chapter.Address)];

    [Fact]
    public async Task The_contents_page_says_it_in_one_sentence_lists_each_chapter_once_and_names_its_sources()
    {
        string page = await Page(Chapter.Start);
        Assert.Contains("a sparse autoencoder is a regular autoencoder that is made sparse by an L1 penalty or a KL divergence loss",
            Words(page), StringComparison.Ordinal);
        foreach (Chapter chapter in Chapter.All)
            Assert.Single(Regex.Matches(page, $"class=\"card\" href=\"{chapter.Address}\"", RegexOptions.None, TimeSpan.FromSeconds(1)));
        Assert.DoesNotContain("<nav class=\"chapters\"", page, StringComparison.Ordinal);
        foreach (string source in (string[])["arxiv.org/abs/2406.04093", "2023/monosemantic-features", "2024/scaling-monosemanticity",
            "2022/toy_model", "sparseAutoencoder_2011new"])
            Assert.Contains(source, page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kl", "symmetric")]
    [InlineData("kl", "KL divergence loss")]
    [InlineData("sparse-autoencoder", "KL divergence loss")]
    [InlineData("superposition", "polysemantic")]
    [InlineData("language-models", "GPT-4")]
    [InlineData("retrieval", "Now with your own model")]
    [InlineData("retrieval", "absorption")]
    [InlineData("retrieval", "dark matter")]
    public async Task The_words_that_a_reader_looks_for_are_there(string chapter, string word) =>
        Assert.Contains(word, Words(await Page($"{Chapter.Start}/{chapter}")), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Chapters))]
    public async Task Headings_go_down_a_level_at_a_time_and_a_question_comes_before_its_answer(string address)
    {
        string page = await Page(address);
        int[] levels =
            [.. Regex.Matches(page, "<h[1-6]", RegexOptions.None, TimeSpan.FromSeconds(1)).Select(match => match.Value[2] - '0')];
        Assert.Equal(1, levels[0]);
        for (int i = 1; i < levels.Length; i++) Assert.True(levels[i] <= levels[i - 1] + 1, $"{address}: {string.Join(' ', levels)}");
        Assert.Contains("<details class=\"question\">", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_a_phone_no_page_is_wider_than_the_screen_and_bars_are_wide_enough_for_a_finger()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/sparsity", width: 390);
        double[] widths = await browser.Page.Locator(".drag-bar")
            .EvaluateAllAsync<double[]>("bars => bars.map(bar => bar.getBoundingClientRect().width)");
        Assert.Equal(24, widths.Length);
        Assert.All(widths, width => Assert.True(width >= 24, $"a bar is {width} pixels wide"));
        foreach (string address in Chapter.All.Select(chapter => chapter.Address).Prepend(Chapter.Start))
        {
            await browser.Page.GotoAsync(new Uri(site.Address, address).AbsoluteUri);
            Assert.True(await browser.Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= 390"), address);
        }

        browser.AssertClean();
    }

    [Fact]
    public async Task A_heading_that_is_jumped_to_is_not_under_the_bar()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/retrieval");
        await browser.Page.GotoAsync(new Uri(site.Address, "/learn/retrieval#references").AbsoluteUri);
        await browser.Page.EvaluateAsync("() => document.querySelector('main h2').scrollIntoView()");
        double[] at = await browser.Page.EvaluateAsync<double[]>(
            "() => ['header.bar', 'main h2'].flatMap(name => { const box = document.querySelector(name).getBoundingClientRect(); "
            + "return [box.top, box.bottom]; })");
        Assert.True(at[2] >= at[1], $"the heading is at {at[2]}, the bar ends at {at[1]}");
    }

    [Fact]
    public void The_latents_that_come_with_it_are_shown_on_texts_from_the_upper_half_of_their_range()
    {
        Assert.Equal(12, ShownLatent.Demo.Count);
        foreach (ShownLatent shown in ShownLatent.Demo.Append(ShownLatent.Neuron))
        {
            Assert.InRange(shown.Examples.Count, 5, 6);
            foreach (FeatureExample example in shown.Examples)
                Assert.True(example.Activations[example.Peak] >= 0.499f * shown.Max, $"latent {shown.Latent}: {example.Document}");
        }

        Assert.All(ShownLatent.Demo, shown => Assert.True(shown.Detection > 0.75));
        Assert.True(ShownLatent.Neuron.Detection < 0.6);
    }

    private static async Task<string> Page(string address)
    {
        await using Site site = await Site.Learn();
        return await site.Client.GetStringAsync(new Uri(address, UriKind.Relative), Cancellation);
    }

    private static string Words(string page) => Regex.Replace(
        WebUtility.HtmlDecode(Regex.Replace(page, "<[^>]*>", "", RegexOptions.None, TimeSpan.FromSeconds(5))),
        @"\s+", " ", RegexOptions.None, TimeSpan.FromSeconds(5));
}
