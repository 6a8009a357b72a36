using AngleSharp.Dom;
using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web;
using Unweave.Web.Components;
using Unweave.Web.Pages;
using Unweave.Web.Routing;
using Unweave.Web.Runs;

namespace Unweave.Apps.Tests.Web;

/// <summary>The pages as components, over a real catalog.</summary>
public sealed class PageTests : IDisposable
{
    private readonly Workplace place = new();
    private readonly BunitContext context = new();

    public PageTests()
    {
        SampleCatalog.Build(place["one"], 120);
        context.Services.AddSingleton(new ServeOptions { Folder = place.Folder }).AddSingleton<ServedRuns>()
            .AddSingleton(TimeProvider.System);
        context.JSInterop.Mode = JSRuntimeMode.Loose;
    }

    public void Dispose()
    {
        context.Dispose();
        place.Dispose();
    }

    [Fact]
    public void A_feature_page_shows_all_that_is_known()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Whales);
        Assert.Contains("whales and whaling", page.Find(".label-line").TextContent, StringComparison.Ordinal);
        Assert.Contains("detection 0.", page.Find(".label-line").TextContent, StringComparison.Ordinal);
        string[] headings = [.. page.FindAll("h2").Select(heading => heading.TextContent)];
        foreach (string heading in (string[])["Strongest examples", "Examples by strength", "Where it does not fire", "Your notes",
            "Tokens it fires on", "Next tokens it raises and lowers", "Nearest decoder rows", "Fires together with",
            "Other computed labels"])
            Assert.True(headings.Contains(heading, StringComparer.Ordinal), heading);
        Assert.Equal(12, page.FindAll("section[aria-labelledby=examples-title] .example").Count);
        Assert.Contains("Activations", page.Markup, StringComparison.Ordinal);
        Assert.Contains("By position in the window", page.Markup, StringComparison.Ordinal);
        Assert.Contains("fires on", page.Find("dl").TextContent, StringComparison.Ordinal);
        Assert.Equal("/runs/one/features/7", page.Find("section[aria-label='Nearest decoder rows'] a").GetAttribute("href"));
    }

    [Fact]
    public void Units_and_ends_of_axes_are_said_and_an_ordinary_latent_has_no_chip()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Whales);
        Assert.Empty(page.FindAll(".feature-head > .chip"));
        Assert.Equal("cosine", page.Find("section[aria-label='Nearest decoder rows'] .value").TextContent);
        Assert.Equal("bits of PMI", page.Find("section[aria-label='Fires together with'] .value").TextContent);
        Assert.Contains("50% is guessing", page.Find(".label-score .score").GetAttribute("title"), StringComparison.Ordinal);
        Feature feature = SampleCatalog.Feature(SampleCatalog.Whales, 120);
        Assert.Equal(Figures.Activation(feature.Max), page.Find(".bar-ticks").LastElementChild!.TextContent);
        Assert.Equal(4, page.FindAll("section[aria-labelledby=groups-title] details").Count);
        Assert.Equal(3, page.FindAll("section[aria-labelledby=groups-title] details[open]").Count);
    }

    [Fact]
    public void An_example_opens_to_its_whole_window_and_more_examples_come_when_asked_for()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Whales);
        FeatureExample example = SampleCatalog.Feature(SampleCatalog.Whales, 120).Top[0];
        IElement Line() => page.Find("section[aria-labelledby=examples-title] .example-text");
        static string Spoken(IElement line) => string.Concat(line.QuerySelectorAll(".token").Select(token => token.TextContent));
        int closed = Line().QuerySelectorAll(".token").Length;
        Assert.InRange(closed, 13, example.Pieces.Count - 1);
        Assert.NotEmpty(Line().QuerySelectorAll(".cut"));
        Line().QuerySelector("button")!.Click();
        Assert.Equal(example.Pieces.Count, Line().QuerySelectorAll(".token").Length);
        Assert.Contains("So it was, and so it is", Flat(Spoken(Line())), StringComparison.Ordinal);

        IElement Band() => page.Find("section[aria-labelledby=groups-title] details");
        Assert.Equal(3, Band().QuerySelectorAll(".example").Length);
        Band().QuerySelectorAll("button").Single(button => button.TextContent is "3 more").Click();
        Assert.Equal(6, Band().QuerySelectorAll(".example").Length);
    }

    [Fact]
    public void A_histogram_ends_with_the_strongest_activation()
    {
        Feature feature = SampleCatalog.Feature(SampleCatalog.Whales, 1);
        const int filled = 16;
        Feature half = feature with
        {
            Histogram = new ActivationHistogram(2 * feature.Histogram.Width,
                [.. feature.Histogram.Counts.Select((_, bin) => bin < filled ? 5L : 0)]),
        };
        Directory.CreateDirectory(place["half"]);
        FeatureCatalog.Build(place["half"], SampleCatalog.Source(1), [half]);
        IRenderedComponent<FeaturePage> page = context.Render<FeaturePage>(parameters => parameters.Add(page => page.RunName, "half")
            .Add(page => page.Latent, 0));
        IElement chart = page.Find(".chart.bars");
        Assert.Equal(filled, chart.QuerySelectorAll(".bar-slot").Length);
        Assert.Equal(Figures.Activation(feature.Max), chart.QuerySelectorAll(".bar-ticks span")[^1].TextContent);
    }

    [Fact]
    public void A_neighbor_is_compared_in_one_press()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Whales);
        IElement link = page.Find("section[aria-label='Fires together with'] a.compare-with");
        Assert.Equal("/runs/one/compare/0/3", link.GetAttribute("href"));
        Assert.Empty(page.FindAll("a.button[href*=try], a.button[href*=steer], .reader"));
    }

    [Fact]
    public void Two_latents_are_compared_by_what_the_catalog_knows_of_both()
    {
        IRenderedComponent<Compare> page = Compared(0, 3);
        Assert.Equal(2, page.FindAll(".compare-head .latent").Count);
        string together = page.Find("section[aria-labelledby=together-title]").TextContent;
        (Feature one, Feature two) = (SampleCatalog.Feature(0, 120), SampleCatalog.Feature(3, 120));
        FiringOverlap pair = FiringOverlap.Of(one, two)!.Value;
        Assert.Equal(4.5, pair.Bits);
        Assert.Equal(one.Frequency, pair.Both + pair.OnlyFirst, 12);
        Assert.Equal(two.Frequency, pair.Both + pair.OnlySecond, 12);
        Assert.Contains($"both: {Figures.Percent(pair.Both)}", together, StringComparison.Ordinal);
        Assert.Contains($"only 3: {Figures.Percent(pair.OnlySecond)}", together, StringComparison.Ordinal);
        Assert.Contains("PMI 4.50 bits", together, StringComparison.Ordinal);
        Assert.Equal(10, page.FindAll("section[aria-label='Examples of 3'] .example").Count);
        Assert.Contains("harpoon", page.Find(".butterfly").TextContent, StringComparison.Ordinal);
        Assert.Contains("army", page.Find(".butterfly").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_latents_that_are_not_among_each_others_partners_say_so_and_others_are_chosen_instead()
    {
        IRenderedComponent<Compare> page = Compared(0, 7);
        Assert.Contains("was not kept", Flat(page.Find("section[aria-labelledby=together-title]").TextContent), StringComparison.Ordinal);
        Assert.Contains("cosine 0.80", page.Find("section[aria-labelledby=together-title]").TextContent, StringComparison.Ordinal);
        Assert.Empty(page.FindAll(".overlap"));
        page.FindAll("[data-picker]")[^1].Input("11");
        page.WaitForElement("[role=option]").Click();
        page.WaitForAssertion(() => Assert.EndsWith("/runs/one/compare/0/11",
            context.Services.GetRequiredService<NavigationManager>().Uri, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(" long day", 3, 1)]
    [InlineData(" long day was over", 5, 2)]
    [InlineData("ing the long day was over", 4, 9)]
    public void An_example_is_cut_where_words_begin_and_end(string shown, int center, int reach)
    {
        string[] pieces = ["ing", " the", " lo", "ng", " d", "ay", " was", " over"];
        (int first, int end) = WordSpan.Around(pieces, center, reach, torn: false);
        Assert.Equal(shown, string.Concat(pieces[first..end]));
    }

    [Fact]
    public void A_torn_word_at_the_start_of_an_example_is_left_out_and_scripts_without_blanks_are_cut_all_the_same()
    {
        Assert.Equal((1, 4), WordSpan.Around(["ing", " the", " long", " day"], 3, 9, torn: true));
        Assert.Equal((2, 5), WordSpan.Around([" end", ".", " The", " long", " day"], 4, 3, torn: true));
        Assert.Equal((4, 27), WordSpan.Around([.. Enumerable.Repeat("字", 40)], 15, 5, torn: true));
    }

    [Fact]
    public void A_label_no_better_than_chance_stands_among_the_rejected_only()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Whales);
        IElement rejected = Assert.Single(page.FindAll("details"),
            details => details.TextContent.Contains("Rejected", StringComparison.Ordinal));
        Assert.Contains("after a comma", rejected.TextContent, StringComparison.Ordinal);
        Assert.Equal(1, page.Markup.Split("after a comma").Length - 1);
    }

    [Fact]
    public void Hostile_labels_and_examples_are_text()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Hostile);
        Assert.Empty(page.FindAll("script, img, .label-line b, .origin i"));
        Assert.Contains("markup <b>and</b> ‹202E›code", page.Find(".label-text").TextContent, StringComparison.Ordinal);
        Assert.Contains(SampleCatalog.Markup, page.Find(".example").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dead_latent_has_a_page_that_says_so()
    {
        IRenderedComponent<FeaturePage> page = Feature(SampleCatalog.Dead);
        Assert.Contains("It never fired", page.Markup, StringComparison.Ordinal);
        Assert.Contains("dead", page.Find(".feature-head .chip").TextContent, StringComparison.Ordinal);
        Assert.Empty(page.FindAll(".example"));
    }

    [Fact]
    public void Next_and_previous_follow_the_query_of_the_address()
    {
        FeatureQuery query = new() { Text = "whales", Order = FeatureOrder.Frequency, Descending = true };
        int[] order;
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["one"]))
            order = [.. catalog.Find(query with { Take = 100 }).Rows.Select(row => row.Latent)];
        Assert.True(order.Length > 3);
        string written = FeatureAddress.Write(query);
        IRenderedComponent<FeaturePage> page = Feature(order[1], written);
        Assert.Equal(Links.Feature("one", order[0], written), page.Find("a[rel=prev]").GetAttribute("href"));
        Assert.Equal(Links.Feature("one", order[2], written), page.Find("a[rel=next]").GetAttribute("href"));
        Assert.Equal(Links.Features("one", written), page.Find(".steps a").GetAttribute("href"));
    }

    [Fact]
    public void What_a_person_writes_is_kept_and_shown_first()
    {
        IRenderedComponent<FeaturePage> page = Feature(3);
        page.Find(".star").Click();
        page.Find(".yours input").Input("my own words");
        page.Find(".yours textarea").Input("a note");
        page.Find(".yours textarea").Blur();
        page.Find("input[list=lists]").Input("to read");
        page.Find(".yours form").Submit();
        Assert.Equal("true", page.Find(".star").GetAttribute("aria-pressed"));
        Assert.Equal("my own words", page.Find(".label-text").TextContent);
        using FeatureCatalog catalog = FeatureCatalog.Open(place["one"]);
        Annotation kept = catalog.Annotation(3);
        Assert.Equal(("my own words", "a note", true, "to read"), (kept.Label, kept.Note, kept.Starred, Assert.Single(kept.Lists)));
        page.Find(".yours .chip button").Click();
        Assert.Empty(catalog.Annotation(3).Lists);
    }

    [Fact]
    public void The_browser_shows_what_its_address_asks_for()
    {
        IRenderedComponent<Features> page = Browse("?q=harpoon&sort=latent&order=down");
        int[] latents = [.. page.FindAll("tr[data-row] .c-latent").Select(cell => int.Parse(cell.TextContent))];
        Assert.NotEmpty(latents);
        Assert.Equal(latents.OrderDescending(), latents);
        Assert.Equal("harpoon", page.Find("input[type=search]").GetAttribute("value"));
        Assert.Equal("descending",
            page.FindAll("th").Single(heading => heading.TextContent.StartsWith("Latent", StringComparison.Ordinal))
                .GetAttribute("aria-sort"));
        Assert.Equal(Links.Feature("one", latents[0], "?q=harpoon&sort=latent&order=down"),
            page.Find("tr[data-row] a").GetAttribute("href"));
    }

    [Fact]
    public void Sorting_and_filtering_change_the_address()
    {
        IRenderedComponent<Features> page = Browse("");
        void Sort(string name) =>
            page.FindAll("th button").Single(button => button.TextContent.StartsWith(name, StringComparison.Ordinal)).Click();
        Sort("Frequency");
        Assert.EndsWith("/features?sort=frequency&order=down", Address, StringComparison.Ordinal);
        page.FindAll("select")[0].Change("Dead");
        Assert.Contains("kind=dead", Address, StringComparison.Ordinal);
        page.WaitForAssertion(() => Assert.All(page.FindAll("tr[data-row]"), row => Assert.True(row.ClassList.Contains("dead"))));
        Assert.NotEmpty(page.FindAll("tr[data-row]"));
    }

    [Fact]
    public async Task Only_the_rows_that_can_be_seen_are_there_and_the_rest_is_room()
    {
        IRenderedComponent<Features> page = Browse("?sort=latent");
        int before = page.FindAll("tr[data-row]").Count;
        Assert.InRange(before, 20, 110);
        await page.InvokeAsync(() => page.Instance.Scrolled(90, 20));
        Assert.Equal("120", page.FindAll("tr[data-row]")[^1].GetAttribute("aria-rowindex") is { } last ? $"{int.Parse(last) - 1}" : "");
        Assert.Equal("height:2040px", page.Find("tr.gap").GetAttribute("style"));
        Assert.Equal("60", page.Find("tr[data-row] .c-latent").TextContent);
    }

    [Fact]
    public void A_random_feature_is_one_of_those_found_and_the_table_is_downloaded_as_it_is_shown()
    {
        IRenderedComponent<Features> page = Browse("?q=harpoon&sort=latent&order=down&kind=ordinary");
        int[] found = [.. page.FindAll("tr[data-row] .c-latent").Select(cell => int.Parse(cell.TextContent))];
        Assert.Equal("/api/runs/one/export/features.tsv?text=harpoon&kind=ordinary&order=latent&descending=true",
            page.Find(".downloads a[download$=tsv]").GetAttribute("href"));
        page.Find("[data-random]").Click();
        string address = new Uri(context.Services.GetRequiredService<NavigationManager>().Uri).PathAndQuery;
        Assert.Contains(found, latent => string.Equals(address,
            Links.Feature("one", latent, FeatureAddress.Write(FeatureAddress.Read("?q=harpoon&sort=latent&order=down&kind=ordinary"))),
            StringComparison.Ordinal));
        Assert.Null(page.Find("tr[data-row] .star").GetAttribute("tabindex"));
    }

    [Fact]
    public void Several_features_are_starred_listed_and_two_compared()
    {
        IRenderedComponent<Features> page = Browse("?sort=latent");
        Assert.Empty(page.FindAll(".picked"));
        page.Find("[aria-label='Select latent 2']").Change(true);
        page.Find("[aria-label='Select latent 5']").Change(true);
        Assert.Equal("/runs/one/compare/2/5", page.Find(".picked a").GetAttribute("href"));
        page.Find("[aria-label='Select latent 6']").Change(true);
        Assert.Empty(page.FindAll(".picked a"));
        page.Find(".picked button").Click();
        page.Find(".picked input").Input("ships");
        page.Find(".picked form").Submit();
        using FeatureCatalog catalog = FeatureCatalog.Open(place["one"]);
        Assert.Equal([2, 5, 6], catalog.Find(new FeatureQuery { Starred = true, Order = FeatureOrder.Latent }).Rows
            .Select(row => row.Latent));
        Assert.Equal([2, 5, 6], catalog.Find(new FeatureQuery { List = "ships", Order = FeatureOrder.Latent }).Rows
            .Select(row => row.Latent));
        Assert.Equal("true", page.Find("[aria-label='Star latent 5']").GetAttribute("aria-pressed"));
        page.Find("[aria-label='Select latent 6']").Change(false);
        page.FindAll(".picked button")[1].Click();
        Assert.Equal([6], catalog.Find(new FeatureQuery { Starred = true }).Rows.Select(row => row.Latent));
    }

    [Fact]
    public void A_star_in_the_table_is_kept()
    {
        IRenderedComponent<Features> page = Browse("?sort=latent");
        page.Find("tr[data-row] .star").Click();
        Assert.Equal("★", page.Find("tr[data-row] .star").TextContent);
        using FeatureCatalog catalog = FeatureCatalog.Open(place["one"]);
        Assert.True(catalog.Annotation(0).Starred);
    }

    [Theory]
    [InlineData("forms of “war”; words beginning with ward", "war", "war")]
    [InlineData("forms of “war”; words beginning with ward", "war*", "war|war")]
    [InlineData("a+b (c) and War", "war (c)", "(c)|War")]
    [InlineData("nothing here", "\"quoted", "")]
    [InlineData("nothing here", "!!! ???", "")]
    [InlineData("nothing here", null, "")]
    public void What_was_searched_for_is_marked(string text, string? searched, string marked)
    {
        IReadOnlyList<(string Text, bool Found)> parts = SearchMatch.Mark(text, searched);
        Assert.Equal(text, string.Concat(parts.Select(part => part.Text)));
        Assert.Equal(marked, string.Join('|', parts.Where(part => part.Found).Select(part => part.Text)));
    }

    [Fact]
    public void A_search_is_of_whole_words_and_says_where_they_were_found()
    {
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["one"])) catalog.SetNote(3, "quokka");
        IRenderedComponent<Features> page = Browse("?q=quokka");
        Assert.Contains("in your note", page.Find("tr[data-row] .c-label").TextContent, StringComparison.Ordinal);
        Assert.Empty(Browse("?q=quok").FindAll("tr[data-row]"));
        Assert.Single(Browse("?q=quok*").FindAll("tr[data-row]"));
    }

    [Fact]
    public void Where_nothing_is_found_a_way_back_is_offered()
    {
        IRenderedComponent<Features> page = Browse("?q=nothinglikethis");
        Assert.Contains("No feature is like that", page.Markup, StringComparison.Ordinal);
        Assert.Contains(page.FindAll("a"), link => link.GetAttribute("href") is "/runs/one/features");
    }

    [Fact]
    public void Without_a_catalog_the_command_that_builds_one_is_shown()
    {
        place.Write("bare run/config.json", "{}");
        IRenderedComponent<Features> page = context.Render<Features>(parameters =>
            parameters.Add(features => features.RunName, "bare run"));
        Assert.Equal($"unweave features build '{place["bare run"]}' --text corpus/", page.Find("[data-copy]").GetAttribute("data-copy"));
    }

    [Fact]
    public void An_error_state_tells_what_can_be_mended_and_nothing_else()
    {
        Assert.Equal("x.db is locked.", ErrorState.Explain(new InputException("x.db is locked.")));
        Assert.DoesNotContain("secret", ErrorState.Explain(new InvalidOperationException("secret")), StringComparison.Ordinal);
        IRenderedComponent<ErrorState> shown = context.Render<ErrorState>(parameters => parameters.Add(state => state.Message, "<b>x</b>"));
        Assert.Equal("alert", shown.Find(".state").GetAttribute("role"));
        Assert.Empty(shown.FindAll("b"));
    }

    [Fact]
    public void The_overview_shows_the_charts_the_counts_and_what_was_measured()
    {
        place.Write("one/config.json", """{ "tokens": 4096, "batch": 128, "autoencoder": { "latents": 120, "k": 4 } }""");
        place.Write("one/metrics.jsonl",
            """{"step":10,"tokens":1280,"loss":5,"reconstruction":4,"sparsity":0,"auxiliary":1,"fvu":0.5,"l0":4,"dead":2"""
            + ""","learningRate":0.001}""" + "\n"
            + """{"step":20,"tokens":2560,"loss":4,"reconstruction":3.5,"sparsity":0,"auxiliary":0.5,"fvu":0.4,"l0":4,"dead":1"""
            + ""","learningRate":0.0005,"validationFvu":0.45}""" + "\n");
        place.Write("one/eval.json",
            """
            {"autoencoder":{"fvu":0.11,"l0":4},"pca":{"fvu":0.42},"randomDictionary":null,
             "splice":{"clean":3,"spliced":3.2,"zero":5,"mean":4.5,"predictions":1000,"divergence":0.1,"agreement":0.9}}
            """);
        IRenderedComponent<Overview> page = context.Render<Overview>(parameters => parameters.Add(overview => overview.RunName, "one"));
        Assert.Equal("The same in every step: L0 (4).", page.Find(".constants").TextContent);
        Assert.Equal(["Loss", "FVU: variance unexplained", "Dead latents", "Learning rate"],
            page.FindAll(".charts .chart-title").Select(title => title.TextContent), StringComparer.Ordinal);
        Assert.Equal(["loss", "reconstruction", "auxiliary"],
            page.FindAll(".charts .card")[0].QuerySelectorAll("polyline").Select(line => line.GetAttribute("data-name")),
            StringComparer.Ordinal);
        string[] cells =
        [
            .. page.FindAll("table.figures tr").Select(row => string.Join('|', row.Children.Select(cell => cell.TextContent.Trim()))),
        ];
        Assert.True(cells.Contains("FVU|0.110|0.420", StringComparer.Ordinal), string.Join('\n', cells));
        Assert.True(cells.Contains("the autoencoder's|3.200|24.5|90.0%", StringComparer.Ordinal), string.Join('\n', cells));
        Assert.Contains("TopK, 120 latents, 4 active", page.Markup, StringComparison.Ordinal);
        Assert.Contains("labeled", page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_with_a_penalty_that_keeps_all_activations_above_0_shows_how_many_fire()
    {
        static string Line(int step, int firing) =>
            $$"""{"step":{{step}},"rows":1,"loss":5,"fvu":0.5,"l0":120,"firing":{{firing}},"dead":0,"learningRate":0.001}""" + "\n";
        place.Write("one/metrics.jsonl", Line(10, 40) + Line(20, 30));
        IRenderedComponent<Overview> page = context.Render<Overview>(parameters => parameters.Add(overview => overview.RunName, "one"));
        IElement chart = page.FindAll(".charts .card")[2];
        Assert.Equal("firing 30", chart.QuerySelector(".key")!.TextContent.Trim());
        Assert.Contains("firing from 40 to 30", chart.QuerySelector("[data-chart]")!.GetAttribute("aria-label"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_map_keeps_the_rows_that_it_lists_and_reads_the_others_when_they_are_asked_for()
    {
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["one"]))
            catalog.WriteMap([.. Enumerable.Range(0, 100).Select(latent => new MapPoint(latent, latent, -latent))]);
        IRenderedComponent<Map> page = context.Render<Map>(parameters => parameters.Add(map => map.RunName, "one"));
        Assert.Contains("100 latents", page.Find("[role=status]").TextContent, StringComparison.Ordinal);
        await page.InvokeAsync(() => page.Instance.Nearest([5, 3, 110]));
        Assert.Equal(["5", "3"], page.FindAll(".near .number").Select(number => number.TextContent), StringComparer.Ordinal);
        Assert.StartsWith("whales and whaling\n", page.Instance.Words(SampleCatalog.Whales), StringComparison.Ordinal);
        Assert.Equal("", page.Instance.Words(110)); // it is not on the map
        page.Find("input[type=search]").Input("whales");
        page.WaitForAssertion(() => Assert.Equal("Found", page.Find("#near-title").TextContent), TimeSpan.FromSeconds(20));
        Assert.All(
            page.FindAll(".near .number"), number => Assert.InRange(int.Parse(number.TextContent), 0, 99));
    }

    [Fact]
    public void Opening_a_map_that_is_known_costs_a_page_little_whatever_the_number_of_latents()
    {
        const int Latents = 3000;
        SampleCatalog.Build(place["large"], Latents);
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["large"]))
            catalog.WriteMap([.. Enumerable.Range(0, Latents).Select(latent => new MapPoint(latent, latent, -latent))]);
        void Open() => context.Render<Map>(parameters => parameters.Add(map => map.RunName, "large"));
        Open();
        Open();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Open();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 150 * Latents);
    }

    private string Address => context.Services.GetRequiredService<NavigationManager>().Uri;

    private IRenderedComponent<FeaturePage> Feature(int latent, string query = "")
    {
        context.Services.GetRequiredService<NavigationManager>().NavigateTo(Links.Feature("one", latent, query));
        return context.Render<FeaturePage>(parameters => parameters.Add(page => page.RunName, "one").Add(page => page.Latent, latent));
    }

    private IRenderedComponent<Compare> Compared(int first, int second) => context.Render<Compare>(parameters => parameters
        .Add(page => page.RunName, "one").Add(page => page.First, first).Add(page => page.Second, second));

    private static string Flat(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private IRenderedComponent<Features> Browse(string query)
    {
        context.Services.GetRequiredService<NavigationManager>().NavigateTo(Links.Features("one", query));
        return context.Render<Features>(parameters => parameters.Add(page => page.RunName, "one"));
    }
}
