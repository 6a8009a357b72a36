using System.Globalization;
using System.Runtime.InteropServices;
using Unweave.Autoencoders;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// crosscoder_learning: one state dict, <c>ae.pt</c>. h = relu(Σ_l x̄_l W_l + b); BatchTopK keeps h where h times the norm of its code
/// is above the threshold, the norm by <c>code_normalization_id</c>; x̄ = (x − mean)·scale of a layer, undone at the output.
/// </summary>
internal sealed class CrosscoderLearningDialect : IDialect
{
    private const string WeightsName = "ae.pt", NormName = "code_normalization_id", MeanName = "activation_mean",
        DeviationName = "activation_std",
        ScaleName = "activation_global_scale", RmsName = "target_rms", IdFact = "code normalization";
    private const int OfParts = 1, Joint = 2, None = 4, Decoupled = 5;

    /// <inheritdoc/>
    public string Name => "crosscoder_learning";

    /// <inheritdoc/>
    public string Title => "crosscoder_learning";

    /// <inheritdoc/>
    public string Signature => $"a .pt with encoder.weight, decoder.weight and {MeanName}";

    /// <inheritdoc/>
    public bool Recognizes(CheckpointFiles files) => Candidates(files).Any();

    /// <inheritdoc/>
    public SparseAutoencoder Read(CheckpointFiles files)
    {
        TensorFile weights = files.Tensors(PretrainedReading.TheOne(files, Candidates(files)));
        bool single = weights.Has("encoder.weight", 2);
        int[] shape = single ? [1, .. weights.ShapeOf("encoder.weight", 2).Reverse()] : weights.ShapeOf("encoder.weight", 3);
        (int layers, int width, int n) = (shape[0], shape[1], shape[2]);
        if ((long)layers * Math.Max(n, width) > int.MaxValue) throw new InputException($"{weights.Path}: 'encoder.weight' is too large.");
        int id = weights.Find(NormName) is null ? None : (int)weights.ReadNumber(NormName);
        bool normalizes = Normalizes(weights), jumps = weights.Find("threshold") is not null;
        var facts = new Dictionary<string, string>(StringComparer.Ordinal) { [IdFact] = id.ToString(CultureInfo.InvariantCulture) };
        if (weights.Find("k") is { Count: 1 }) facts["k"] = weights.ReadNumber("k").ToString("R", CultureInfo.InvariantCulture);
        string[] conventions =
        [
            single ? "b_dec is subtracted from the input" : "b_dec is not subtracted from the input",
            .. jumps ? (string[])[$"codes are selected by their values times norms ({IdFact} {id})"] : [],
            .. normalizes ? (string[])["inputs are normalized by means and factors of the data set, which is undone at the output"] : [],
        ];
        if (!single && id == Decoupled && jumps)
        {
            var options = new MultilayerOptions
            {
                Layers = layers,
                Latents = layers * n,
                Activation = LayerActivation.JumpRelu,
                SharedEncoder = true,
                Weighed = true,
                Normalizes = normalizes,
            };
            return PretrainedReading.Make<MultilayerAutoencoder>(options, layers * width, layers * width, [weights], made =>
            {
                weights.ReadTransposed("encoder.weight", made.Encoders[0], 0);
                weights.ReadVector("encoder.bias", made.EncoderBiases[0].Row(0));
                weights.ReadVector("decoder.bias", made.DecoderBias.Row(0));
                var thresholds = new float[layers];
                weights.ReadVector("threshold", thresholds);
                CheckDecoder(weights, layers, n, width);
                for (int layer = 0; layer < layers; layer++)
                {
                    weights.ReadRows("decoder.weight", made.Blocks[layer][0], (long)layer * n * width);
                    made.Thresholds![layer].Row(0).Fill(thresholds[layer]);
                }

                if (normalizes) ReadNormalization(weights, layers, width, made.NormMean!, made.NormScale!, made.RestoreScale!,
                    made.RestoreMean!);
                made.Origin = new Origin(Name, conventions) { Facts = facts };
            });
        }

        return PretrainedReading.Make<PretrainedAutoencoder>(Options(weights, id, layers, n, single, jumps, normalizes),
            layers * width, layers * width, [weights], made =>
        {
            if (single) weights.ReadRows("encoder.weight", made.Weights.Encoder);
            else weights.ReadTransposed("encoder.weight", made.Weights.Encoder, 0);
            weights.ReadVector("encoder.bias", made.Weights.EncoderBias.Row(0));
            weights.ReadVector(single ? "b_dec" : "decoder.bias", made.Weights.DecoderBias.Row(0));
            if (single)
            {
                weights.ReadTransposed("decoder.weight", made.Weights.Decoder);
            }
            else
            {
                CheckDecoder(weights, layers, n, width);
                weights.ReadEach("decoder.weight", layers * n, width, 0, (row, values) =>
                    values.CopyTo(made.Weights.Decoder.Row(row % n).Slice(row / n * width, width)));
            }

            made.Threshold?.Row(0).Fill(weights.ReadNumber("threshold"));
            if (normalizes) ReadNormalization(weights, layers, width, made.NormMean!, made.NormScale!, made.RestoreScale!,
                made.RestoreMean!);
            made.Origin = new Origin(Name, conventions) { Facts = facts };
        });
    }

