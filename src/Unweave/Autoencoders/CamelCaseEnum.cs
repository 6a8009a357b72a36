using System.Text.Json;
using System.Text.Json.Serialization;

namespace Unweave.Autoencoders;

/// <summary>Writes the members of an enumeration in camelCase, and reads them by name only.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
internal sealed class CamelCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
