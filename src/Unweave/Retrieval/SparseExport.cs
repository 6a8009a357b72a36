using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Unweave.Retrieval;

/// <summary>A system that searches sparse vectors, by the form in which it takes them.</summary>
public enum SparseFormat
{
    /// <summary>Qdrant: bodies of requests that upsert points, each with a named sparse vector.</summary>
    Qdrant,

    /// <summary>OpenSearch: lines of its bulk API, for a field of the type <c>rank_features</c>.</summary>
    OpenSearch,

    /// <summary>Elasticsearch: lines of its bulk API, for a field of the type <c>sparse_vector</c>.</summary>
    Elasticsearch,

    /// <summary>Milvus: bodies of requests that upsert entities, for a field of the type <c>SparseFloatVector</c>.</summary>
    Milvus,

    /// <summary>PostgreSQL with pgvector: a script of SQL that makes a table with a <c>sparsevec</c> and fills it.</summary>
    Pgvector,
}

/// <summary>
/// Rows of an index as the sparse vectors f_i/‖x̂‖ that other systems search by inner product, and queries as the q·W_i of the latents that
/// are looked up: the product is the cosine of q and x̂, less what the bias of the dictionary adds to it.
/// </summary>
public static class SparseExport
{
    /// <summary>Name of the field with the sparse vector.</summary>
    public const string VectorField = "concepts";

    private const int RowsOfRequest = 100;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes all rows.</summary>
    /// <param name="index">The index.</param>
    /// <param name="format">For which system.</param>
    /// <param name="collection">Name of the collection, index or table there.</param>
    /// <param name="output">Receives UTF-8.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Number of rows.</returns>
    public static long Write(
        SearchIndex index, SparseFormat format, string collection, Stream output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentException.ThrowIfNullOrEmpty(collection);
        ArgumentNullException.ThrowIfNull(output);
        long count = 0;
        int latents = index.Dictionary.Latents;
        if (format == SparseFormat.Pgvector) Line(output, $"{Setup(format, collection, latents)}\nCOPY {Quoted(collection)} FROM stdin;");
        foreach ((IndexDocument Document, IReadOnlyList<LatentShare> Code)[] rows in index.Documents().Chunk(RowsOfRequest))
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (format)
            {
                case SparseFormat.Qdrant:
                    Json(output, json => Points(json, rows));
                    break;
                case SparseFormat.Milvus:
                    Json(output, json => Entities(json, collection, rows));
                    break;
                case SparseFormat.Pgvector:
                    foreach ((IndexDocument document, IReadOnlyList<LatentShare> code) in rows)
                    {
                        string fields = Encoding.UTF8.GetString(FieldValue.Write(document.Fields));
                        if (fields.Length == 0) fields = "{}";
                        Line(output, string.Join(
                            '\t', Copied(document.Key), Copied(document.Text), Copied(fields), SparseVector(code, latents)));
                    }

                    break;
                default:
                    foreach ((IndexDocument document, IReadOnlyList<LatentShare> code) in rows)
                    {
                        Json(output, json => Action(json, collection, document.Key));
                        Json(output, json =>
                        {
                            json.WriteStartObject();
                            Content(json, document);
                            Weights(json, code);
                            json.WriteEndObject();
                        });
                    }

                    break;
            }

            count += rows.Length;
        }