    /// <inheritdoc/>
    public void Write(SparseAutoencoder autoencoder, string folder)
    {
        PickledDictionary content = autoencoder is MultilayerAutoencoder layers ? Decoupling(layers) : Joined(autoencoder);
        TorchWriter.Write(Path.Combine(folder, WeightsName), content);
    }

    private static PretrainedOptions Options(TensorFile weights, int id, int layers, int n, bool single, bool jumps, bool normalizes)
    {
        LatentWeight weight = LatentWeight.None;
        if (jumps && !single)
        {
            weight = id switch
            {
                OfParts => LatentWeight.NormsOfParts,
                Joint => LatentWeight.Norm,
                None => LatentWeight.None,
                _ => throw new InputException(
                    $"{weights.Path}: {NormName} is {id}, whose norms are not known (its weights are not stored)."),
            };
        }

        return new PretrainedOptions
        {
            Latents = n,
            Activation = jumps ? CodeActivation.JumpRelu : CodeActivation.Relu,
            Centered = single,
            Parts = layers,
            Weight = weight,
            Normalization = normalizes ? InputNormalization.Elements : InputNormalization.None,
            Restores = normalizes,
        };
    }

    private PickledDictionary Joined(SparseAutoencoder autoencoder)
    {
        GeneralForm form = GeneralForm.Of(autoencoder, Title);
        form.Require(CodeActivation.Relu, CodeActivation.JumpRelu);
        form.FoldScales();
        form.FoldLatentScale();
        bool single = form.Options.Parts == 1;
        if (single || form.Options.GivesWeighed) form.FoldWeight();
        form.RefuseAllBut("parts", "weight", "normalization", "tied");
        form.RequireSquare();
        bool normalizes = form.Options.Normalization == InputNormalization.Elements;
        if ((!normalizes || !form.Options.Restores) && form.Options.Normalization != InputNormalization.None)
            throw form.Refuse($"normalization {form.Options.Normalization}",
                "it has means and factors of the data set, undone at the output");
        float threshold = form.Thresholds.FirstOrDefault();
        if (form.Thresholds.Any(value => value != threshold)) throw form.Refuse("a threshold for each latent", "it has one for all");
        if (single && form.Options.Activation == CodeActivation.Relu) threshold = 0;
        int layers = form.Options.Parts, width = form.InputWidth / layers;
        if (single && form.Options is { Activation: CodeActivation.JumpRelu, Centered: false })
            throw form.Refuse("thresholds of an encoder that does not subtract b_dec",
                "its encoder does, and folding that could move a decision");
        form.Center(single);
        var content = new PickledDictionary();
        void Add(TensorToWrite tensor) => content.Add((tensor.Info.Name, tensor));
        Add(Reshaped(form.Encoder("encoder.weight", rows: single), single ? [form.Latents, width] : [layers, width, form.Latents]));
        Add(TensorToWrite.From("encoder.bias", form.Bias));
        if (single)
        {
            Add(form.Decoder("decoder.weight", rows: false));
            Add(TensorToWrite.From("b_dec", form.DecoderBias));
        }
        else
        {
            Add(Split("decoder.weight", form, layers, width));
            Add(TensorToWrite.From("decoder.bias", form.DecoderBias, [layers, width]));
            int id = form.Options.Weight switch { LatentWeight.Norm => Joint, LatentWeight.NormsOfParts => OfParts, _ => None };
            bool kept = form.Options.Activation == CodeActivation.Relu && DialectWriting.Fact(autoencoder, IdFact) is not null;
            long number = kept ? long.Parse(DialectWriting.Fact(autoencoder, IdFact)!, CultureInfo.InvariantCulture) : id;
            Add(TensorToWrite.From(NormName, [number], []));
        }

        PretrainedAutoencoder? own = form.Pretrained;
        AddNormalization(Add, layers, width, single, normalizes ? own!.NormMean : null, normalizes ? own!.NormScale : null, form.Refuse);
        if (!single && form.Options.Activation != CodeActivation.JumpRelu) return content;
        Add(DialectWriting.Number("k", K(autoencoder)));
        Add(DialectWriting.Number("threshold", threshold));
        return content;
    }

