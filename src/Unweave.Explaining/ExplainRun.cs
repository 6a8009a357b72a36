using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Explaining;

/// <summary>Has a chat model make labels for latents and score them, and keeps each in the catalog as soon as it is there.</summary>
public static class ExplainRun
{
    /// <summary>
    /// Makes labels. A latent that the model gives no label for is skipped and the run goes on; a run that was interrupted and is started
    /// again asks nothing that was answered before, since every answer is in the catalog's file.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="client">The model; see <see cref="ChatSettings.CreateClient"/>.</param>
    /// <param name="latents">Numbers of latents; those that have a label of this model are left as they are.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told after every latent, or null; never by two threads at once.</param>
    /// <param name="cancellationToken">Ends the run; answers under way are waited for a while and kept.</param>
    /// <exception cref="InputException">The server refuses the key or the model, or has not answered for many latents in a row.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public static async Task<ExplainReport> Run(
        FeatureCatalog catalog, IChatClient client, IReadOnlyCollection<int> latents, ExplainOptions options,
        IProgress<ExplainProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        int[] wanted = [.. latents.Distinct()];
        int all = catalog.Source.Latents;
        foreach (int latent in wanted)
        {
            if (latent < 0 || latent >= all)
                throw new ArgumentOutOfRangeException(nameof(latents), latent, $"latents are numbered from 0 to {all - 1}");
        }

        string model = options.Model ?? client.GetService<ChatClientMetadata>()?.DefaultModelId
            ?? throw new InputException("the chat client does not say which model it asks; name it in the options.");
        string method = Method(model);
        var chat = new RetryingChatClient(client, model, new AnswerCache(catalog.Answers, model), options);
        var labelled = new ConcurrentDictionary<int, bool>();
        var skipped = new ConcurrentBag<SkippedLatent>();
        int kept = 0, done = 0, failures = 0;
        Lock reporting = new();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(wanted, parallel, async (latent, stopped) =>
        {
            try
            {
                if (catalog.Labels(latent).Any(label => string.Equals(label.Method, method, StringComparison.Ordinal)))
                {
                    Interlocked.Increment(ref kept);
                }
                else
                {
                    FeatureLabel label = await Explain(chat, catalog.Read(latent), method, options, stopped);
                    catalog.AddLabels([(latent, label)]);
                    labelled[latent] = label.AboveChance;
                    Interlocked.Exchange(ref failures, 0);
                }
            }
            catch (NoAnswerException e)
            {
                skipped.Add(new SkippedLatent(latent, e.Message));
                if (!e.OfServer) Interlocked.Exchange(ref failures, 0);
                else if (Interlocked.Increment(ref failures) >= options.FailuresInARow)
                {
                    throw new InputException($"the chat server has given no answer for {options.FailuresInARow} latents in a row "
                        + $"({e.Message}); "
                        + "what was found is kept: try again later with the same command.", e);
                }
            }

            lock (reporting) progress?.Report(new ExplainProgress(++done, wanted.Length, labelled.Count, chat.Requests));
        });
        return new ExplainReport(
            method, [.. labelled.Keys.Order()], labelled.Values.Count(above => above), kept, [.. skipped.OrderBy(item => item.Latent)],
            chat.Requests, chat.Remembered);
    }

    private static async Task<FeatureLabel> Explain(
        RetryingChatClient chat, Feature feature, string method, ExplainOptions options, CancellationToken cancellationToken)
    {
        // Nothing is asked of the model that could not be scored afterwards.
        if (feature.Top.Count == 0) throw new NoAnswerException("it never fired", ofServer: false);
        if (ChatScorer.Positives(feature, options).Count == 0 || ChatScorer.Negatives(feature, options).Count == 0)
            throw new NoAnswerException("it has no examples to score a label on", ofServer: false);
        string label = await ChatExplainer.Label(chat, feature, options, cancellationToken);
        return await ChatScorer.Score(chat, feature, label, method, options, cancellationToken);
    }

    /// <summary>The model's name as the method of a label: never one that means another way of finding labels.</summary>
    private static string Method(string model)
    {
        string name = QuotedText.Label(model) ?? "chat";
        return name is "tokens" or "context" or "topic" or "words" or "source" or "rows" or ShownLabel.Own ? $"chat {name}" : name;
    }
}
