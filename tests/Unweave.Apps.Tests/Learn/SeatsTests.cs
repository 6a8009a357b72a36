using Unweave.Learn.Work;

namespace Unweave.Apps.Tests.Learn;

/// <summary>Taking turns at live training.</summary>
public sealed class SeatsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadersBeyondTheSeatsWaitInOrderAndAreToldTheirPlace()
    {
        var seats = new Seats(1, longest: 8);
        var told = new List<(string Reader, int Place)>();
        IDisposable first = await seats.Take(place => told.Add(("first", place)), Cancellation);
        Task<IDisposable> second = seats.Take(place => told.Add(("second", place)), Cancellation), third = seats.Take(place => told.Add(("third", place)), Cancellation);
        Assert.Equal([("second", 1), ("third", 2)], told);
        Assert.Equal(2, seats.Waiting);

        first.Dispose();
        using (await second)
        {
            Assert.False(third.IsCompleted);
            Assert.Equal(("third", 1), told[^1]);
        }

        (await third).Dispose();
        Assert.Equal(0, seats.Taken);
    }

    [Fact]
    public async Task AReaderWhoLeavesGivesUpThePlace()
    {
        var seats = new Seats(1, longest: 8);
        using var leaving = new CancellationTokenSource();
        IDisposable first = await seats.Take(_ => { }, Cancellation);
        int place = 0;
        Task<IDisposable> second = seats.Take(_ => { }, leaving.Token), third = seats.Take(now => place = now, Cancellation);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(1, place);
        first.Dispose();
        first.Dispose();
        (await third).Dispose();
        Assert.Equal(0, seats.Taken);
        Assert.Equal(0, seats.Waiting);
    }

    [Fact]
    public async Task ATooLongQueueIsRefusedInWords()
    {
        var seats = new Seats(1, longest: 1);
        using IDisposable first = await seats.Take(_ => { }, Cancellation);
        using var leaving = new CancellationTokenSource();
        Task<IDisposable> second = seats.Take(_ => { }, leaving.Token);
        InputException e = await Assert.ThrowsAsync<InputException>(() => seats.Take(_ => { }, Cancellation));
        Assert.Contains("all places to train are taken (1) and 1 readers wait", e.Message, StringComparison.Ordinal);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }
}
