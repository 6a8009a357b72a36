namespace Unweave.Interpretation;

/// <summary>What a latent is like, as far as its firing alone shows.</summary>
public enum FeatureKind
{
    /// <summary>None of the others.</summary>
    Ordinary,

    /// <summary>It never fired on the texts that were read.</summary>
    Dead,

    /// <summary>It fires on more than a tenth of all rows: too often to be about one thing.</summary>
    Dense,

    /// <summary>Nine tenths of its firing, by activation, are on one token.</summary>
    Token,

    /// <summary>Nine tenths of its firing, by activation, are on a few positions of the window.</summary>
    Position,
}

/// <summary>What a latent does over a corpus, or over a set of embeddings: all that a page about it shows.</summary>
public sealed record Feature
{
    /// <summary>Number of the latent.</summary>
    public required int Latent { get; init; }

    /// <summary>What it is like.</summary>
    public required FeatureKind Kind { get; init; }

    /// <summary>Rows on which it fired.</summary>
    public required long Fired { get; init; }

    /// <summary>Share of all rows on which it fired.</summary>
    public required double Frequency { get; init; }

    /// <summary>Share of all windows (of embeddings: rows) in which it fired at least once.</summary>
    public required double Density { get; init; }

    /// <summary>Its strongest activation, at the scale of the weights; 0 for a dead one.</summary>
    public required float Max { get; init; }

    /// <summary>Its mean activation over the rows on which it fired; 0 for a dead one.</summary>
    public required double Mean { get; init; }

    /// <summary>How often it fired how strongly.</summary>
    public required ActivationHistogram Histogram { get; init; }

    /// <summary>The windows on which it is strongest, strongest first, one example a window.</summary>
    public required IReadOnlyList<FeatureExample> Top { get; init; }

    /// <summary>
    /// Windows drawn at random from those in which it fires, for each of five to eight bands of strength of equal width, strongest first.
    /// </summary>
    public required IReadOnlyList<ExampleGroup> Quantiles { get; init; }

    /// <summary>
    /// Texts on which it does not fire. Half of them are near misses that share words with the texts on which it does; the other half are
    /// drawn at random, and come first.
    /// </summary>
    public required IReadOnlyList<FeatureExample> Contrasts { get; init; }

    /// <summary>The tokens on which it fires most, by the sum of its activation; empty for embeddings.</summary>
    public required IReadOnlyList<TokenShare> Tokens { get; init; }

    /// <summary>
    /// The tokens whose logits its decoder row raises most, through the unembedding; empty where the host is no language model.
    /// </summary>
    public required IReadOnlyList<TokenLogit> Raised { get; init; }

    /// <summary>The tokens whose logits its decoder row lowers most.</summary>
    public required IReadOnlyList<TokenLogit> Lowered { get; init; }

    /// <summary>The latents with the nearest decoder rows: values are cosines.</summary>
    public required IReadOnlyList<RelatedLatent> Nearest { get; init; }

    /// <summary>
    /// The latents that fire on the same rows more often than by chance: values are pointwise mutual information, in bits.
    /// </summary>
    public required IReadOnlyList<RelatedLatent> Partners { get; init; }

    /// <summary>How often it fires at which position of the window; empty for embeddings.</summary>
    public required IReadOnlyList<PositionShare> Positions { get; init; }

    /// <summary>The word patterns that tell where it fires, as far as a few can: what its computed label says.</summary>
    public IReadOnlyList<LabelPattern> Patterns { get; init; } = [];

    /// <summary>
    /// The tokens that it fires on, each with the tokens before it that make it fire: trees that grow backwards from the firing token.
    /// </summary>
    public IReadOnlyList<NGramNode> Graph { get; init; } = [];

    /// <summary>The windows that the examples are cut from, which a catalog keeps beside them; null where they are not at hand.</summary>
    internal ExampleWindows? Windows { get; init; }

    /// <summary>
    /// How much a reader of a list gains from it, beside how well its label holds, from 0 to 1: the share of its activation on words of
    /// content, less the more of it is on a single token. Of embeddings 1; of dense and dead latents 0.
    /// </summary>
    public double Interest
    {
        get
        {
            if (Kind is FeatureKind.Dense or FeatureKind.Dead) return 0;
            if (Tokens.Count == 0) return 1;
            double listed = Tokens.Sum(token => token.Share);
            double content = Tokens.Where(token => CommonWords.IsContent(token.Text)).Sum(token => token.Share);
            return listed == 0 ? 0 : content / listed * (1 - Tokens[0].Share);
        }
    }

    /// <summary>
    /// What a label may be made from: the top examples and every other one of those drawn at random, but none that it is scored on.
    /// </summary>
    public IEnumerable<FeatureExample> ForLabels() => Top.Concat(Drawn(0)).DistinctBy(Place).ExceptBy(Drawn(1).Select(Place), Place);

    /// <summary>
    /// What a label is scored on: the other half of the examples drawn at random, so that all bands of strength count alike.
    /// </summary>
    public IEnumerable<FeatureExample> ForScores() => Drawn(1);

    private static (string, long) Place(FeatureExample example) => (example.Document, example.Row);

    private IEnumerable<FeatureExample> Drawn(int odd) =>
        Quantiles.SelectMany(group => group.Examples).Where((_, index) => index % 2 == odd);
}

/// <summary>Counts of activations in bins of equal width from 0 on.</summary>
/// <param name="Width">Width of a bin; 0 where nothing was counted.</param>
/// <param name="Counts">Rows in each bin: bin i holds (i·width, (i+1)·width].</param>
public sealed record ActivationHistogram(double Width, IReadOnlyList<long> Counts);

