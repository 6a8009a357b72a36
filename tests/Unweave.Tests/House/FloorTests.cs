using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace Unweave.Tests.House;

/// <summary>Data flows down the floors: a namespace uses only what its row of the table in docs/architecture.md lists.</summary>
public sealed class FloorTests
{
    private static readonly Dictionary<string, string[]> Uses = new(StringComparer.Ordinal)
    {
        ["Numerics"] = [],
        ["Projection"] = ["Numerics"],
        ["Formats"] = ["Numerics"],
        ["Data"] = ["Numerics", "Formats"],
        ["Autoencoders"] = ["Numerics"],
        ["Retrieval"] = ["Numerics", "Formats"],
        ["Hosts"] = ["Numerics", "Formats", "Data"],
        ["Checkpoints"] = ["Numerics", "Formats", "Autoencoders"],
        ["Training"] = ["Numerics", "Formats", "Data", "Autoencoders", "Checkpoints"],
        ["Evaluation"] = ["Numerics", "Data", "Autoencoders", "Hosts"],
        ["Interpretation"] = ["Numerics", "Data", "Autoencoders", "Hosts"],
    };

    private static readonly Architecture House = new ArchLoader().LoadAssemblies(typeof(Unweave.Numerics.Matrix).Assembly).Build();

    public static TheoryData<string> Floors => [.. Uses.Keys];

    [Theory]
    [MemberData(nameof(Floors))]
    public void A_namespace_uses_only_what_its_row_lists(string floor)
    {
        string[] allowed = [floor, .. Uses[floor]];
        List<string> wrong =
        [
            .. House.Types
                .Where(type => FloorOf(type) is { } own && string.Equals(own, floor, StringComparison.Ordinal))
                .SelectMany(type => type.Dependencies.Select(dependency => (type, target: dependency.Target)))
                .Where(pair => pair.target is not GenericParameter && FloorOf(pair.target) is { } target && !allowed.Contains(target, StringComparer.Ordinal))
                .Select(pair => $"{pair.type.FullName} uses {pair.target.FullName}")
                .Distinct(StringComparer.Ordinal),
        ];
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void Every_namespace_has_a_row()
    {
        List<string> found = [.. House.Types.Select(FloorOf).OfType<string>().Distinct(StringComparer.Ordinal)];
        Assert.True(found.Count >= 6, string.Join(", ", found));
        Assert.Empty(found.Except(Uses.Keys, StringComparer.Ordinal));
    }

    // "Unweave.Numerics.Kernels" is on the floor of Numerics; the root namespace is open to all.
    private static string? FloorOf(IType type)
    {
        string[] parts = type.Namespace?.FullName.Split('.') ?? [];
        return parts is ["Unweave", var floor, ..] ? floor : null;
    }
}
