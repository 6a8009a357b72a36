using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// overcomplete: a module saved whole (<c>model.pth</c>), or its state dict, which has neither the class, nor k, nor how the dictionary's
/// rows are normalized: what is missing is asked for. x̂ = zD, D = normalized rows · exp(multiplier); there is no b_dec, and values that
/// equal their threshold are kept.
/// </summary>
internal sealed class OvercompleteDialect : IDialect
{
    private const string Rows = "dictionary._weights", Multiplier = "dictionary.multiplier", Encoder = "encoder.final_block.0.weight",
        EncoderBias = "encoder.final_block.0.bias", TiedBias = "encoder.bias", Archetypes = "dictionary.C", WeightsName = "state_dict.pth",
        MultiplierFact = "multiplier", NormalizationKey = "normalization", ClassKey = "architecture";
    private const float NormEpsilon = 1e-8f, BatchEpsilon = 1e-5f;

    /// <inheritdoc/>
    public string Name => "overcomplete";

    /// <inheritdoc/>
    public string Title => "overcomplete";

    /// <inheritdoc/>
    public string Signature => $"a .pth with {Rows} or {Archetypes}";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        // A whole module says more than the state dict beside it.
        string[] found = [.. Candidates(files)];
        string[] modules = [.. found.Where(name => files.FindTensors(name)!.Metadata.ContainsKey("__class__"))];
        string file = modules.Length == 1 ? modules[0] : PretrainedReading.TheOne(files, found);
        TensorFile weights = files.Tensors(file);
        if (weights.Tensors.Any(tensor => tensor.Name.Contains("mlp_blocks.0", StringComparison.Ordinal)))
            throw new InputException($"{weights.Path}: 'mlp_blocks' is an encoder of several layers, which is not read.");
        bool archetypal = Find(weights, Archetypes) is not null, tied = Find(weights, TiedBias) is not null;
        int[] shape = archetypal
            ? [weights.ShapeOf(Find(weights, "dictionary.W")!, 2)[0], weights.ShapeOf(Find(weights, Archetypes)!, 2)[1]]
            : weights.ShapeOf(Find(weights, Rows)!, 2);
        PretrainedOptions options = Options(files, weights) with { Latents = shape[0], Tied = tied };
        string normalization = archetypal ? "none" : Normalization(files, weights);
        float multiplier = Find(weights, Multiplier) is { } name ? weights.ReadNumber(name) : 0;
        return PretrainedReading.Make<PretrainedAutoencoder>(options, shape[1], shape[1], [weights], made =>
        {
            if (archetypal) ReadArchetypes(files, weights, made.Decoder);
            else weights.ReadRows(Find(weights, Rows)!, made.Decoder);
            Normalize(made.Decoder, normalization, MathF.Exp(multiplier), weights.Path);
            bool folds = false;
            if (tied)
            {
                weights.ReadVector(Find(weights, TiedBias)!, made.Weights.EncoderBias.Row(0));
            }
            else if (!options.IsPursuit)
            {
                weights.ReadRows(Required(weights, Encoder), made.Weights.Encoder);
                weights.ReadVector(Required(weights, EncoderBias), made.Weights.EncoderBias.Row(0));
                folds = FoldBatchNorm(weights, made);
            }

            ReadThresholds(files, weights, made);
            made.Origin = new Origin(Name,
            [
                $"class {ClassOf(files, weights)}",
                "there is no b_dec",
                .. options.Inclusive ? (string[])["values that equal their threshold are kept"] : [],
                .. options.Activation == CodeActivation.MatchingPursuit
                    ? (string[])["a pursuit of the largest product, of either sign"] : [],
                .. tied ? (string[])["the encoder is the dictionary"] : [],
            ])
            {
                Folded =
                [
                    .. archetypal ? (string[])["the dictionary is made of its archetypes"] : [],
                    .. normalization is "l2" or "max_l2" || multiplier != 0
                        ? (string[])[$"the dictionary's rows are normalized ({normalization}) and multiplied by exp({multiplier:G6})"] : [],
                    .. folds ? (string[])["batch norm goes into W_enc and b_enc"] : [],
                ],
                Facts = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [MultiplierFact] = multiplier.ToString("R", CultureInfo.InvariantCulture),
                },
            };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(
            CodeActivation.Relu, CodeActivation.TopK, CodeActivation.JumpRelu, CodeActivation.Levels, CodeActivation.MatchingPursuit,
            CodeActivation.OrthogonalPursuit);
        form.FoldIntoWeights();
        ScaledNorms.DropThresholds(form);
        form.RefuseAllBut("tied", "inclusive", "signed");
        form.RequireSquare();
        PretrainedOptions options = form.Options;
        if (form.DecoderBias.AsSpan().ContainsAnyExcept(0f)) throw form.Refuse("b_dec", "its output is the dictionary's alone");
        if (options.Activation == CodeActivation.JumpRelu && !options.Inclusive) throw form.Refuse("strict thresholds",
            "it keeps values that equal theirs");
        if (options.Activation == CodeActivation.MatchingPursuit && (!options.Signed || options.StopsOnDuplicate
            || options.ResidualThreshold > 0))
            throw form.Refuse("a pursuit that ends early or has no values below 0", "its pursuits take k steps of either sign");
        if (options.Signed && options.Activation != CodeActivation.MatchingPursuit) throw form.Refuse("signed",
            "its codes are never negative");
        float multiplier = autoencoder.Origin?.Dialect is "overcomplete"
            && float.TryParse(DialectWriting.Fact(autoencoder, MultiplierFact), NumberStyles.Float, CultureInfo.InvariantCulture,
                out float kept) ? kept : 0;
        form.Rescale(1, MathF.Exp(-multiplier));
        var content = new PickledDictionary();
        void Add(TensorToWrite tensor) => content.Add((tensor.Info.Name, tensor));
        if (options.Tied)
        {
            Add(TensorToWrite.From(TiedBias, form.Bias));
            Add(form.Decoder("encoder.tied_to._weights", rows: true));
            Add(DialectWriting.Number("encoder.tied_to.multiplier", multiplier));
        }
        else if (!options.IsPursuit)
        {
            Add(form.Encoder(Encoder, rows: true));
            Add(TensorToWrite.From(EncoderBias, form.Bias));
        }

        if (options.Activation == CodeActivation.JumpRelu) Add(TensorToWrite.From("thresholds", ScaledNorms.Logarithms(form)));
        if (options.Activation == CodeActivation.Levels) Add(TensorToWrite.From("Q", [.. options.Levels]));
        Add(form.Decoder(Rows, rows: true));
        Add(DialectWriting.Number(Multiplier, multiplier));
        TorchWriter.Write(Path.Combine(folder, WeightsName), content);
        var given = new JsonObject { [ClassKey] = KindOf(options), [NormalizationKey] = "identity" };
        if (options.K > 0) given["k"] = (int)options.K;
        if (options.Activation == CodeActivation.OrthogonalPursuit) given["max_iter"] = options.FittingSteps;
        DialectWriting.Json(Path.Combine(folder, CheckpointFiles.GivenName), given);
    }

