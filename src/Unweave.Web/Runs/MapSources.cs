using Unweave.Catalog;

namespace Unweave.Web.Runs;

/// <summary>From which part of the corpus the latents' examples are: the largest few parts, and the rest.</summary>
internal sealed class MapSources
{
    /// <summary>As many parts as there are colors.</summary>
    private const int Most = 5;

    private MapSources(IReadOnlyList<(string, int)> parts, int others, byte[] ofLatents) =>
        (Parts, Others, OfLatents) = (parts, others, ofLatents);

    /// <summary>The parts with their numbers of latents, largest first.</summary>
    public IReadOnlyList<(string Name, int Count)> Parts { get; }

    /// <summary>Latents of several parts, or of smaller ones.</summary>
    public int Others { get; }

    /// <summary>Of each latent the number of its part from 1; 0 for the others.</summary>
    public byte[] OfLatents { get; }

    /// <summary>Counts them; null where the corpus has no parts, or only one.</summary>
    public static MapSources? From(IReadOnlyList<LatentContext> contexts)
    {
        (string Name, int Count)[] parts =
        [
            .. contexts.Where(context => context.Source is not null).GroupBy(context => context.Source!, StringComparer.Ordinal)
                .Select(group => (group.Key, group.Count())).OrderByDescending(part => part.Item2).Take(Most),
        ];
        if (parts.Length < 2) return null;
        byte[] numbers = [.. contexts.Select(context =>
            (byte)(1 + Array.FindIndex(parts, part => string.Equals(part.Name, context.Source, StringComparison.Ordinal))))];
        return new MapSources(parts, numbers.Count(number => number == 0), numbers);
    }
}
