using System.Security.Cryptography;
using System.Text;

namespace Unweave.Onnx;

/// <summary>
/// What a file's content must hash to: the SHA-256 of a large (LFS) file, or the name that git gives a small one, the SHA-1 of <c>blob
/// SIZE\0</c> and the content.
/// </summary>
internal sealed record HubChecksum
{
    private const int BlockBytes = 1 << 18;

    private readonly bool git;

    private HubChecksum(bool git, string hex) => (this.git, Hex) = (git, hex);

    /// <summary>The sum, in lower-case hexadecimal.</summary>
    public string Hex { get; }

    /// <summary>True for a git SHA-1.</summary>
    public bool IsGit => git;

    /// <summary>A sum of 64 digits (SHA-256) or 40 (git SHA-1); null for anything else.</summary>
    public static HubChecksum? Parse(string? hex) =>
        hex is { Length: 64 or 40 } && hex.All(char.IsAsciiHexDigit) ? new HubChecksum(hex.Length == 40, hex.ToLowerInvariant()) : null;

    /// <summary>The same kind of sum of a file.</summary>
    public async Task<HubChecksum> Compute(string path, CancellationToken cancellationToken)
    {
        using FileStream file = new(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read | FileShare.Delete,
            bufferSize: 0,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(git ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        if (git) hash.AppendData(Encoding.ASCII.GetBytes($"blob {file.Length}\0"));
        byte[] block = new byte[BlockBytes];
        int read;
        while ((read = await file.ReadAsync(block, cancellationToken)) > 0) hash.AppendData(block.AsSpan(0, read));
        return new HubChecksum(git, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>The kind and the sum, for messages.</summary>
    public override string ToString() => $"{(git ? "git SHA-1" : "SHA-256")} {Hex}";
}
