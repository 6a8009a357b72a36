using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class WorkersTests
{
    [Fact]
    public async Task A_part_may_call_its_own_team()
    {
        using var workers = new Workers(3);
        int inner = 0, outer = 0;
        Task run = Task.Run(
            () => workers.Run(4, _ =>
            {
                Interlocked.Increment(ref outer);
                workers.Run(3, _ => Interlocked.Increment(ref inner));
            }),
            TestContext.Current.CancellationToken);
        await run.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal((4, 12), (outer, inner));
        workers.Run(5, _ => Interlocked.Increment(ref outer)); // and the team works on
        Assert.Equal(9, outer);
    }
}
