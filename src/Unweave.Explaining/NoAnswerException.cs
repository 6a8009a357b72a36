namespace Unweave.Explaining;

/// <summary>A latent gets no label, for a reason that is told.</summary>
internal sealed class NoAnswerException(string reason, bool ofServer, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>Whether the server failed, rather than gave an answer that is of no use.</summary>
    public bool OfServer => ofServer;
}
