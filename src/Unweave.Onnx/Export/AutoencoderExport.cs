using System.Globalization;
using Google.Protobuf;
using Unweave.Autoencoders;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Export;

/// <summary>Writes autoencoders as ONNX graphs, for any program that runs such.</summary>
internal static class AutoencoderExport
{
    /// <summary>The graph from vectors to latents, that from latents to vectors, and both in one.</summary>
    public const string EncodeName = "encode.onnx", DecodeName = "decode.onnx", BothName = "autoencoder.onnx";

    /// <summary>The weights of all three.</summary>
    public const string WeightsName = "weights.bin";

    private const int Alignment = 4096, External = 1, Float = 1; // aligned so that runtimes map the weights

    /// <summary>Writes the graphs and their weights.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="folder">A folder that exists.</param>
    /// <exception cref="InputException">Its formula is none that operators express row by row; the message names what.</exception>
    public static void Write(SparseAutoencoder autoencoder, string folder)
    {
        AutoencoderGraph[] graphs =
        [
            AutoencoderGraph.Of(autoencoder, encodes: true, decodes: false),
            AutoencoderGraph.Of(autoencoder, encodes: false, decodes: true),
            AutoencoderGraph.Of(autoencoder, encodes: true, decodes: true),
        ];
        try
        {
            Dictionary<string, TensorProto> tensors = WriteWeights(graphs, Path.Combine(folder, WeightsName));
            foreach ((AutoencoderGraph graph, string name) in graphs.Zip([EncodeName, DecodeName, BothName]))
            {
                ModelProto model = graph.Model;
                foreach (string weight in graph.Weights.Keys) model.Graph.Initializer.Add(tensors[weight]);
                AtomicFile.Write(Path.Combine(folder, name), stream => model.WriteTo(stream));
            }
        }
        finally
        {
            foreach (AutoencoderGraph graph in graphs)
                foreach (Matrix made in graph.Made) made.Dispose();
        }
    }

    private static Dictionary<string, TensorProto> WriteWeights(AutoencoderGraph[] graphs, string path)
    {
        var tensors = new Dictionary<string, TensorProto>(StringComparer.Ordinal);
        AtomicFile.Write(path, stream =>
        {
            tensors.Clear();
            long offset = 0;
            foreach ((string name, (int rows, int columns, Matrix value)) in graphs.SelectMany(graph => graph.Weights))
            {
                if (tensors.ContainsKey(name)) continue;
                var tensor = new TensorProto { Name = name, DataType = Float, DataLocation = External };
                if (rows > 1) tensor.Dims.Add(rows);
                tensor.Dims.Add(columns);
                long length = value.Count * sizeof(float);
                foreach ((string key, string text) in ((string, string)[])
                [
                    ("location", WeightsName), ("offset", offset.ToString(CultureInfo.InvariantCulture)),
                    ("length", length.ToString(CultureInfo.InvariantCulture)),
                ])
                    tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = text });
                tensors.Add(name, tensor);
                for (long written = 0; written < length;)
                {
                    ReadOnlySpan<byte> block = value.Bytes(written);
                    stream.Write(block);
                    written += block.Length;
                }

                long padding = -length & (Alignment - 1);
                stream.Write(new byte[padding]);
                offset += length + padding;
            }
        });
        return tensors;
    }
}
