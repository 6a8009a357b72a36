using System.Globalization;
using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>All that is known of a latent as bytes: JSON, compressed with a checksum (zlib).</summary>
internal static class StoredFeature
{
    private static readonly JsonSerializerOptions Options = new()
    {
        TypeInfoResolver = StoredFeatureJson.Default.WithAddedModifier(LeaveOutComputed),
        Converters = { new RoundedFloat() },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        // The bytes are read by nothing but this class.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonTypeInfo<Feature> Contract = (JsonTypeInfo<Feature>)Options.GetTypeInfo(typeof(Feature));

    /// <summary>Bytes of a feature.</summary>
    public static byte[] Write(Feature feature)
    {
        var bytes = new MemoryStream();
        using (var zlib = new ZLibStream(bytes, CompressionLevel.Fastest)) JsonSerializer.Serialize(zlib, feature, Contract);
        return bytes.ToArray();
    }

    /// <summary>The feature of some bytes.</summary>
    /// <exception cref="InvalidDataException">They are damaged.</exception>
    public static Feature Read(byte[] bytes)
    {
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(bytes), CompressionMode.Decompress);
            return JsonSerializer.Deserialize(zlib, Contract) ?? throw new InvalidDataException("nothing is stored");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }

    /// <summary>What follows from the rest is not stored.</summary>
    private static void LeaveOutComputed(JsonTypeInfo type)
    {
        for (int i = type.Properties.Count - 1; i >= 0; i--)
        {
            if (type.Properties[i] is { Set: null, AssociatedParameter: null }) type.Properties.RemoveAt(i);
        }
    }

    /// <summary>Four digits of an activation are more than anyone reads.</summary>
    private sealed class RoundedFloat : JsonConverter<float>
    {
        public override float Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String ? float.Parse(reader.GetString()!, CultureInfo.InvariantCulture) : reader.GetSingle();

        public override void Write(Utf8JsonWriter writer, float value, JsonSerializerOptions options)
        {
            Span<byte> digits = stackalloc byte[32];
            if (value == 0) writer.WriteNumberValue(0);
            else if (!float.IsFinite(value)) writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
            else if (value.TryFormat(digits, out int length, "G4", CultureInfo.InvariantCulture))
                writer.WriteRawValue(digits[..length], skipInputValidation: true);
        }
    }
}

[JsonSerializable(typeof(Feature))]
[JsonSerializable(typeof(CatalogSource))]
internal sealed partial class StoredFeatureJson : JsonSerializerContext;
