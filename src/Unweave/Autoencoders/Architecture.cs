using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Autoencoders;

/// <summary>An architecture of autoencoders, as the registry on <see cref="AutoencoderOptions"/> lists it.</summary>
/// <param name="Name">Its name in run files, flags and checkpoints: <c>topk</c>.</param>
/// <param name="Defaults">Its settings, each at its default.</param>
internal sealed record Architecture(string Name, AutoencoderOptions Defaults)
{
    /// <summary>The name in JSON of the setting that chooses the architecture.</summary>
    internal const string Key = "architecture";

    /// <summary>Every architecture, the default one first.</summary>
    public static IReadOnlyList<Architecture> All { get; } = ReadRegistry();

    /// <summary>Those that can be trained, the default one first.</summary>
    public static IReadOnlyList<Architecture> Trainable { get; } = [.. All.Where(architecture => architecture.Defaults.Trainable)];

    /// <summary>The settings as JSON, each at its default.</summary>
    internal JsonObject DefaultsAsJson =>
        JsonSerializer.SerializeToNode(Defaults, AutoencoderJsonContract.Default.AutoencoderOptions)!.AsObject();

    /// <summary>The names of all architectures, or of those that have something, as a list in words.</summary>
    public static string NamesWhere(Func<AutoencoderOptions, bool>? has = null) =>
        string.Join(", ", All.Where(architecture => has?.Invoke(architecture.Defaults) ?? true).Select(architecture => architecture.Name));

    /// <summary>The architecture of a name, or null.</summary>
    public static Architecture? Find(string name) =>
        All.FirstOrDefault(architecture => string.Equals(architecture.Name, name, StringComparison.Ordinal));

    /// <summary>The architecture of an autoencoder's settings.</summary>
    public static Architecture From(AutoencoderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return All.First(architecture => architecture.Defaults.GetType() == options.GetType());
    }

    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "The generated contract calls each constructor, which keeps it.")]
    private static Architecture[] ReadRegistry() =>
    [
        .. AutoencoderJsonContract.Default.AutoencoderOptions.PolymorphismOptions!.DerivedTypes.Select(derived =>
            new Architecture((string)derived.TypeDiscriminator!, (AutoencoderOptions)Activator.CreateInstance(derived.DerivedType)!)),
    ];
}
