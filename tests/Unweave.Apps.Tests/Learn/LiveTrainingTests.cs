using Unweave.Learn.Training;
using Unweave.Learn.Work;

namespace Unweave.Apps.Tests.Learn;

/// <summary>A reader's run: started, paused, stepped, reset, left; and its seat.</summary>
public sealed class LiveTrainingTests
{
    private static readonly LiveSettings Quick = LiveSettings.Default(DataKind.Features, SparsityKind.TopK) with { Latents = 16 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunEndsAndGivesItsSeatBack()
    {
        var seats = new Seats(1, longest: 4);
        using var live = new LiveTraining(seats, Quick, new Hasty(), () => { }, Cancellation);
        live.Start();
        await Until(() => live.State == LiveState.Finished);
        Assert.Equal(LiveSettings.Steps, live.Shown.Step);
        await Until(() => seats.Taken == 0);
        Assert.False(live.CanStart);
    }

    [Fact]
    public async Task AReaderWhoLeavesFreesTheSeatForTheNext()
    {
        // The clock stands still, so that no run gets past its first slice by itself.
        var seats = new Seats(1, longest: 4);
        using var leaving = new CancellationTokenSource();
        using var first = new LiveTraining(seats, Quick, new Still(), () => { }, leaving.Token);
        using var second = new LiveTraining(seats, Quick, new Still(), () => { }, Cancellation);
        first.Start();
        await Until(() => first.Shown.Step > 0);
        second.Start();
        await Until(() => second.Place == 1);
        Assert.Equal(LiveState.Waiting, second.State);
        Assert.Equal(0, second.Shown.Step);

        await leaving.CancelAsync();
        await Until(() => second.State == LiveState.Running && second.Shown.Step > 0);
        Assert.InRange(first.Shown.Step, 1, LiveSettings.Steps - 1);
        second.Pause();
        await Until(() => seats.Taken == 0);
    }

    [Fact]
    public async Task PausedItGivesTheSeatBackAndGoesOnWhereItWas()
    {
        var seats = new Seats(1, longest: 4);
        using var whole = new LiveTraining(seats, Quick, new Hasty(), () => { }, Cancellation);
        whole.Start();
        await Until(() => whole.State == LiveState.Finished && seats.Taken == 0);

        using var live = new LiveTraining(seats, Quick, new Still(), () => { }, Cancellation);
        live.Start();
        await Until(() => live.Shown.Step > 0);
        live.Pause();
        await Until(() => live.State == LiveState.Paused && seats.Taken == 0);
        long at = live.Shown.Step;
        Assert.InRange(at, 1, LiveSettings.Steps - 1);
        for (int step = 1; step <= 3; step++)
        {
            live.Step();
            await Until(() => live.State == LiveState.Paused && live.Shown.Step == at + step);
        }

        Assert.Equal(whole.Shown.Losses.Single(point => point.Step == 16), live.Shown.Losses.Single(point => point.Step == 16));
        await Until(() => seats.Taken == 0);
    }

    [Fact]
    public async Task ResetBeginsAnewWithTheSettingsGiven()
    {
        var seats = new Seats(1, longest: 4);
        using var live = new LiveTraining(seats, Quick, new Still(), () => { }, Cancellation);
        live.Start();
        await Until(() => live.Shown.Step > 0);
        live.Reset(Quick with { Latents = 24, K = 2 });
        Assert.Equal(LiveState.Ready, live.State);
        Assert.Equal(0, live.Shown.Step);
        await Until(() => seats.Taken == 0);
        Assert.Equal(0, live.Shown.Step);
        live.Step();
        await Until(() => live.State == LiveState.Paused);
        Assert.Equal(1, live.Shown.Step);
        Assert.Equal(24, live.Shown.Densities.Count);
    }

    [Fact]
    public async Task SettingsThatContradictEachOtherAreRefusedAndARunThatDivergesSaysSo()
    {
        var seats = new Seats(1, longest: 4);
        using var live = new LiveTraining(seats, Quick, new Hasty(), () => { }, Cancellation);
        InputException refused = Assert.Throws<InputException>(() => live.Reset(Quick with { K = 17 }));
        Assert.Contains("k is 17 but latents is 16", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Quick, live.Settings);

        live.Reset(LiveSettings.Default(DataKind.Features, SparsityKind.Kl) with { LearningRate = 1e30 });
        live.Start();
        await Until(() => live.State == LiveState.Failed);
        Assert.Contains("training diverged", live.Error, StringComparison.Ordinal);
        await Until(() => seats.Taken == 0);
        live.Reset(Quick);
        Assert.Null(live.Error);
        Assert.True(live.CanStart);
    }

    private static async Task Until(Func<bool> condition)
    {
        for (int i = 0; i < 6000 && !condition(); i++) await Task.Delay(10, Cancellation);
        Assert.True(condition());
    }

    /// <summary>A clock on which no wait ever ends.</summary>
    private sealed class Still : TimeProvider
    {
        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();
    }

    /// <summary>A clock on which an hour passes between two looks: nothing is waited for.</summary>
    private sealed class Hasty : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Add(ref now, 3600);
    }

    private sealed class Never : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
