using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace Unweave.Apps.Tests.House;

/// <summary>
/// Data flows down the floors: an assembly, and a namespace of the core, uses only what its row of docs/architecture.md lists.
/// </summary>
public sealed class FloorTests
{
    private static readonly string[] Core =
    [
        "Characters", "Numerics", "Projection", "Formats", "Data", "Autoencoders", "Retrieval", "Hosts", "Checkpoints", "Training",
            "Evaluation",
        "Interpretation", "Runs", "Indexing",
    ];

    private static readonly Dictionary<string, string[]> Namespaces = new(StringComparer.Ordinal)
    {
        ["Characters"] = [],
        ["Numerics"] = [],
        ["Projection"] = ["Numerics"],
        ["Formats"] = ["Numerics"],
        ["Data"] = ["Numerics", "Formats"],
        ["Autoencoders"] = ["Numerics"],
        ["Retrieval"] = ["Characters", "Numerics", "Formats"],
        ["Hosts"] = ["Numerics", "Formats", "Data"],
        ["Checkpoints"] = ["Numerics", "Formats", "Autoencoders"],
        ["Training"] = ["Numerics", "Formats", "Data", "Autoencoders", "Checkpoints"],
        ["Evaluation"] = ["Numerics", "Data", "Autoencoders", "Hosts"],
        ["Interpretation"] = ["Numerics", "Data", "Autoencoders", "Hosts"],
        ["Runs"] = [.. Core.Except(["Indexing"], StringComparer.Ordinal)],
        ["Indexing"] = [.. Core],
    };

    // Which assemblies each uses, and which namespaces of the core.
    private static readonly Dictionary<string, (string[] Assemblies, string[] Core)> Uses = new(StringComparer.Ordinal)
    {
        ["Unweave"] = ([], Core),
        ["Unweave.Onnx"] = (["Unweave"],
            ["Characters", "Numerics", "Formats", "Data", "Autoencoders", "Hosts", "Checkpoints", "Runs", "Indexing"]),
        ["Unweave.Catalog"] = (["Unweave"],
            ["Numerics", "Formats", "Projection", "Autoencoders", "Hosts", "Evaluation", "Interpretation", "Runs", "Retrieval"]),
        ["Unweave.Explaining"] = (["Unweave", "Unweave.Catalog"], ["Numerics", "Interpretation"]),
        ["Unweave.Extensions"] = (["Unweave"], ["Numerics", "Hosts"]),
        ["Unweave.VectorData"] = (["Unweave"], ["Numerics", "Autoencoders", "Retrieval", "Indexing"]),
        ["Unweave.Postgres"] = (["Unweave"], ["Formats", "Retrieval"]),
        ["Unweave.Sweeps"] = (["Unweave"], ["Runs"]),
        ["Unweave.Components"] = (["Unweave"], ["Interpretation"]),
        ["Unweave.Learn"] = (["Unweave", "Unweave.Components"], Core),
        ["Unweave.Web"] = (
            ["Unweave", "Unweave.Onnx", "Unweave.Catalog", "Unweave.Explaining", "Unweave.Components", "Unweave.Learn"], Core),
        ["Unweave.Cli"] = (
            ["Unweave", "Unweave.Onnx", "Unweave.Catalog", "Unweave.Explaining", "Unweave.Learn", "Unweave.Sweeps", "Unweave.Web"], Core),
    };

    private static readonly Architecture House = new ArchLoader().LoadAssemblies([.. Assemblies.Names.Select(Assemblies.Load)]).Build();

    public static TheoryData<string> Floors => [.. Namespaces.Keys];

    public static TheoryData<string> Built => [.. Assemblies.Names];

    [Theory]
    [MemberData(nameof(Floors))]
    public void A_namespace_uses_only_what_its_row_lists(string floor)
    {
        string[] allowed = [floor, .. Namespaces[floor]];
        IEnumerable<IType> own = House.Types.Where(type => string.Equals(FloorOf(type), floor, StringComparison.Ordinal));
        AssertNone(Dependencies(own)
            .Where(pair => FloorOf(pair.Target) is { } target && !allowed.Contains(target, StringComparer.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Built))]
    public void An_assembly_uses_only_what_its_row_lists(string assembly)
    {
        (string[] assemblies, string[] core) = Uses[assembly];
        string[] referenced = [.. Assemblies.Load(assembly).GetReferencedAssemblies().Select(reference => reference.Name!)];
        Assert.Empty(referenced.Where(name => Assemblies.Names.Contains(name, StringComparer.Ordinal))
            .Except(assemblies, StringComparer.Ordinal));
        IType[] own = [.. House.Types.Where(type => string.Equals(type.Assembly.Name.Split(',')[0], assembly, StringComparison.Ordinal))];
        Assert.NotEmpty(own);
        AssertNone(Dependencies(own).Where(pair => FloorOf(pair.Target) is { } target && !core.Contains(target, StringComparer.Ordinal)));
    }

    [Fact]
    public void Every_namespace_of_the_core_and_every_assembly_has_a_row()
    {
        List<string> found = [.. House.Types.Select(FloorOf).OfType<string>().Distinct(StringComparer.Ordinal)];
        Assert.True(found.Count >= 6, string.Join(", ", found));
        Assert.Empty(found.Except(Namespaces.Keys, StringComparer.Ordinal));
        Assert.True(Assemblies.Names.Count >= 5, string.Join(", ", Assemblies.Names));
        Assert.Empty(Assemblies.Names.Except(Uses.Keys, StringComparer.Ordinal));
    }

    private static IEnumerable<(IType Type, IType Target)> Dependencies(IEnumerable<IType> types) => types
        .SelectMany(type => type.Dependencies.Select(dependency => (Type: type, dependency.Target)))
        .Where(pair => pair.Target is not GenericParameter);

    private static void AssertNone(IEnumerable<(IType Type, IType Target)> pairs)
    {
        string[] wrong = [.. pairs.Select(pair => $"{pair.Type.FullName} uses {pair.Target.FullName}").Distinct(StringComparer.Ordinal)];
        Assert.True(wrong.Length == 0, string.Join("\n", wrong));
    }

    // "Unweave.Numerics.Kernels" is on the floor of Numerics; the root namespace is open to all, and so are other assemblies here.
    private static string? FloorOf(IType type)
    {
        string[] parts = type.Namespace?.FullName.Split('.') ?? [];
        return parts is ["Unweave", var floor, ..] && !Uses.ContainsKey($"Unweave.{floor}") ? floor : null;
    }
}
