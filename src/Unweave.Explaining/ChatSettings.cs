using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;

namespace Unweave.Explaining;

/// <summary>Which chat model makes labels, and where: any server that speaks OpenAI's chat completions.</summary>
public sealed record ChatSettings
{
    /// <summary>Variable of the environment that holds the address.</summary>
    public const string AddressVariable = "UNWEAVE_CHAT_URL";

    /// <summary>Variable of the environment that holds the key.</summary>
    public const string KeyVariable = "UNWEAVE_CHAT_KEY";

    /// <summary>Variable of the environment that holds the model's name.</summary>
    public const string ModelVariable = "UNWEAVE_CHAT_MODEL";

    /// <summary>Names a model.</summary>
    /// <exception cref="InputException">One of them is missing, or the address is none.</exception>
    public ChatSettings(string? address, string? key, string? model)
    {
        Address = Uri.TryCreate(Need(address, AddressVariable, "the base address of a server that speaks OpenAI's chat completions, for "
            + "example http://localhost:11434/v1"), UriKind.Absolute,
                out Uri? uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            ? uri
            : throw new InputException($"{AddressVariable} is no address of a server; give one like http://localhost:11434/v1, without "
                + $"a name or password in it.");
        Key = Need(key, KeyVariable, "the server's key, any word where it asks for none");
        Model = Need(model, ModelVariable, "the name of a model that the server has");
    }

    /// <summary>Base address, as far as <c>/v1</c>.</summary>
    public Uri Address { get; }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    // Nothing prints or stores it.
    private string Key { get; }

    /// <summary>Reads the settings from the environment.</summary>
    /// <exception cref="InputException">One is missing or wrong.</exception>
    public static ChatSettings FromEnvironment() =>
        new(
            Environment.GetEnvironmentVariable(AddressVariable),
            Environment.GetEnvironmentVariable(KeyVariable),
            Environment.GetEnvironmentVariable(ModelVariable));

    /// <summary>Makes a client, which neither retries nor times out by itself: <see cref="ExplainRun"/> does.</summary>
    public IChatClient CreateClient()
    {
        var options = new OpenAIClientOptions
        {
            Endpoint = Address,
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        };
        return new ChatClient(Model, new ApiKeyCredential(Key), options).AsIChatClient();
    }

    private static string Need(string? value, string variable, string what) =>
        string.IsNullOrWhiteSpace(value) ? throw new InputException($"{variable} is not set; set it to {what}.") : value.Trim();

    private bool PrintMembers(StringBuilder text)
    {
        text.Append("Address = ").Append(Address).Append(", Model = ").Append(Model);
        return true;
    }
}