    private PickledDictionary Decoupling(MultilayerAutoencoder autoencoder)
    {
        MultilayerOptions options = autoencoder.Options;
        int layers = options.Layers, width = autoencoder.InputWidth / layers, n = options.LatentsOfLayer;
        InputException Refuse(string setting, string why) => new($"This autoencoder has {setting}, which {Title} cannot say: {why}.");
        if (!options.SharedEncoder || options.WritesLater) throw Refuse("an encoder for each layer", "its crosscoders have one for all");
        if (options.Activation != LayerActivation.JumpRelu
            || !options.Weighed) throw Refuse($"the activation {options.Activation} of a layer's own",
                "its layers select by thresholds and norms");
        if (autoencoder.InputScale != 1 || autoencoder.OutputScale != 1) throw Refuse("input_scale",
            "its layers have factors of their own");
        if (autoencoder.InputWidth != autoencoder.OutputWidth) throw Refuse($"outputs of width {autoencoder.OutputWidth}",
            "they are as wide as inputs");
        var thresholds = new float[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            thresholds[layer] = autoencoder.Thresholds![layer][0, 0];
            if (autoencoder.Thresholds[layer].Row(0).ContainsAnyExcept(thresholds[layer])) throw Refuse("a threshold for each latent",
                "it has one for each layer");
        }

        var content = new PickledDictionary();
        void Add(TensorToWrite tensor) => content.Add((tensor.Info.Name, tensor));
        Add(Reshaped(GeneralForm.Tensor("encoder.weight", autoencoder.Encoders[0], null, 1, rows: false), [layers, width, n]));
        Add(TensorToWrite.From("encoder.bias", autoencoder.EncoderBiases[0].Row(0).ToArray()));
        Add(TensorToWrite.Made("decoder.weight", ElementType.Float32, [layers, n, width], take =>
        {
            foreach (IReadOnlyList<Matrix> own in autoencoder.Blocks) TensorToWrite.From("", own[0]).Emit(take);
        }));
        Add(TensorToWrite.From("decoder.bias", autoencoder.DecoderBias.Row(0).ToArray(), [layers, width]));
        Add(TensorToWrite.From(NormName, [(long)Decoupled], []));
        AddNormalization(Add, layers, width, single: false, autoencoder.NormMean, autoencoder.NormScale, Refuse);
        Add(DialectWriting.Number("k", K(autoencoder)));
        Add(TensorToWrite.From("threshold", thresholds));
        return content;
    }

