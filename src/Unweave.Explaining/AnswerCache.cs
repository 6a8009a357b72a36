using System.Security.Cryptography;
using System.Text;
using Unweave.Catalog;

namespace Unweave.Explaining;

/// <summary>What a chat model is asked.</summary>
/// <param name="Instructions">What it is to do: ours alone.</param>
/// <param name="Text">What it is to do it with: quoted from texts.</param>
internal sealed record ChatQuestion(string Instructions, string Text);

/// <summary>Answers of a chat model, kept in the catalog's file from the moment they come, so that none is paid for twice.</summary>
internal sealed class AnswerCache(AnswerTable table, string model)
{
    /// <summary>The answer to a question, or null where it was never answered.</summary>
    public string? Find(ChatQuestion question, int attempt) => table.Find(Key(question, attempt));

    /// <summary>Keeps an answer.</summary>
    public void Keep(ChatQuestion question, int attempt, string answer) => table.Keep(Key(question, attempt), answer);

    // A hash of the model, the words and which attempt it is.
    private byte[] Key(ChatQuestion question, int attempt)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);

        // Lengths go before the texts, so that no two questions run together to the same bytes.
        writer.Write(model);
        writer.Write(question.Instructions);
        writer.Write(question.Text);
        writer.Write(attempt);
        writer.Flush();
        return SHA256.HashData(bytes.ToArray());
    }
}
