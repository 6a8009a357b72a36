using System.Text.Json;
using Microsoft.Data.Sqlite;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>
/// Writes a build: into new tables, a batch at a time and holding no lock between batches, then puts it in the place of the old one at
/// once. A catalog that is not there yet is written beside its place and renamed.
/// </summary>
internal static class CatalogBuild
{
    private const int Batch = 128;

    /// <summary>Writes features with their labels.</summary>
    public static void Write(
        string path,
        CatalogSource source,
        IEnumerable<(Feature Feature, IReadOnlyList<FeatureLabel> Labels)> features,
        CancellationToken cancellationToken)
    {
        string? folder = Path.GetDirectoryName(path);
        if (!Directory.Exists(folder)) throw new InputException($"{path}: its folder does not exist; make it first.");
        using FileStream alone = Alone(path);
        if (File.Exists(path))
        {
            using FeatureCatalog existing = FeatureCatalog.OpenFile(path, CatalogFile.Patience, finished: false);
            Fill(existing.File, source, features, cancellationToken);
            return;
        }

        string partial = path + ".partial";
        Delete(partial);
        try
        {
            Create(partial);
            using (var file = new CatalogFile(partial, CatalogFile.Patience)) Fill(file, source, features, cancellationToken);
            // The last connection is closed, so everything is in the file itself.
            File.Move(partial, path);
        }
        catch
        {
            Delete(partial);
            throw;
        }
    }

    private static void Fill(
        CatalogFile file,
        CatalogSource source,
        IEnumerable<(Feature, IReadOnlyList<FeatureLabel>)> features,
        CancellationToken cancellationToken)
    {
        BuildTables old = default, tables = default;
        file.Write((connection, current) =>
        {
            (old, tables) = (current, new BuildTables(current.Number + 1));
            DropLeftovers(connection, current);
            tables.Create(connection);
        });
        try
        {
            int written = 0;
            var windows = new StoredWindows();
            foreach ((Feature Feature, IReadOnlyList<FeatureLabel>)[] batch in features.Chunk(Batch))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Check(source, batch, written);
                WriteBatch(file, tables, windows, batch);
                written += batch.Length;
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (written != source.Latents)
            {
                throw new ArgumentException(
                    $"the source has {source.Latents} latents, and {written} features were given.", nameof(features));
            }

            file.Write((connection, _) => tables.Index(connection));
            file.Write((connection, _) =>
            {
                foreach (int latent in connection.All(
                    "SELECT latent FROM person WHERE latent < $latents", line => line.GetInt32(0), ("$latents", source.Latents)))
                    ShownLabel.Refresh(connection, tables, latent);
                connection.Run("DELETE FROM build; DELETE FROM map");
                connection.Run(
                    "INSERT INTO build VALUES ($number, $source)",
                    ("$number", tables.Number),
                    ("$source", JsonSerializer.Serialize(source, StoredFeatureJson.Default.CatalogSource)));
                old.Drop(connection);
            });
        }
        catch
        {
            // What is left behind is not seen, and the next build removes it; so a failure here does not hide the first one.
            try
            {
                file.Write((connection, _) => tables.Drop(connection));
            }
            catch (InputException)
            {
            }

            throw;
        }
    }

    private static void Check(CatalogSource source, (Feature Feature, IReadOnlyList<FeatureLabel>)[] batch, int first)
    {
        for (int i = 0; i < batch.Length; i++)
        {
            Feature feature = batch[i].Feature;
            if (feature.Latent != first + i)
            {
                throw new ArgumentException($"feature {feature.Latent} came where {first + i} was due; give every latent once, in "
                    + $"ascending order.", nameof(batch));
            }

            if (feature.Latent >= source.Latents)
                throw new ArgumentException($"the source has {source.Latents} latents, and there are more features.", nameof(batch));
            if (!double.IsFinite(feature.Frequency) || !double.IsFinite(feature.Density) || !float.IsFinite(feature.Max))
            {
                throw new ArgumentException($"feature {feature.Latent} has a frequency, density or strongest activation that is not "
                    + $"finite.", nameof(batch));
            }
        }
    }

    private static void WriteBatch(
        CatalogFile file, BuildTables tables, StoredWindows windows, (Feature Feature, IReadOnlyList<FeatureLabel> Labels)[] batch)
    {
        // The work is done before the file is locked.
        byte[][] details = [.. batch.Select(item => StoredFeature.Write(item.Feature))];
        FeatureWords[] words = [.. batch.Select(item => FeatureWords.From(item.Feature))];
        (List<(int, byte[])> texts, List<(int, byte[])> places) = windows.Add(batch.Select(item => item.Feature));
        file.Write((connection, _) =>
        {
            foreach ((int number, byte[] text) in texts)
                connection.Run($"INSERT INTO {tables.Window} VALUES ($number, $text)", ("$number", number), ("$text", text));
            foreach ((int latent, byte[] examples) in places)
                connection.Run($"INSERT INTO {tables.Places} VALUES ($latent, $examples)", ("$latent", latent), ("$examples", examples));
            for (int i = 0; i < batch.Length; i++)
            {
                (Feature feature, IReadOnlyList<FeatureLabel> labels) = batch[i];
                connection.Run(
                    $"INSERT INTO {tables.Feature} (latent, kind, frequency, density, max, tokens) VALUES ($latent, $kind, $frequency, "
                        + $"$density, $max, $tokens)",
                    ("$latent", feature.Latent), ("$kind", (int)feature.Kind), (
                        "$frequency",
                        feature.Frequency), ("$density", feature.Density), ("$max", (double)feature.Max), ("$tokens", FeatureWords
                            .Glance(feature)));
                connection.Run($"INSERT INTO {tables.Detail} VALUES ($latent, $json)", ("$latent", feature.Latent), ("$json", details[i]));
                foreach (FeatureLabel label in labels) ShownLabel.Add(connection, tables, feature.Latent, label);
                ShownLabel.Write(connection, tables, feature.Latent, words[i]);
            }
        });
    }

    private static void DropLeftovers(SqliteConnection connection, BuildTables current)
    {
        const string Prefix = "feature_";
        foreach (string table in connection.All("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'feature\\_%' ESCAPE "
            + "'\\'", line => line.GetString(0)))
        {
            if (long.TryParse(table.AsSpan(Prefix.Length), out long number) && number != current.Number)
                new BuildTables(number).Drop(connection);
        }
    }

    private static void Create(string path)
    {
        try
        {
            using var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWriteCreate, Pooling = false }.ToString());
            connection.Open();
            Schema.Create(connection);
        }
        catch (SqliteException e) when (SqliteErrors.IsOfFile(e))
        {
            throw SqliteErrors.Explain(path, e);
        }
    }

    /// <summary>
    /// Held while a build is written, so that there is one at a time; the system lets it go when the process ends, however it ends.
    /// </summary>
    private static FileStream Alone(string path)
    {
        try
        {
            return new FileStream(
                path + ".building", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InputException($"{path}: its folder may not be written; check its permissions.", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{path}: another build of it is being written ({e.Message}); wait for it to end.", e);
        }
    }

    private static void Delete(string partial)
    {
        foreach (string ending in (string[])["", "-wal", "-shm", "-journal"]) File.Delete(partial + ending);
    }
}
