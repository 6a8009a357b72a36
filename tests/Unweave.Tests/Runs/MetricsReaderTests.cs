using Unweave.Runs;

namespace Unweave.Tests.Runs;

public sealed class MetricsReaderTests
{
    [Fact]
    public void A_growing_log_is_read_on_from_where_it_ended_and_a_torn_line_waits()
    {
        using var place = new TemporaryFolder();
        string path = place["metrics.jsonl"];
        var log = new MetricsReader(path);
        Assert.Null(log.Read().Last);

        File.WriteAllText(path, Line(10, 5) + Line(20, 4));
        Assert.Equal((20, 4.0, 2), Tell(log.Read()));
        File.AppendAllText(path, """{"step":30,"loss":""");
        Assert.Equal((20, 4.0, 2), Tell(log.Read()));
        File.AppendAllText(path, "3.5}\n" + Line(40, 3));
        MetricsState state = log.Read();
        Assert.Equal((40, 3.0, 4), Tell(state));
        Assert.Equal([10, 20, 30, 40], state.Lines.Select(line => line.Step));
    }

    [Fact]
    public void A_log_that_starts_again_is_read_again()
    {
        using var place = new TemporaryFolder();
        string path = place["metrics.jsonl"];
        var log = new MetricsReader(path);
        File.WriteAllText(path, Line(10, 5) + Line(20, 4) + Line(30, 3));
        log.Read();
        File.WriteAllText(path, Line(10, 5));
        Assert.Equal((10, 5.0, 1), Tell(log.Read()));

        // The same when it grew past the place in between: its steps give it away.
        File.WriteAllText(path, Line(10, 5) + Line(20, 4) + Line(30, 3));
        log.Read();
        File.WriteAllText(path, Line(10, 5) + Line(15, 4) + Line(20, 3) + Line(25, 2.5));
        Assert.Equal((25, 2.5, 4), Tell(log.Read()));
    }

    [Fact]
    public void What_is_no_line_of_a_log_is_skipped()
    {
        using var place = new TemporaryFolder();
        File.WriteAllText(place["metrics.jsonl"],
            "\n{}\nnot json\n[1]\n{\"step\":\"x\"}\n" + Line(10, 5) + """{"step":20,"loss":2,"fvu":"NaN"}""" + "\n");
        MetricsState state = new MetricsReader(place["metrics.jsonl"]).Read();
        Assert.Equal((20, 2.0, 2), Tell(state));
        Assert.True(double.IsNaN(state.Last!.Fvu));
    }

    [Fact]
    public void Latents_that_fire_are_those_of_L0_where_the_log_does_not_count_them_apart()
    {
        using var place = new TemporaryFolder();
        File.WriteAllText(
            place["metrics.jsonl"],
            """
            {"step":10,"l0":120,"firing":40}
            {"step":20,"l0":4}

            """);
        MetricsState state = new MetricsReader(place["metrics.jsonl"]).Read();
        Assert.Equal([(120.0, 40.0), (4.0, 4.0)], state.Lines.Select(line => (line.L0, line.Firing)));
    }

    [Fact]
    public void A_long_log_is_thinned_to_means_that_keep_its_shape_and_its_end()
    {
        using var place = new TemporaryFolder();
        const int Count = 10_000;
        File.WriteAllText(place["metrics.jsonl"],
            string.Concat(Enumerable.Range(1, Count).Select(step => Line(step, step % 2 == 0 ? 1 : 3, step % 100 == 0 ? 0.5 : null))));
        MetricsState state = new MetricsReader(place["metrics.jsonl"]).Read();
        Assert.InRange(state.Lines.Count, 300, 601);
        Assert.Equal(Count, state.Last!.Step);
        Assert.Equal(Count, state.Lines[^1].Step);
        Assert.All(state.Lines.SkipLast(1), line => Assert.Equal(2, line.Loss, 1e-9));
        Assert.Equal(100, state.Validations.Count);
    }

    private static (long Step, double Loss, long Read) Tell(MetricsState state) => (state.Last!.Step, state.Last.Loss, state.Read);

    private static string Line(long step, double loss, double? validation = null)
    {
        string validated = validation is { } value ? $",\"validationFvu\":{value}" : "";
        return $$"""{"step":{{step}},"tokens":{{step * 8}},"loss":{{loss}},"l0":4,"dead":0,"learningRate":0.001{{validated}}}""" + "\n";
    }
}
