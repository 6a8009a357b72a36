using System.Text.Json.Serialization;

namespace Unweave.Training;

/// <summary>
/// How <see cref="TrainingOptions"/> is written as JSON: camelCase names, enumerations by name, the architecture as a discriminator.
/// </summary>
/// <remarks>
/// Reading through this context alone gives 0 for a setting that the text leaves out, because generated code assigns every
/// init-only property; <see cref="RunFileDraft"/> therefore lays what is given over the defaults before it reads.
/// </remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(TrainingOptions))]
internal sealed partial class RunFileJson : JsonSerializerContext;