    // Means are NaN where inputs come as they are.
    private static bool Normalizes(TensorFile weights)
    {
        TensorInfo tensor = weights[MeanName];
        var first = new float[Math.Min(tensor.Count, 1)];
        weights.Read(tensor, 0, first);
        return first.Length == 1 && !float.IsNaN(first[0]);
    }

    private static void ReadNormalization(
        TensorFile weights, int layers, int width, Matrix mean, Matrix scale, Matrix restoreScale, Matrix restoreMean)
    {
        weights.ReadVector(MeanName, mean.Row(0));
        mean.Row(0).CopyTo(restoreMean.Row(0));
        var factors = new float[layers];
        weights.ReadVector(ScaleName, factors);
        for (int layer = 0; layer < layers; layer++)
        {
            float factor = factors[layer], inverse = (float)(1 / (factor + 1e-8));
            if (!float.IsFinite(inverse)) throw new InputException($"{weights.Path}: '{ScaleName}' has {factor}, which cannot be undone.");
            scale.Row(0).Slice(layer * width, width).Fill(factor);
            restoreScale.Row(0).Slice(layer * width, width).Fill(inverse);
        }
    }

    private static void AddNormalization(
        Action<TensorToWrite> add, int layers, int width, bool single, Matrix? mean, Matrix? scale, Func<string, string,
            InputException> refuse)
    {
        long[] shape = single ? [width] : [layers, width];
        var means = new float[layers * width];
        var factors = new float[layers];
        Array.Fill(means, float.NaN);
        Array.Fill(factors, 1);
        if (mean is not null)
        {
            mean.Row(0).CopyTo(means);
            for (int layer = 0; layer < layers; layer++)
            {
                factors[layer] = scale![0, layer * width];
                if (scale.Row(0).Slice(layer * width, width).ContainsAnyExcept(factors[layer]))
                    throw refuse("a factor for each number of an input", "it has one for each layer");
            }
        }

        var ones = new float[layers * width];
        Array.Fill(ones, mean is null ? float.NaN : 1);
        add(TensorToWrite.From(MeanName, means, shape));
        add(TensorToWrite.From(DeviationName, ones, shape));
        add(TensorToWrite.From(ScaleName, factors, single ? [] : [layers]));
        add(DialectWriting.Number(RmsName, 1f));
    }

    private static void CheckDecoder(TensorFile weights, int layers, int n, int width)
    {
        int[] found = weights.ShapeOf("decoder.weight", 3);
        if (found[0] != layers || found[1] != n || found[2] != width)
            throw new InputException($"{weights.Path}: 'decoder.weight' has shape [{string.Join(", ", found)}] where "
                + $"[{layers}, {n}, {width}] is due.");
    }

    private static TensorToWrite Reshaped(TensorToWrite tensor, long[] shape) =>
        TensorToWrite.Made(tensor.Info.Name, tensor.Info.Type, shape, tensor.Emit);

    // [n, layers·d] as [layers, n, d].
    private static TensorToWrite Split(string name, GeneralForm form, int layers, int width) =>
        TensorToWrite.Made(name, ElementType.Float32, [layers, form.Latents, width], take =>
        {
            for (int layer = 0; layer < layers; layer++)
                for (int row = 0; row < form.Latents; row++)
                    take(MemoryMarshal.AsBytes(form.DecoderRow(row).AsSpan(layer * width, width)));
        });

    private static int K(SparseAutoencoder autoencoder) => int.TryParse(DialectWriting.Fact(autoencoder, "k"), out int k) && k > 0 ? k : 1;

    private static IEnumerable<string> Candidates(CheckpointFiles files) => files.Ending(".pt", ".pth").Where(file =>
        files.FindTensors(file) is TorchFile weights && weights.HasAll(MeanName, ScaleName, "encoder.weight", "decoder.weight"));
}
