using System.Globalization;
using AngleSharp.Dom;
using Bunit;
using Unweave.Web.Runs;

namespace Unweave.Apps.Tests.Web;

public sealed class ChartTests
{
    [Fact]
    public void Points_lie_where_their_values_are_on_the_scale()
    {
        using var context = new BunitContext();
        (double X, double Y)[] points = [(10, 3), (20, 7), (30, 12), (35, double.NaN), (50, 4)];
        IElement canvas = Draw(context, [new ChartSeries("loss", points)]).Find("[data-chart]");
        double Data(string name) => double.Parse(canvas.GetAttribute(name)!, CultureInfo.InvariantCulture);
        double x0 = Data("data-x0"), x1 = Data("data-x1"), y0 = Data("data-y0"), y1 = Data("data-y1");
        Assert.Equal((10, 50), (x0, x1));
        Assert.True(y0 <= 3 && y1 >= 12);

        double[][] drawn =
        [
            .. canvas.QuerySelector("polyline")!.GetAttribute("points")!.Split(' ')
            .Select(point => point.Split(',').Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray()),
        ];
        (double X, double Y)[] finite = [.. points.Where(point => double.IsFinite(point.Y))];
        Assert.Equal(finite.Length, drawn.Length);
        foreach ((double[] at, (double x, double y)) in drawn.Zip(finite))
        {
            Assert.Equal(x, x0 + ((x1 - x0) * at[0] / 1000), 0.01);
            Assert.Equal(y, y0 + ((y1 - y0) * (1 - (at[1] / 1000))), 0.01);
        }
    }

    [Fact]
    public void Each_series_has_its_color_its_name_and_its_last_value()
    {
        using var context = new BunitContext();
        IRenderedComponent<LineChart> chart = Draw(context,
            [new ChartSeries("training", [(0, 1), (1, 0.5)]), new ChartSeries("validation", [(0, 1), (1, 0.625)])]);
        Assert.Equal(["training 0.5", "validation 0.625"], chart.FindAll(".key").Select(key => key.TextContent.Trim()),
            StringComparer.Ordinal);
        Assert.Equal(["line s1", "line s2"], chart.FindAll("polyline").Select(line => line.ClassName), StringComparer.Ordinal);
        Assert.Contains("training from 1 to 0.5", chart.Find("[data-chart]").GetAttribute("aria-label"), StringComparison.Ordinal);
    }

    [Fact]
    public void Named_places_have_dots_and_the_values_are_those_of_the_one_marked()
    {
        using var context = new BunitContext();
        IRenderedComponent<LineChart> chart = context.Render<LineChart>(parameters => parameters
            .Add(drawn => drawn.Title, "errors")
            .Add(drawn => drawn.Series,
                [new ChartSeries("all", [(0, 4), (1, 2), (2, 1)]), new ChartSeries("one", [(1, 3)]), new ChartSeries("none", [])])
            .Add(drawn => drawn.Places, ["1", "8", "64"]).Add(drawn => drawn.At, 1));
        Assert.Equal(["all 2", "one 3", "none"], chart.FindAll(".key").Select(key => key.TextContent.Trim()), StringComparer.Ordinal);
        Assert.Equal(["0%", "50%", "100%"], chart.FindAll(".chart-dot.s1").Select(Left), StringComparer.Ordinal);
        Assert.Equal("50%", Left(Assert.Single(chart.FindAll(".chart-dot.s2"))));
        Assert.Equal("8", Assert.Single(chart.FindAll(".x-axis .here")).TextContent);
        Assert.Equal("1|8|64", chart.Find("[data-chart]").GetAttribute("data-places"));

        static string Left(IElement dot) => dot.GetAttribute("style")!.Split(';')[0].Replace("left:", "", StringComparison.Ordinal);
    }

    [Fact]
    public void The_values_read_with_the_keyboard_are_said_by_a_live_region_outside_the_image()
    {
        using var context = new BunitContext();
        IElement said = Draw(context, [new ChartSeries("loss", [(0, 1), (1, 0.5)])]).Find("[data-spoken]");
        Assert.Equal("polite", said.GetAttribute("aria-live"));
        Assert.Null(said.Closest("[role=img]"));
        Assert.NotNull(said.Closest("figure.chart"));
    }

    [Fact]
    public void Without_points_it_says_so()
    {
        using var context = new BunitContext();
        IRenderedComponent<LineChart> chart = Draw(context, [new ChartSeries("loss", [])]);
        Assert.Empty(chart.FindAll("svg"));
        Assert.Contains("Nothing logged yet", chart.Markup, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(-3, -3)]
    [InlineData(0.0001, 0.00011)]
    [InlineData(1e-9, 1e9)]
    [InlineData(32, 32.5)]
    public void The_axis_holds_its_values_between_few_round_numbers(double low, double high)
    {
        (double from, double to, IReadOnlyList<double> ticks) = AxisTicks.Between(low, high, log: false);
        Assert.True(from <= low + 1e-12 && to >= high - 1e-12, $"{from}..{to}");
        Assert.InRange(ticks.Count, 2, 8);
        Assert.Equal(ticks.Order(), ticks);
        Assert.All(ticks, tick => Assert.InRange(tick, from - 1e-12, to * (1 + 1e-9)));
    }

    [Fact]
    public void Bars_are_as_high_as_their_values_and_rare_ones_can_be_seen()
    {
        using var context = new BunitContext();
        IRenderedComponent<BarChart> chart = context.Render<BarChart>(parameters =>
            parameters.Add(bars => bars.Bars,
                [new ChartBar("a: 100", 100), new ChartBar("b: 50", 50), new ChartBar("c: 0", 0), new ChartBar("d: 1", 0.01)]));
        Assert.Equal(["height:100%", "height:50%", "height:0%", "height:1.5%"],
            chart.FindAll(".bar").Select(bar => bar.GetAttribute("style")), StringComparer.Ordinal);
        Assert.Equal("a: 100", chart.Find(".bar-slot").GetAttribute("title"));
    }

    [Fact]
    public void Latents_are_counted_by_the_logarithm_of_their_frequency()
    {
        IReadOnlyList<ChartBar> bars = DensityBars.Count([0, 0, 1e-9, 0.0012, 0.0013, 0.5, 1]);
        Assert.Equal(24, bars.Count);
        Assert.Equal(1, bars[0].Value);
        Assert.Equal(2, bars[12].Value);
        Assert.Equal(2, bars[22].Value + bars[23].Value);
        Assert.Equal(5, bars.Sum(bar => bar.Value));
    }

    private static IRenderedComponent<LineChart> Draw(BunitContext context, ChartSeries[] series) =>
        context.Render<LineChart>(parameters => parameters.Add(chart => chart.Title, "Loss").Add(chart => chart.Series, series));
}