        if (format == SparseFormat.Pgvector) Line(output, "\\.");
        return count;
    }

    /// <summary>What makes the collection, index or table that the rows go into: a request, or SQL.</summary>
    /// <param name="format">For which system.</param>
    /// <param name="collection">Its name there.</param>
    /// <param name="latents">Number of latents n of the dictionary.</param>
    public static string Setup(SparseFormat format, string collection, int latents)
    {
        ArgumentException.ThrowIfNullOrEmpty(collection);
        string name = JsonEncodedText.Encode(collection, Plain.Encoder).ToString(), path = Uri.EscapeDataString(collection);
        return format switch
        {
            SparseFormat.Qdrant => $$"""PUT /collections/{{path}} { "sparse_vectors": { "{{VectorField}}": {} } }""",
            SparseFormat.OpenSearch => $$$"""
                PUT /{{{path}}} { "mappings": { "properties": { "{{{VectorField}}}": { "type": "rank_features" } } } }
                """,
            // Tokens that are frequent and weak would be left out of queries by default, which changes what is found.
            SparseFormat.Elasticsearch => $$$"""
                PUT /{{{path}}} { "mappings": { "properties": { "{{{VectorField}}}": {
                "type": "sparse_vector", "index_options": { "prune": false } } } } }
                """,
            SparseFormat.Milvus => $$"""
                POST /v2/vectordb/collections/create { "collectionName": "{{name}}", "schema": { "enableDynamicField": true, "fields": [
                { "fieldName": "key", "dataType": "VarChar", "isPrimary": true, "elementTypeParams": { "max_length": 512 } },
                { "fieldName": "{{VectorField}}", "dataType": "SparseFloatVector" } ] }, "indexParams": [
                { "fieldName": "{{VectorField}}", "indexName": "{{VectorField}}", "metricType": "IP",
                "indexType": "SPARSE_INVERTED_INDEX" } ] }
                """,
            SparseFormat.Pgvector => string.Create(CultureInfo.InvariantCulture,
                $"CREATE TABLE {Quoted(collection)} (key text PRIMARY KEY, text text, fields jsonb, {VectorField} sparsevec({latents}));"),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
        };
    }

    /// <summary>A query as a request, or SQL, of the system.</summary>
    /// <param name="format">For which system.</param>
    /// <param name="collection">Name of the collection, index or table there.</param>
    /// <param name="query">The latents that are looked up, as <see cref="SearchResults.Query"/> has them.</param>
    /// <param name="latents">Number of latents n of the dictionary.</param>
    /// <param name="count">How many hits are wanted.</param>
    public static string Query(SparseFormat format, string collection, IReadOnlyList<LatentShare> query, int latents, int count)
    {
        ArgumentException.ThrowIfNullOrEmpty(collection);
        ArgumentNullException.ThrowIfNull(query);
        string path = Uri.EscapeDataString(collection);
        string Body(Action<Utf8JsonWriter> write)
        {
            using var bytes = new MemoryStream();
            Json(bytes, json =>
            {
                json.WriteStartObject();
                write(json);
                json.WriteEndObject();
            });
            return Encoding.UTF8.GetString(bytes.ToArray()).TrimEnd();
        }

        return format switch
        {
            SparseFormat.Qdrant => $"POST /collections/{path}/points/query " + Body(json =>
            {
                json.WritePropertyName("query");
                Indices(json, query);
                json.WriteString("using", VectorField);
                json.WriteNumber("limit", count);
                json.WriteBoolean("with_payload", true);
            }),
            SparseFormat.OpenSearch => $"POST /{path}/_search " + Body(json =>
            {
                json.WriteNumber("size", count);
                json.WriteStartObject("query");
                json.WriteStartObject("neural_sparse");
                json.WriteStartObject(VectorField);
                Weights(json, query, "query_tokens");
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndObject();
            }),
            SparseFormat.Elasticsearch => $"POST /{path}/_search " + Body(json =>
            {
                json.WriteNumber("size", count);
                json.WriteStartObject("query");
                json.WriteStartObject("sparse_vector");
                json.WriteString("field", VectorField);
                Weights(json, query, "query_vector");
                json.WriteEndObject();
                json.WriteEndObject();
            }),
            SparseFormat.Milvus => "POST /v2/vectordb/entities/search " + Body(json =>
            {
                json.WriteString("collectionName", collection);
                json.WriteStartArray("data");
                json.WriteStartObject();
                WeightPairs(json, query);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteString("annsField", VectorField);
                json.WriteNumber("limit", count);
                json.WriteStartArray("outputFields");
                json.WriteStringValue("key");
                json.WriteStringValue("text");
                json.WriteEndArray();
            }),
            SparseFormat.Pgvector => string.Create(CultureInfo.InvariantCulture,
                $"SELECT key, text, -({VectorField} <#> '{SparseVector(query, latents)}') AS score FROM {Quoted(collection)} ")
                + string.Create(CultureInfo.InvariantCulture,
                    $"ORDER BY {VectorField} <#> '{SparseVector(query, latents)}' LIMIT {count};"),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
        };
    }

    // Ids are numbers or UUIDs there: one that follows from the key (RFC 9562, version 8), so that a row written again replaces itself.
    private static Guid IdOf(string key)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(key))[..16];
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash, bigEndian: true);
    }

    private static void Points(Utf8JsonWriter json, (IndexDocument Document, IReadOnlyList<LatentShare> Code)[] rows)
    {
        json.WriteStartObject();
        json.WriteStartArray("points");
        foreach ((IndexDocument document, IReadOnlyList<LatentShare> code) in rows)
        {
            json.WriteStartObject();
            json.WriteString("id", IdOf(document.Key));
            json.WriteStartObject("vector");
            json.WritePropertyName(VectorField);
            Indices(json, code);
            json.WriteEndObject();
            json.WriteStartObject("payload");
            Content(json, document);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Entities(
        Utf8JsonWriter json, string collection, (IndexDocument Document, IReadOnlyList<LatentShare> Code)[] rows)
    {
        json.WriteStartObject();
        json.WriteString("collectionName", collection);
        json.WriteStartArray("data");
        foreach ((IndexDocument document, IReadOnlyList<LatentShare> code) in rows)
        {
            json.WriteStartObject();
            Content(json, document);
            Weights(json, code);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Action(Utf8JsonWriter json, string collection, string key)
    {
        json.WriteStartObject();
        json.WriteStartObject("index");
        json.WriteString("_index", collection);
        json.WriteString("_id", key);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Content(Utf8JsonWriter json, IndexDocument document)
    {
        json.WriteString("key", document.Key);
        json.WriteString("text", document.Text);
        if (document.Fields is not { Count: > 0 } fields) return;
        json.WriteStartObject("fields");
        foreach ((string name, FieldValue value) in fields.OrderBy(field => field.Key, StringComparer.Ordinal))
        {
            json.WritePropertyName(name);
            value.Write(json);
        }

        json.WriteEndObject();
    }

    private static void Indices(Utf8JsonWriter json, IReadOnlyList<LatentShare> code)
    {
        json.WriteStartObject();
        json.WriteStartArray("indices");
        foreach (LatentShare share in Ordered(code)) json.WriteNumberValue(share.Latent);
        json.WriteEndArray();
        json.WriteStartArray("values");
        foreach (LatentShare share in Ordered(code)) json.WriteNumberValue((float)share.Share);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Weights(Utf8JsonWriter json, IReadOnlyList<LatentShare> code, string name = VectorField)
    {
        json.WriteStartObject(name);
        WeightPairs(json, code);
        json.WriteEndObject();
    }

    private static void WeightPairs(Utf8JsonWriter json, IReadOnlyList<LatentShare> code)
    {
        foreach (LatentShare share in Ordered(code))
            json.WriteNumber(share.Latent.ToString(CultureInfo.InvariantCulture), (float)share.Share);
    }

    // Only weights above 0, which is all that some of the systems take; of a code there are no others.
    private static IEnumerable<LatentShare> Ordered(IReadOnlyList<LatentShare> code) =>
        code.Where(share => (float)share.Share > 0).OrderBy(share => share.Latent);

    // Indices begin at 1, as those of SQL's arrays do.
    private static string SparseVector(IReadOnlyList<LatentShare> code, int latents)
    {
        var text = new StringBuilder("{");
        foreach (LatentShare share in Ordered(code))
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 1 ? "," : "")}{share.Latent + 1}:{(float)share.Share:R}");
        return text.Append(CultureInfo.InvariantCulture, $"}}/{latents}").ToString();
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    // A text has no NUL there; the other signs have a meaning in COPY's format.
    private static string Copied(string text) => text.Replace("\0", "\uFFFD", StringComparison.Ordinal)
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal);

    private static void Line(Stream output, string text) => output.Write(Encoding.UTF8.GetBytes(text + "\n"));

    private static void Json(Stream output, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain)) write(json);
        output.Write(buffer.WrittenSpan);
        output.WriteByte((byte)'\n');
    }
}