    private static PretrainedOptions Options(CheckpointFiles files, TensorFile weights)
    {
        int K() => Attribute(weights, "top_k") ?? Attribute(weights, "k") ?? files.Given.Count("k") ?? throw files.NotGiven("k", "32");
        string kind = ClassOf(files, weights);
        return kind switch
        {
            "sae" => new() { Activation = CodeActivation.Relu },
            "topk" or "ratopk" => new() { Activation = CodeActivation.TopK, K = K() },
            "jump" or "batchtopk" => new() { Activation = CodeActivation.JumpRelu, Inclusive = true },
            "qsae" => new() { Activation = CodeActivation.Levels, Levels = Levels(weights) },
            "mp" => new() { Activation = CodeActivation.MatchingPursuit, K = K(), Signed = true },
            "omp" => new()
            {
                Activation = CodeActivation.OrthogonalPursuit,
                K = K(),
                FittingSteps = Attribute(weights, "max_iter") ?? files.Given.Count("max_iter") ?? throw files.NotGiven("max_iter", "10"),
            },
            _ =>
                throw new InputException($"{weights.Path}: its class is '{TensorFile.OneLine(kind)}', of which sae, topk, batchtopk, "
                    + $"jump, qsae, ratopk, "
                + $"mp and omp are known ({ClassKey})."),
        };
    }

