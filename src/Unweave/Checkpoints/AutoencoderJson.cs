using System.Text.Json;
using System.Text.Json.Serialization;
using Unweave.Autoencoders;

namespace Unweave.Checkpoints;

/// <summary>
/// The JSON contract of <see cref="AutoencoderOptions"/>: camelCase names, enumerations by name, the kind under <c>architecture</c>.
/// Read with <see cref="OptionsJson"/>, which also fills in defaults: what System.Text.Json generates gives a missing property 0.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    Converters = [typeof(CamelCaseEnum<Activation>), typeof(CamelCaseEnum<MeanEstimate>)])]
[JsonSerializable(typeof(AutoencoderOptions))]
public sealed partial class AutoencoderJson : JsonSerializerContext;

/// <summary>Writes the members of an enumeration in camelCase, and reads them by name only.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
public sealed class CamelCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
