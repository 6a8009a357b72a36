using System.Net;

namespace Unweave.Onnx;

/// <summary>
/// Says what an answer without content means: which of name, revision, file, token or conditions is at fault, and what to do.
/// </summary>
internal static class HubRefusal
{
    /// <summary>The failure that an answer is, or null where it has content.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="options">The hub and whether there is a token.</param>
    /// <param name="name">The model.</param>
    /// <param name="revision">The revision or commit.</param>
    /// <param name="path">The file, or null where the list of files was asked for.</param>
    public static Exception? Explain(HubAnswer answer, HubOptions options, string name, string revision, string? path)
    {
        if (answer.Status is HttpStatusCode.OK or HttpStatusCode.PartialContent) return null;
        string status = $"{(int)answer.Status} {answer.Status}";
        switch ((int)answer.Status)
        {
            case 408 or 429 or >= 500 and not (501 or 505):
                return new HubFault($"{answer.Host} answers {status}") { RetryAfter = answer.RetryAfter };
            case 401 or 403 when !answer.AtHub:
                // Addresses of content are good for some minutes: the next attempt gets a new one from the hub.
                return new HubFault($"{answer.Host} answers {status}");
        }

        if (!answer.AtHub)
        {
            return new InputException($"{name}: {answer.Host}, where the hub has {HubName.Shown(path ?? "its list")}, answers {status}; "
                + $"pull again later.");
        }

        string hub = options.Endpoint.Host;
        bool token = options.Token is not null;
        string message = (answer.Notes.ErrorCode, (int)answer.Status) switch
        {
            ("GatedRepo", _) =>
                $"{name} is gated: agree to its conditions on {options.Endpoint.AbsoluteUri.TrimEnd('/')}/{name}, "
                    + $"{(token ? "with the account whose token HF_TOKEN holds" : "and set HF_TOKEN to a token of that account")} "
                        + $"({status}).",
            ("RevisionNotFound", _) =>
                $"{name} has no revision '{revision}' on {hub}; --revision takes one of its branches, tags or commits ({status}).",
            ("EntryNotFound", _) or (not "RepoNotFound", 404) when path is not null =>
                $"{name} has no file {HubName.Shown(path)} at {revision} on {hub}, though it was listed; pull again later ({status}).",
            ("RepoNotFound", _) or (_, 404) =>
                $"{hub} has no model {name} that {(token ? "the token in HF_TOKEN may read" : "is public")}; check the name "
                    + $"(owner/name){(token ? "" : ", or set HF_TOKEN if the model is private")} ({status}).",
            (_, 401) => token
                ? $"{hub} does not take the token in HF_TOKEN for {name}; it may have expired, so make a new one or unset it ({status})."
                : $"{hub} wants a token for {name}, as it does for private models and for names that it does not know; check the name "
                    + $"(owner/name), or set HF_TOKEN ({status}).",
            (_, 403) => $"{hub} does not let {(token ? "the token in HF_TOKEN" : "anybody without a token")} read {name}; "
                + $"{(token ? "give the token the right to read it, or" : "set HF_TOKEN, and")} agree to the model's conditions on its "
                    + $"page ({status}).",
            _ => $"{hub} answers {status} to a request for {name}; check that UNWEAVE_HUB or HF_ENDPOINT is the address of a hub.",
        };
        return new InputException(message);
    }
}
