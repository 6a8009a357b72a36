using System.Security.Cryptography;
using System.Text;

namespace Unweave.Catalog.Explaining;

/// <summary>Answers of chat models, kept in the catalog's file from the moment they come, so that none is paid for twice.</summary>
internal sealed class PaidAnswers(CatalogFile file)
{
    /// <summary>The answer to a question, or null where it was never answered.</summary>
    public string? Find(byte[] question) => file.Read((connection, _) => connection.Value("SELECT text FROM answer WHERE prompt = $prompt", ("$prompt", question)) as string);

    /// <summary>Keeps an answer.</summary>
    public void Keep(byte[] question, string answer) => file.Write((connection, _) => connection.Run("INSERT OR REPLACE INTO answer VALUES ($prompt, $text)", ("$prompt", question), ("$text", answer)));

    /// <summary>What stands for a question: a hash of the model, the words and which attempt it is.</summary>
    public static byte[] Key(string model, Question question, int attempt)
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

/// <summary>What a chat model is asked.</summary>
/// <param name="Instructions">What it is to do: ours alone.</param>
/// <param name="Text">What it is to do it with: quoted from texts.</param>
internal sealed record Question(string Instructions, string Text);
