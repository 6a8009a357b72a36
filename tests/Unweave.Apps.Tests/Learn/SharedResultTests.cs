using Unweave.Learn.Live;

namespace Unweave.Apps.Tests.Learn;

/// <summary>Things made once for all readers.</summary>
public sealed class SharedResultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_made_once_for_all_who_ask()
    {
        int times = 0;
        var done = new TaskCompletionSource();
        var shared = new SharedResult<string>(async (_, _) =>
        {
            Interlocked.Increment(ref times);
            await done.Task;
            return "made";
        });
        Task<string> first = shared.Get(new Told(), Cancellation), second = shared.Get(new Told(), Cancellation);
        Assert.Null(shared.Ready);
        done.SetResult();
        Assert.Equal(("made", "made"), (await first, await second));
        Assert.Equal("made", await shared.Get(new Told(), Cancellation));
        Assert.Equal((1, "made"), (times, shared.Ready));
    }

    [Fact]
    public async Task It_is_given_up_when_the_last_reader_leaves_and_made_anew_for_the_next()
    {
        int times = 0;
        var stopped = new TaskCompletionSource();
        var shared = new SharedResult<string>(async (progress, cancellationToken) =>
        {
            if (Interlocked.Increment(ref times) > 1) return "made";
            progress.Report(new Preparation("first", 0.5));
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                stopped.SetResult();
                throw;
            }

            return "";
        });
        using CancellationTokenSource one = new(), two = new();
        Task<string> first = shared.Get(new Told(), one.Token), second = shared.Get(new Told(), two.Token);
        await one.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(stopped.Task.IsCompleted);
        await two.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.Equal("made", await shared.Get(new Told(), Cancellation));
    }

    [Fact]
    public async Task A_failure_reaches_the_readers_and_the_next_tries_again()
    {
        int times = 0;
        var shared = new SharedResult<string>((_, _) => ++times == 1 ? throw new InputException("no data") : Task.FromResult("made"));
        await Assert.ThrowsAsync<InputException>(() => shared.Get(new Told(), Cancellation));
        Assert.Equal("made", await shared.Get(new Told(), Cancellation));
    }

    private sealed class Told : IProgress<Preparation>
    {
        public void Report(Preparation value)
        {
        }
    }
}
