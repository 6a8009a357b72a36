using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Unweave.Learn.Live;
using Unweave.Learn.Training;

namespace Unweave.Apps.Tests.Learn;

/// <summary>A reader's run: started, paused, stepped, reset, left; and its training slot.</summary>
public sealed class LiveTrainingTests
{
    private static readonly LiveSettings Quick = LiveSettings.Default(DataKind.Features, SparsityKind.TopK) with { Latents = 16 };

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunEndsAndGivesItsSlotBack()
    {
        using var readers = new Readers(new Clock(waits: false));
        TrainingDemonstration live = await readers.Arrive();
        readers.Do(live.Start);
        await Until(() => live.Stage == LiveStage.Finished);
        Assert.Equal(LiveSettings.Steps, live.Seen.Step);
        await Until(() => readers.Slots.Taken == 0);
        Assert.False(live.CanStart);
    }

    [Fact]
    public async Task AReaderWhoLeavesFreesTheSlotForTheNext()
    {
        // No wait ever ends, so that no run gets past its first picture by itself.
        using var readers = new Readers(new Clock(waits: true));
        TrainingDemonstration first = await readers.Arrive(), second = await readers.Arrive();
        readers.Do(first.Start);
        await Until(() => first.Seen.Step > 0);
        readers.Do(second.Start);
        await Until(() => second.Place == 1);
        Assert.Equal(LiveStage.Waiting, second.Stage);
        Assert.Equal(0, second.Seen.Step);

        readers.Do(() => Task.Run(first.Dispose));
        await Until(() => second.Stage == LiveStage.Running && second.Seen.Step > 0);
        Assert.Equal(0, second.Place);
        readers.Do(second.Pause);
        await Until(() => readers.Slots.Taken == 0);
    }

    [Fact]
    public async Task PausedItGivesTheSlotBackAndGoesOnWhereItWas()
    {
        using var steady = new Readers(new Clock(waits: false));
        TrainingDemonstration whole = await steady.Arrive();
        steady.Do(whole.Start);
        await Until(() => whole.Stage == LiveStage.Finished);

        using var readers = new Readers(new Clock(waits: true));
        TrainingDemonstration live = await readers.Arrive();
        readers.Do(live.Start);
        await Until(() => live.Seen.Step > 0);
        readers.Do(live.Pause);
        await Until(() => live.Stage == LiveStage.Paused && readers.Slots.Taken == 0);
        long at = live.Seen.Step;
        Assert.InRange(at, 1, LiveSettings.Steps - 1);
        for (int step = 1; step <= 3; step++)
        {
            readers.Do(live.Step);
            await Until(() => live.Stage == LiveStage.Paused && live.Seen.Step == at + step);
        }

        Assert.Equal(whole.Seen.Losses.Single(point => point.Step == 16), live.Seen.Losses.Single(point => point.Step == 16));
        await Until(() => readers.Slots.Taken == 0);
    }

    [Fact]
    public async Task ResetBeginsAnewWithTheSettingsGiven()
    {
        using var readers = new Readers(new Clock(waits: true));
        TrainingDemonstration live = await readers.Arrive();
        readers.Do(live.Start);
        await Until(() => live.Seen.Step > 0);
        readers.Do(() => live.Reset(Quick with { Latents = 24, K = 2 }));
        await Until(() => live.Stage == LiveStage.Ready && readers.Slots.Taken == 0);
        Assert.Equal(0, live.Seen.Step);
        readers.Do(live.Step);
        await Until(() => live.Stage == LiveStage.Paused);
        Assert.Equal(1, live.Seen.Step);
        Assert.Equal(24, live.Seen.Densities.Count);
    }

    [Fact]
    public async Task SettingsThatContradictEachOtherAreRefusedAndARunThatDivergesSaysSo()
    {
        using var readers = new Readers(new Clock(waits: false));
        TrainingDemonstration live = await readers.Arrive();
        readers.Do(() => live.Reset(Quick with { K = 17 }));
        await Until(() => readers.Shown(live).Contains("k is 17 but latents is 16", StringComparison.Ordinal));
        Assert.Equal(Quick, live.Settings);

        readers.Do(() => live.Reset(LiveSettings.Default(DataKind.Features, SparsityKind.Kl) with { LearningRate = 1e30 }));
        await Until(() => live.Settings.Sparsity == SparsityKind.Kl);
        readers.Do(live.Start);
        await Until(() => live.Stage == LiveStage.Failed);
        Assert.Contains("training diverged", live.Trouble, StringComparison.Ordinal);
        Assert.False(live.CanStart);
        await Until(() => readers.Slots.Taken == 0);
        readers.Do(() => live.Reset(Quick));
        await Until(() => live.CanStart);
        Assert.Null(live.Trouble);
    }

    [Fact]
    public async Task AReaderForWhomThereIsNoPlaceMayTryAgain()
    {
        using var readers = new Readers(new Clock(waits: true), new TrainingSlots(1, longest: 0));
        TrainingDemonstration live = await readers.Arrive();
        using (await readers.Slots.Take(_ => { }, Cancellation))
        {
            readers.Do(live.Start);
            await Until(() => live.Trouble is not null && live.Stage == LiveStage.Ready);
            Assert.Contains("try again", live.Trouble, StringComparison.Ordinal);
        }

        readers.Do(live.Start);
        await Until(() => live.Seen.Step > 0);
        Assert.Null(live.Trouble);
    }

    private static async Task Until(Func<bool> condition)
    {
        for (int i = 0; i < 6000 && !condition(); i++) await Task.Delay(10, Cancellation);
        Assert.True(condition());
    }

    /// <summary>Readers of one server, with one training slot.</summary>
    private sealed class Readers : BunitContext
    {
        private readonly List<IRenderedComponent<TrainingDemonstration>> pages = [];

        public Readers(TimeProvider time, TrainingSlots? slots = null)
        {
            JSInterop.Mode = JSRuntimeMode.Loose;
            Slots = slots ?? new TrainingSlots(1, longest: 4);
            Services.AddSingleton(Slots).AddSingleton(time);
        }

        public TrainingSlots Slots { get; }

        public async Task<TrainingDemonstration> Arrive()
        {
            IRenderedComponent<TrainingDemonstration> page = Render<TrainingDemonstration>();
            pages.Add(page);
            await page.InvokeAsync(() => page.Instance.Reset(Quick));
            return page.Instance;
        }

        // As a click does it: on the page's own thread, and not waited for.
        public void Do(Func<Task> click) => _ = pages[0].InvokeAsync(click);

        public string Shown(TrainingDemonstration reader)
        {
            IRenderedComponent<TrainingDemonstration> page = pages.Single(page => ReferenceEquals(page.Instance, reader));
            page.Render();
            return page.Markup;
        }
    }

    /// <summary>A clock that stands still: what is waited for comes at once, or never.</summary>
    private sealed class Clock(bool waits) : TimeProvider
    {
        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (!waits) ThreadPool.QueueUserWorkItem(_ => callback(state));
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