    // Of a module its class's name; of a state dict what its tensors tell, else what the user says.
    private static string ClassOf(CheckpointFiles files, TensorFile weights)
    {
        if (weights.Metadata.TryGetValue("__class__", out string? name))
        {
            string kind = name[(name.LastIndexOf('.') + 1)..];
            return (kind.EndsWith("SAE", StringComparison.Ordinal) && kind.Length > 3 && kind is not "QSAE" ? kind[..^3]
                : kind).ToLowerInvariant();
        }

        if (Find(weights, "thresholds") is not null) return "jump";
        if (Find(weights, "Q") is not null) return "qsae";
        return files.Given.Text(ClassKey) ?? throw files.NotGiven(ClassKey, Find(weights, Encoder) is null
            && Find(weights, TiedBias) is null ? "mp" : "topk");
    }

    private static string KindOf(PretrainedOptions options) => options.Activation switch
    {
        CodeActivation.Relu => "sae",
        CodeActivation.TopK => "topk",
        CodeActivation.JumpRelu => "jump",
        CodeActivation.Levels => "qsae",
        CodeActivation.MatchingPursuit => "mp",
        _ => "omp",
    };

    private static string Normalization(CheckpointFiles files, TensorFile weights)
    {
        string? name = weights.Metadata.GetValueOrDefault("_modules.dictionary.normalization");
        if (name is not null) name = name[(name.LastIndexOf('.') + 1)..].Replace("normalize_", "",
            StringComparison.Ordinal).Replace("normalize", "", StringComparison.Ordinal);
        name = name is { Length: > 0 } ? name : files.Given.Text(NormalizationKey) ?? throw files.NotGiven(NormalizationKey, "l2");
        return name is "l2" or "max_l2" or "identity" ? name : throw new InputException(
            $"{weights.Path}: the dictionary's {NormalizationKey} is '{TensorFile.OneLine(name)}', of which l2, max_l2 and identity are "
                + $"known.");
    }

    private static void Normalize(Matrix dictionary, string normalization, float factor, string where)
    {
        if (!float.IsFinite(factor)) throw new InputException($"{where}: '{Multiplier}' has an exponential of more than a number can be.");
        double longest = 0;
        if (normalization is "max_l2")
            for (int i = 0; i < dictionary.Rows; i++) longest = Math.Max(longest, Norms.L2(dictionary.Row(i)));
        for (int i = 0; i < dictionary.Rows; i++)
        {
            Span<float> row = dictionary.Row(i);
            double divisor = normalization is "l2" ? Norms.L2(row) + NormEpsilon : normalization is "max_l2" ? Math.Max(longest,
                NormEpsilon) : 1;
            float by = (float)(factor / divisor);
            if (by != 1) TensorPrimitives.Multiply(row, by, row);
            if (!TensorPrimitives.IsFiniteAll<float>(row)) throw new InputException($"{where}: a row of the dictionary is too long to "
                + $"be normalized.");
        }
    }

    // relu(W) with rows of sum 1, times the archetypes C, plus rows of Relax that are at most delta long.
    private static void ReadArchetypes(CheckpointFiles files, TensorFile weights, Matrix dictionary)
    {
        double delta = weights.Metadata.TryGetValue("_modules.dictionary.delta", out string? kept)
            && double.TryParse(kept, NumberStyles.Float, CultureInfo.InvariantCulture, out double of) ? of
            : files.Given.Number("delta") ?? throw files.NotGiven("delta", "1");
        string shares = Required(weights, "dictionary.W"), points = Find(weights, Archetypes)!;
        int count = weights.ShapeOf(shares, 2)[1];
        using Matrix mix = new(dictionary.Rows, count), archetypes = new(count, dictionary.Columns), relax = new(dictionary.Rows,
            dictionary.Columns);
        weights.ReadRows(shares, mix);
        weights.ReadRows(points, archetypes);
        weights.ReadRows(Required(weights, "dictionary.Relax"), relax);
        for (int i = 0; i < mix.Rows; i++)
        {
            Span<float> row = mix.Row(i);
            TensorPrimitives.Max(row, 0f, row);
            TensorPrimitives.Divide(row, TensorPrimitives.Sum<float>(row) + NormEpsilon, row);
        }

        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(archetypes, transposed: false);
        product.Multiply(mix, transposed: false, dictionary);
        for (int i = 0; i < relax.Rows; i++)
        {
            double length = Norms.L2(relax.Row(i));
            float share = length == 0 ? 1 : (float)Math.Min(1, delta / length);
            TensorPrimitives.MultiplyAdd(relax.Row(i), share, dictionary.Row(i), dictionary.Row(i));
        }
    }

