using Unweave.Learn.Live;

namespace Unweave.Apps.Tests.Learn;

/// <summary>Taking turns at live training.</summary>
public sealed class TrainingSlotsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadersBeyondTheSeatsWaitInOrderAndAreToldTheirPlace()
    {
        var slots = new TrainingSlots(1, longest: 8);
        var told = new List<(string Reader, int Place)>();
        IDisposable first = await slots.Take(place => told.Add(("first", place)), Cancellation);
        Task<IDisposable> second = slots.Take(place => told.Add(("second", place)), Cancellation),
            third = slots.Take(place => told.Add(("third", place)), Cancellation);
        Assert.Equal([("second", 1), ("third", 2)], told);
        Assert.Equal(2, slots.Waiting);

        first.Dispose();
        using (await second)
        {
            Assert.False(third.IsCompleted);
            Assert.Equal(("third", 1), told[^1]);
        }

        (await third).Dispose();
        Assert.Equal(0, slots.Taken);
    }

    [Fact]
    public async Task AReaderWhoLeavesGivesUpThePlace()
    {
        var slots = new TrainingSlots(1, longest: 8);
        using var leaving = new CancellationTokenSource();
        IDisposable first = await slots.Take(_ => { }, Cancellation);
        int place = 0;
        Task<IDisposable> second = slots.Take(_ => { }, leaving.Token), third = slots.Take(now => place = now, Cancellation);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(1, place);
        first.Dispose();
        first.Dispose();
        (await third).Dispose();
        Assert.Equal(0, slots.Taken);
        Assert.Equal(0, slots.Waiting);
    }

    [Fact]
    public async Task ATooLongQueueIsRefusedInWords()
    {
        var slots = new TrainingSlots(1, longest: 1);
        using IDisposable first = await slots.Take(_ => { }, Cancellation);
        using var leaving = new CancellationTokenSource();
        Task<IDisposable> second = slots.Take(_ => { }, leaving.Token);
        InputException e = await Assert.ThrowsAsync<InputException>(() => slots.Take(_ => { }, Cancellation));
        Assert.Contains("all 1 places to train are taken and 1 readers wait", e.Message, StringComparison.Ordinal);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }
}
