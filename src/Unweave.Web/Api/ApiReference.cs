using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Unweave.Web.Api;

/// <summary>An operation of the HTTP API, for people.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Tag">What it is about.</param>
/// <param name="Method">GET, PUT, POST or DELETE.</param>
/// <param name="Path">Its path, with names in braces.</param>
/// <param name="Summary">What it does.</param>
/// <param name="Fields">What it takes, beside what stands in the path.</param>
/// <param name="Refusals">The statuses with which it may refuse.</param>
internal sealed record ApiOperation(
    string Id, string Tag, string Method, string Path, string Summary, IReadOnlyList<ApiField> Fields, string Refusals)
{
    // What stands for the names in a path, and what is asked or sent, so that an example can be run as it is.
    private static readonly Dictionary<string, string> Queries = new(StringComparer.Ordinal)
    {
        ["findFeatures"] = "?text=king&take=3",
        ["searchTexts"] = "?query=a%20stringed%20instrument&count=3",
    };

    private static readonly Dictionary<string, string> Bodies = new(StringComparer.Ordinal)
    {
        ["writeLabel"] = """{"text": "kings and queens"}""",
        ["writeNote"] = """{"text": "seen in the Bible"}""",
        ["encode"] = """{"text": "The king rode out.", "top": 3}""",
        ["encodeVectors"] = """{"vectors": [[0.1, 0.2, 0.3]]}""",
        ["predict"] = """{"prompt": "The king rode", "count": 5}""",
        ["steer"] =
            """{"prompt": "The king", "interventions": [{"latent": 3, "kind": "steer", "strength": 8}], "tokens": 40, "seed": 1}""",
        ["attribute"] = """{"text": "The king rode", "count": 5}""",
    };

    /// <summary>The address of an example of it, after that of the server.</summary>
    /// <param name="run">A run that there is.</param>
    public string ExamplePath(string run) => Path
        .Replace("{run}", Uri.EscapeDataString(run), StringComparison.Ordinal)
        .Replace("{latent}", "3", StringComparison.Ordinal)
        .Replace("{list}", "to%20read", StringComparison.Ordinal) + Queries.GetValueOrDefault(Id, "");

    /// <summary>The body of an example of it; null where it has none.</summary>
    public string? ExampleBody => Bodies.GetValueOrDefault(Id);

    /// <summary>A command that calls it.</summary>
    /// <param name="server">Address of the server, without a slash at its end.</param>
    /// <param name="run">A run that there is.</param>
    /// <param name="token">Whether the server asks for a token.</param>
    public string Curl(string server, string run, bool token)
    {
        string method = Method is "GET" or "POST" ? "" : $" -X {Method}";
        string authorization = token ? " -H \"Authorization: Bearer $UNWEAVE_TOKEN\"" : "";
        string body = ExampleBody is { } json ? $" -H 'Content-Type: application/json' -d '{json}'" : "";
        return $"curl -s{method}{authorization} '{server}{ExamplePath(run)}'{body}";
    }
}

/// <summary>A parameter of an operation, or a field of its body.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Place">Where it stands: query or body.</param>
/// <param name="Type">What it is.</param>
/// <param name="Required">Whether it has to be there.</param>
/// <param name="Description">What it means.</param>
internal sealed record ApiField(string Name, string Place, string Type, bool Required, string Description);

/// <summary>The operations of the HTTP API, read off its OpenAPI document, so that the page about them cannot differ from it.</summary>
internal sealed class ApiReference([FromKeyedServices(ApiReference.Document)] IOpenApiDocumentProvider provider)
{
    /// <summary>Name of the document.</summary>
    public const string Document = "openapi";

    private IReadOnlyList<ApiOperation>? operations;

    /// <summary>The operations, in the document's order.</summary>
    public async Task<IReadOnlyList<ApiOperation>> Read()
    {
        if (operations is { } known) return known;
        OpenApiDocument document = await provider.GetOpenApiDocumentAsync();
        JsonNode root = JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1))!;
        return operations =
        [
            .. root["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()
                .Select(method => Describe(root, path.Key, method.Key, method.Value!))),
        ];
    }

    private static ApiOperation Describe(JsonNode root, string path, string method, JsonNode operation)
    {
        IEnumerable<ApiField> parameters = (operation["parameters"]?.AsArray() ?? []).Where(one => (string?)one!["in"] is "query")
            .Select(one => new ApiField((string)one!["name"]!, "query", TypeOf(one["schema"]), (bool?)one["required"] ?? false,
                (string?)one["description"] ?? ""));
        JsonNode? body = Resolve(root, operation["requestBody"]?["content"]?["application/json"]?["schema"]);
        string[] required = [.. (body?["required"]?.AsArray() ?? []).Select(name => (string)name!)];
        IEnumerable<ApiField> fields = (body?["properties"]?.AsObject() ?? []).Select(field => new ApiField(field.Key, "body",
            TypeOf(field.Value), required.Contains(field.Key, StringComparer.Ordinal), (string?)field.Value?["description"] ?? ""));
        IEnumerable<string> refusals = operation["responses"]!.AsObject().Select(answer => answer.Key)
            .Where(status => status[0] is '4' or '5').Order(StringComparer.Ordinal);
        return new ApiOperation((string)operation["operationId"]!, (string?)operation["tags"]?[0] ?? "", method.ToUpperInvariant(), path,
            (string?)operation["summary"] ?? "", [.. parameters, .. fields], string.Join(", ", refusals));
    }

    private static JsonNode? Resolve(JsonNode root, JsonNode? schema) =>
        (string?)schema?["$ref"] is { } reference ? root["components"]?["schemas"]?[reference.Split('/')[^1]] : schema;

    private static string TypeOf(JsonNode? schema) => schema switch
    {
        null => "",
        _ when (string?)schema["$ref"] is { } reference => reference.Split('/')[^1],
        _ when schema["oneOf"] is JsonArray choices =>
            string.Join(" or ", choices.Select(TypeOf).Where(name => name is not ("" or "null"))),
        _ when schema["type"] is JsonArray types => Items(schema, types.Select(type => (string)type!)),
        _ when (string?)schema["type"] is { } type => Items(schema, [type]),
        _ => "",
    };

    private static string Items(JsonNode schema, IEnumerable<string> types)
    {
        // An integer may be written as text too, which says nothing to a reader.
        string[] named = [.. types.Where(type => type is not "null")];
        string name = named.FirstOrDefault(type => type is "integer" or "number") ?? string.Join(" or ", named);
        return name is "array" ? $"list of {TypeOf(schema["items"])}" : name;
    }
}
