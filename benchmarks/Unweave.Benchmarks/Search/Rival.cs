namespace Unweave.Benchmarks.Search;

/// <summary>A way of finding the rows nearest to a query, built over all rows.</summary>
internal abstract class Rival : IDisposable
{
    /// <summary>What it is called in the table.</summary>
    public abstract string Name { get; }

    /// <summary>Names of the settings that one build is searched with; the empty name where there is one alone.</summary>
    public virtual IReadOnlyList<string> Settings => [""];

    /// <summary>Builds what is searched.</summary>
    /// <param name="set">The rows, and the texts where there are some.</param>
    public abstract void Build(SearchSet set);

    /// <summary>Finds the best rows of a query; all that is done for the query is done here.</summary>
    /// <param name="query">Number of the query in the set.</param>
    /// <param name="setting">Which of <see cref="Settings"/>.</param>
    /// <param name="found">Filled with rows, best first.</param>
    /// <returns>How many were found.</returns>
    public abstract int Search(int query, int setting, Span<int> found);

    /// <summary>Bytes that a search reads from, for each row.</summary>
    /// <param name="setting">Which of <see cref="Settings"/>.</param>
    public abstract double BytesPerRow(int setting);

    /// <summary>How many rows a search can be asked for without becoming another search.</summary>
    /// <param name="setting">Which of <see cref="Settings"/>.</param>
    public virtual int Most(int setting) => int.MaxValue;

    /// <summary>Whether several threads may search at once.</summary>
    public virtual bool ServesThreads => false;

    /// <summary>What else is to be known of how it was built; null for nothing.</summary>
    public virtual string? Notes => null;

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