    private static bool FoldBatchNorm(TensorFile weights, PretrainedAutoencoder made)
    {
        if (Find(weights, "encoder.final_block.1.running_mean") is null) return false;
        float[] Vector(string name)
        {
            var values = new float[made.Latents];
            weights.ReadVector(Required(weights, $"encoder.final_block.1.{name}"), values);
            return values;
        }

        float[] scale = Vector("weight"), shift = Vector("bias"), mean = Vector("running_mean"), variance = Vector("running_var");
        for (int i = 0; i < scale.Length; i++)
        {
            float factor = scale[i] / MathF.Sqrt(variance[i] + BatchEpsilon);
            if (!float.IsFinite(factor)) throw new InputException($"{weights.Path}: 'running_var' has {variance[i]}, which no variance "
                + $"is.");
            TensorPrimitives.Multiply(made.Weights.Encoder.Row(i), factor, made.Weights.Encoder.Row(i));
            made.Weights.EncoderBias[0, i] = ((made.Weights.EncoderBias[0, i] - mean[i]) * factor) + shift[i];
        }

        return true;
    }

    private static void ReadThresholds(CheckpointFiles files, TensorFile weights, PretrainedAutoencoder made)
    {
        if (made.Threshold is null) return;
        if (Find(weights, "thresholds") is { } name)
        {
            ScaledNorms.ReadThresholds(weights, name, made.Threshold.Row(0));
            return;
        }

        const string Running = "running_threshold";
        float threshold = Find(weights, Running) is { } kept ? weights.ReadNumber(kept)
            : (float)(files.Given.Number(Running) ?? throw files.NotGiven(Running, "0.5"));
        made.Threshold.Row(0).Fill(threshold);
    }

    private static float[] Levels(TensorFile weights)
    {
        TensorInfo tensor = weights[Required(weights, "Q")];
        if (tensor.Count is < 1 or > 4096) throw new InputException($"{weights.Path}: 'Q' has {tensor.Count} levels; 1 to 4096 are read.");
        var levels = new float[tensor.Count];
        weights.ReadVector(tensor.Name, levels);
        return levels;
    }

    private static int? Attribute(TensorFile weights, string name) =>
        weights.Metadata.TryGetValue(name, out string? text) && int.TryParse(text, CultureInfo.InvariantCulture, out int value)
            ? value : null;

    private static string Required(TensorFile weights, string name) => Find(weights, name) ?? weights[name].Name;

    // A tensor by its name in a state dict; in a module saved whole the way to it goes through its attributes.
    private static string? Find(TensorFile weights, string name)
    {
        int last = name.LastIndexOf('.');
        string way = last < 0 ? "" : string.Concat(name[..last].Split('.').Select(part => $"_modules.{part}.")), leaf = name[(last + 1)..];
        return ((string[])[name, $"{way}_parameters.{leaf}", $"{way}_buffers.{leaf}", $"{way}{leaf}"])
            .FirstOrDefault(candidate => weights.Find(candidate) is not null);
    }

    private static IEnumerable<string> Candidates(CheckpointFiles files) => files.Ending(".pth", ".pt").Where(file =>
        files.FindTensors(file) is TorchFile weights && (Find(weights, Rows) is not null
            || (Find(weights, Archetypes) is not null && Find(weights, "dictionary.W") is not null)));
}
