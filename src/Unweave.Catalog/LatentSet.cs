using System.Numerics;
using Microsoft.Data.Sqlite;

namespace Unweave.Catalog;

/// <summary>A set of latents, a bit each.</summary>
internal sealed class LatentSet(int latents)
{
    private readonly ulong[] bits = new ulong[(latents + 63) / 64];

    /// <summary>How many there are.</summary>
    public int Count => bits.Sum(BitOperations.PopCount);

    /// <summary>Those that a command's lines begin with.</summary>
    public static LatentSet Read(SqliteCommand command, int latents)
    {
        var set = new LatentSet(latents);
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read()) set.Add(reader.GetInt32(0));
        return set;
    }

    /// <summary>Adds one; those that are not numbers of latents are left out.</summary>
    public void Add(int latent)
    {
        if ((uint)latent < (uint)latents) bits[latent >> 6] |= 1UL << latent;
    }

    /// <summary>Whether one is in it.</summary>
    public bool Contains(int latent) => (uint)latent < (uint)latents && (bits[latent >> 6] >> latent & 1) != 0;

    /// <summary>Keeps only those that are in another set as well.</summary>
    public void Keep(LatentSet other)
    {
        for (int i = 0; i < bits.Length; i++) bits[i] &= other.bits[i];
    }

    /// <summary>All, in ascending order.</summary>
    public IEnumerable<int> All()
    {
        for (int i = 0; i < bits.Length; i++)
        {
            for (ulong rest = bits[i]; rest != 0; rest &= rest - 1) yield return (i << 6) + BitOperations.TrailingZeroCount(rest);
        }
    }
}
