using System.Numerics;

namespace Unweave.Interpretation;

/// <summary>Ranges of positions that a profile is counted in: each of the first four alone, then four to a doubling.</summary>
internal static class PositionRanges
{
    /// <summary>Number of ranges, for positions to 2³¹.</summary>
    public const int Count = 4 + (4 * 29);

    /// <summary>The range that a position is in.</summary>
    public static int IndexOf(int position)
    {
        if (position < 4) return position;
        int power = BitOperations.Log2((uint)position);
        return 4 + (4 * (power - 2)) + ((position >> (power - 2)) & 3);
    }

    /// <summary>The first position of a range.</summary>
    public static int First(int range) => range < 4 ? range : (4 + ((range - 4) & 3)) << ((range - 4) >> 2);
}
