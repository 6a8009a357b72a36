namespace Unweave.Formats;

/// <summary>What the reader and the writer of safetensors share.</summary>
internal static class Safetensors
{
    /// <summary>Key of the metadata object in the header.</summary>
    public const string MetadataKey = "__metadata__";

    private static readonly (string Name, ElementType Type)[] Types =
    [
        ("F64", ElementType.Float64), ("F32", ElementType.Float32), ("F16", ElementType.Float16), ("BF16", ElementType.BFloat16),
        ("I64", ElementType.Int64), ("I32", ElementType.Int32), ("I16", ElementType.Int16), ("I8", ElementType.Int8),
        ("U64", ElementType.UInt64), ("U32", ElementType.UInt32), ("U16", ElementType.UInt16), ("U8", ElementType.UInt8), ("BOOL", ElementType.Bool),
    ];

    /// <summary>The format's name of a type.</summary>
    public static string Name(ElementType type) => Types.First(entry => entry.Type == type).Name;

    /// <summary>The type of a name, or null for one that Unweave does not read.</summary>
    public static ElementType? Type(string name)
    {
        foreach ((string known, ElementType type) in Types)
            if (string.Equals(known, name, StringComparison.Ordinal)) return type;
        return null;
    }
}
