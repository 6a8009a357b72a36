using System.Reflection;
using Unweave.Learn;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The C# shown beside demonstrations runs, and prints what its comments say.</summary>
public sealed class SnippetTests
{
    /// <summary>Every class of lines.</summary>
    public static TheoryData<string> Names =>
        [.. typeof(SnippetSource).Assembly.GetTypes()
        .Where(type => string.Equals(type.Namespace, "Unweave.Learn.Snippets", StringComparison.Ordinal) && !type.IsNested)
        .Select(type => type.Name).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void LinesPrintWhatTheySay(string name)
    {
        string shown = SnippetSource.Read(name);
        using var printed = new StringWriter { NewLine = "\n" };
        Type type = typeof(SnippetSource).Assembly.GetType($"Unweave.Learn.Snippets.{name}", throwOnError: true)!;
        type.GetMethod("Run", BindingFlags.Public | BindingFlags.Static)!.Invoke(null, [printed]);

        string[] said =
            [.. shown.Split('\n').Where(line => line.Contains("Console.WriteLine", StringComparison.Ordinal))
            .Select(line => line[(line.LastIndexOf("// ", StringComparison.Ordinal) + 3)..].Trim())];
        Assert.NotEmpty(said);
        Assert.Equal(said, printed.ToString().Trim().Split('\n').Select(line => line.Trim()), StringComparer.Ordinal);
    }
}
