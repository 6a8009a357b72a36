using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;

namespace Unweave.Cli;

/// <summary>Notes beside an autoencoder which model and hook its activations came from.</summary>
internal static class TrainedOn
{
    /// <summary>Writes the note for activations of a harvest.</summary>
    /// <param name="folder">The autoencoder's folder.</param>
    /// <param name="harvest">The harvest.</param>
    /// <param name="hook">The hook trained on.</param>
    public static void Write(string folder, Harvest harvest, string hook)
    {
        HarvestManifest manifest = harvest.Manifest;
        Write(folder, new HostReference(manifest.Model.Name, manifest.Model.Sha256, manifest.Tokenizer.Name, manifest.Tokenizer.Sha256, hook, manifest.ContextLength, manifest.KeepsStart));
    }

    /// <summary>Writes the note.</summary>
    public static void Write(string folder, HostReference reference) => AtomicFile.Write(Path.Combine(folder, HostReference.FileName), stream => stream.Write(reference.ToJson()));
}