/// <summary>A piece of a text on which a latent fires (of embeddings: a whole text).</summary>
/// <param name="Document">Id of the document, or the row of an embedding.</param>
/// <param name="Row">Number of the peak's row in the pass that found it.</param>
/// <param name="Position">Position of the peak in the model's window, start token counted; 0 for embeddings.</param>
/// <param name="Pieces">The text, a piece a token; together they are the text as it was written.</param>
/// <param name="Activations">The latent's activation on each piece; 0 where it does not fire.</param>
/// <param name="Peak">Which piece the peak is.</param>
public sealed record FeatureExample(
    string Document, long Row, int Position, IReadOnlyList<string> Pieces, IReadOnlyList<float> Activations, int Peak)
{
    /// <summary>The text.</summary>
    public string Text => string.Concat(Pieces);

    /// <summary>The activation at the peak.</summary>
    public float Activation => Activations[Peak];
}

/// <summary>Random examples of one band of strength.</summary>
/// <param name="From">Lower end of the band.</param>
/// <param name="To">Upper end of the band.</param>
/// <param name="Share">Share of the windows in which the latent fires that are in the band.</param>
/// <param name="Examples">The examples, strongest first.</param>
public sealed record ExampleGroup(double From, double To, double Share, IReadOnlyList<FeatureExample> Examples);

/// <summary>A token on which a latent fires.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Text">Its text.</param>
/// <param name="Count">
/// How often the latent fired on it; at least, for a latent that fires on more tokens than
/// <see cref="FeatureStatisticsOptions.TokenCounts"/> allows.
/// </param>
/// <param name="Share">Share of the latent's activation that is on this token.</param>
public sealed record TokenShare(int Token, string Text, long Count, double Share);

/// <summary>What a latent does to a token's logit.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Text">Its text.</param>
/// <param name="Logit">
/// Half the difference of the token's logits when the model's last normalization and unembedding are given the decoder row alone and when
/// they are given its negative; see <see cref="LogitLens"/>.
/// </param>
public sealed record TokenLogit(int Token, string Text, float Logit);

/// <summary>Another latent, and how it is related.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Value">Cosine or mutual information; see where it is listed.</param>
public sealed record RelatedLatent(int Latent, double Value);

/// <summary>How often a latent fires in a range of positions.</summary>
/// <param name="First">First position of the range.</param>
/// <param name="Last">Last position of the range.</param>
/// <param name="Frequency">Share of the rows at these positions on which it fired.</param>
public sealed record PositionShare(int First, int Last, double Frequency);

/// <summary>A pattern of words, and how well it tells where a latent fires.</summary>
/// <param name="Text">The pattern in words.</param>
/// <param name="Recall">Share of the texts on which the latent fires that have it.</param>
/// <param name="FalseAlarms">Share of the texts on which the latent does not fire that have it.</param>
public sealed record LabelPattern(string Text, double Recall, double FalseAlarms);

/// <summary>A node of an n-gram graph (Foote et al. 2023, "Neuron to Graph"): a token, and what may come before it.</summary>
/// <param name="Text">The token.</param>
/// <param name="Count">Examples that have it here.</param>
/// <param name="Activation">Their mean activation.</param>
/// <param name="Before">What comes before it; empty where nothing more is needed for the latent to fire.</param>
public sealed record NGramNode(string Text, int Count, double Activation, IReadOnlyList<NGramNode> Before);

/// <summary>A short text that says what a latent is about, with how well it predicts where the latent fires.</summary>
/// <param name="Text">The label.</param>
/// <param name="Method">How it was found: <c>tokens</c>, <c>context</c>, <c>topic</c>, <c>words</c>, <c>source</c>, <c>rows</c> or the
/// name of a chat model.</param>
/// <param name="Detection">
/// Balanced accuracy in telling held-out texts on which the latent fires from texts on which it does not, some of them near misses;
/// 0.5 is chance (Paulo et al. 2024, "Automatically interpreting millions of features", section 4).
/// </param>
/// <param name="Fuzzing">
/// Balanced accuracy in telling texts whose marked tokens are those that fire from texts where others are marked; NaN where not measured.
/// </param>
/// <param name="Examples">Texts that detection was measured on.</param>
/// <param name="Firing">
/// Those of them on which the latent fires; null for a label of a catalog that did not record it, which counts as half of them.
/// </param>
public sealed record FeatureLabel(string Text, string Method, double Detection, double Fuzzing, int Examples, int? Firing = null)
{
    /// <summary>
    /// Share of the latent's activation in the upper half of its range that is where the label holds, over held-out examples, each
    /// weighted by the windows that it stands for; null where it was not measured.
    /// </summary>
    public double? Coverage { get; init; }

    /// <summary>
    /// The detection score of a label made of the latent's three top tokens, on the same texts: what a label has to beat. Null where there
    /// are no tokens, or it was not measured.
    /// </summary>
    public double? Baseline { get; init; }

    /// <summary>Share of labels that guess and are still <see cref="AboveChance"/>, by luck.</summary>
    public const double LuckyShare = 0.05;

    /// <summary>
    /// Whether the detection score is above chance by more than luck explains: more than 1.645 standard errors of guessing over 0.5. A
    /// label that is not is kept, but not shown as one.
    /// </summary>
    /// <remarks>
    /// Balanced accuracy is the mean of two shares, of n₊ texts on which the latent fires and n₋ others; of a guess, the variance of each
    /// is at most 1/(4n), so the standard error is at most ¼√(1/n₊ + 1/n₋).
    /// </remarks>
    public bool AboveChance
    {
        get
        {
            double firing = Firing ?? Examples / 2.0, others = Examples - firing;
            return firing > 0 && others > 0 && Detection > 0.5 + (1.645 * Math.Sqrt((1 / firing) + (1 / others)) / 4);
        }
    }
}
