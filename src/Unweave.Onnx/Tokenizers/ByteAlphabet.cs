namespace Unweave.Onnx;

/// <summary>
/// The 256 visible characters that byte-level vocabularies write bytes with: a byte that is a visible character of Latin-1 is that
/// character; the others are numbered from U+0100 on, in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Units = MakeUnits();

    private static readonly Dictionary<char, byte> Bytes = Units.Select((unit, value) => (unit, value)).ToDictionary(pair => pair.unit, pair => (byte)pair.value);

    public static char ToUnit(byte value) => Units[value];

    public static bool TryToByte(char unit, out byte value) => Bytes.TryGetValue(unit, out value);

    private static char[] MakeUnits()
    {
        char[] units = new char[256];
        int next = 0x100;
        for (int value = 0; value < units.Length; value++)
            units[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : (char)next++;
        return units;
    }
}
