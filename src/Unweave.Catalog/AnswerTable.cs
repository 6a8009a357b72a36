namespace Unweave.Catalog;

/// <summary>Answers of chat models in the catalog's file, which no build touches: what was paid for is kept.</summary>
internal sealed class AnswerTable(CatalogFile file)
{
    /// <summary>The answer kept under a key, or null.</summary>
    public string? Find(byte[] key) =>
        file.Read((connection, _) => connection.Value("SELECT text FROM answer WHERE prompt = $prompt", ("$prompt", key)) as string);

    /// <summary>Keeps an answer, in place of an earlier one.</summary>
    public void Keep(byte[] key, string answer) => file.Write((connection, _) =>
        connection.Run("INSERT OR REPLACE INTO answer VALUES ($prompt, $text)", ("$prompt", key), ("$text", answer)));
}
