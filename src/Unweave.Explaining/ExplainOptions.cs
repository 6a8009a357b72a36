namespace Unweave.Explaining;

/// <summary>How a chat model is asked for labels.</summary>
public sealed record ExplainOptions
{
    /// <summary>The model's name: the method of its labels. Null takes the client's own.</summary>
    public string? Model { get; init; }

    /// <summary>Requests at once, at most. 4 by default.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Examples that a label is made from, at most. 20 by default.</summary>
    public int LabelExamples { get; init; } = 20;

    /// <summary>
    /// Texts on which the latent fires that a label is scored on, at most, and as many on which it does not. 20 by default.
    /// </summary>
    public int ScoreExamples { get; init; } = 20;

    /// <summary>Texts that one question of a score asks about. 10 by default; more is cheaper, fewer is more exact.</summary>
    public int TextsAQuestion { get; init; } = 10;

    /// <summary>How long an answer may take. A minute by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often a question is asked, at most: where no answer comes, and where one makes no sense. 4 by default.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>
    /// Pause before the second attempt, doubled before each one after it, unless the server says how long to wait. 2 s by default.
    /// </summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest pause, also where the server asks for a longer one. A minute by default.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Latents in a row that the server gives no answer for before the run is ended, with what was found kept. 10 by default.
    /// </summary>
    public int FailuresInARow { get; init; } = 10;

    /// <summary>
    /// How long answers that are under way are waited for when the run is interrupted, since they are paid for. 10 s by default.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest answer, in tokens. 2,000 by default, which leaves room for a model that thinks aloud.</summary>
    public int AnswerTokens { get; init; } = 2000;

    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <exception cref="InputException">A number is out of range.</exception>
    internal void Check()
    {
        foreach (
            (string name, int value) in ((string, int)[])
            [
                ("parallel", Parallel), ("label examples", LabelExamples), ("score examples", ScoreExamples),
                ("texts a question", TextsAQuestion), ("attempts", Attempts), ("failures in a row", FailuresInARow),
                ("answer tokens", AnswerTokens)
            ])
        {
            if (value < 1) throw new InputException($"{name} is {value}; it must be at least 1.");
        }

        if (Timeout <= TimeSpan.Zero) throw new InputException("the timeout is not above zero; give the time that an answer may take.");
    }
}

/// <summary>How far a run is.</summary>
/// <param name="Done">Latents done, with or without a label.</param>
/// <param name="Total">Latents asked for.</param>
/// <param name="Labelled">Those that got a label in this run.</param>
/// <param name="Requests">Requests sent in this run, those that failed included.</param>
public readonly record struct ExplainProgress(int Done, int Total, int Labelled, int Requests);

/// <summary>A latent that got no label.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Reason">Why.</param>
public sealed record SkippedLatent(int Latent, string Reason);

/// <summary>What came of a run.</summary>
/// <param name="Model">The model: the method of its labels.</param>
/// <param name="Labelled">Labels made, by latent.</param>
/// <param name="AboveChance">How many of them score above chance.</param>
/// <param name="Kept">Latents that had a label of this model before.</param>
/// <param name="Skipped">Latents without one, with the reasons, by latent.</param>
/// <param name="Requests">Requests sent, those that failed included.</param>
/// <param name="Remembered">Answers that an earlier run had paid for.</param>
public sealed record ExplainReport(
    string Model,
    IReadOnlyList<int> Labelled,
    int AboveChance,
    int Kept,
    IReadOnlyList<SkippedLatent> Skipped,
    int Requests,
    int Remembered);
