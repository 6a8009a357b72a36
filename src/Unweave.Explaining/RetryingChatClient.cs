using System.ClientModel;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Unweave.Explaining;

/// <summary>Asks a chat model, waits where it is busy, asks again where it fails or answers nonsense, and remembers every answer.</summary>
internal sealed partial class RetryingChatClient(IChatClient client, string model, AnswerCache answers, ExplainOptions options)
{
    private const int LongestAnswer = 100_000, LongestWords = 200;

    private int requests, remembered;

    /// <summary>Requests sent.</summary>
    public int Requests => requests;

    /// <summary>Answers that were there before.</summary>
    public int Remembered => remembered;

    /// <summary>Asks until an answer makes sense.</summary>
    /// <param name="question">The question.</param>
    /// <param name="read">Makes sense of an answer, or null.</param>
    /// <param name="cancellationToken">Ends the asking; an answer that is under way is waited for a while and kept.</param>
    /// <exception cref="NoAnswerException">No answer came, or none that makes sense.</exception>
    /// <exception cref="InputException">The server takes no question at all: a wrong key, address or model.</exception>
    public async Task<T> Ask<T>(ChatQuestion question, Func<string, T?> read, CancellationToken cancellationToken)
        where T : class
    {
        string reason = "";
        // A second try at sense is often enough; more would mostly be paid for nothing.
        for (int attempt = 0; attempt < Math.Min(2, options.Attempts); attempt++)
        {
            string? kept = answers.Find(question, attempt);
            (string Text, bool IsCut) answer = kept is null ? await Send(question, cancellationToken) : (kept, false);
            if (kept is not null) Interlocked.Increment(ref remembered);
            T? sense = read(answer.Text);
            // An answer that was cut off before it said anything is no answer: the next run asks again.
            if (kept is null && (sense is not null || !answer.IsCut)) answers.Keep(question, attempt, answer.Text);
            cancellationToken.ThrowIfCancellationRequested();
            if (sense is not null) return sense;
            reason = answer.IsCut ? $"the answer was cut off after {options.AnswerTokens} tokens, before it said anything"
                : RefusedAnswer.Is(answer.Text) ? "the model refused" : "the answer made no sense";
        }

        throw new NoAnswerException(reason, ofServer: false);
    }

    private async Task<(string Text, bool IsCut)> Send(ChatQuestion question, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            TimeSpan pause = TimeSpan.FromTicks(Math.Min(options.LongestPause.Ticks, options.Pause.Ticks << Math.Min(attempt - 1, 20)));
            (string reason, Exception cause) failure;
            using var limit = new CancellationTokenSource(options.Timeout, options.Time);
            // An interrupted run still takes in what is under way, because it is paid for.
            using CancellationTokenRegistration interrupted = cancellationToken.UnsafeRegister(_ => Shorten(limit), null);
            try
            {
                Interlocked.Increment(ref requests);
                ChatMessage[] messages = [new(ChatRole.System, question.Instructions), new(ChatRole.User, question.Text)];
                ChatResponse response = await client.GetResponseAsync(
                    messages, new ChatOptions { MaxOutputTokens = options.AnswerTokens }, limit.Token);
                // What counts is at the end of an answer.
                string text = response.Text is { Length: > LongestAnswer } endless ? endless[^LongestAnswer..] : response.Text;
                return (text, response.FinishReason == ChatFinishReason.Length);
            }
            catch (OperationCanceledException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                failure = ($"no answer within {options.Timeout.TotalSeconds:0.#} s", e);
            }
            catch (ClientResultException e) when (e.Status != 0)
            {
                failure = (Explain(e.Status, e), e);
                if (Asked(e) is { } asked) pause = asked < options.LongestPause ? asked : options.LongestPause;
            }
            catch (HttpRequestException e) when (e.StatusCode is { } status)
            {
                failure = (Explain((int)status, e), e);
            }
            catch (Exception e) when (e is not InputException and not NoAnswerException)
            {
                // Cut connections, bodies that are not what the protocol says, and whatever else a client makes of them.
                string reason = e is ClientResultException or HttpRequestException or IOException
                    ? "the connection failed"
                    : "the server's answer could not be read";
                failure = (reason, e);
            }

            if (attempt >= options.Attempts) throw new NoAnswerException(failure.reason, ofServer: true, failure.cause);
            await Task.Delay(pause, options.Time, cancellationToken);
        }
    }

    private void Shorten(CancellationTokenSource limit)
    {
        try
        {
            limit.CancelAfter(options.Grace);
        }
        catch (ObjectDisposedException)
        {
            // The answer came in the same moment.
        }
    }

    /// <summary>What a status means for the question; throws where asking again is of no use.</summary>
    private string Explain(int status, Exception e) => status switch
    {
        401 or 403 => throw new InputException($"the chat server refused the key (status {status}); check {ChatSettings.KeyVariable}.", e),
        404 => throw new InputException($"the chat server knows no model {model}, or nothing is at its address (status 404); check "
            + $"{ChatSettings.ModelVariable} and {ChatSettings.AddressVariable}.", e),
        (int)HttpStatusCode.TooManyRequests => "too many requests (status 429)",
        (int)HttpStatusCode.RequestTimeout or 409 or 425 or >= 500 => $"the server failed (status {status})",
        _ => throw new NoAnswerException($"the server refused the question (status {status}{Words(e)})", ofServer: true, e),
    };

    /// <summary>What the server says of its refusal, on one short line; what looks like a key is left out.</summary>
    private static string Words(Exception e)
    {
        if ((e as ClientResultException)?.GetRawResponse()?.Content.ToString() is not { Length: > 0 } body) return "";
        string words = body;
        try
        {
            JsonElement root = JsonElement.Parse(body);
            if (root.ValueKind == JsonValueKind.Object)
            {
                if (root.TryGetProperty("error", out JsonElement error)) root = error;
                if (root.ValueKind == JsonValueKind.Object
                    && (root.TryGetProperty("message", out JsonElement inner) || root.TryGetProperty("detail", out inner))) root = inner;
            }

            words = root.ValueKind == JsonValueKind.String ? root.GetString()! : root.GetRawText();
        }
        catch (JsonException)
        {
            // Shown as it is.
        }

        words = KeyLike().Replace(QuotedText.Plain(words), "…").Trim();
        return words.Length == 0 ? "" : $": {(words.Length > LongestWords ? words[..LongestWords] + "…" : words)}";
    }

    [GeneratedRegex(@"(?=[^\s""']*\d)[^\s""']{16,}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyLike();

    /// <summary>How long the server asks to be left alone: seconds or a date.</summary>
    private TimeSpan? Asked(ClientResultException e)
    {
        if (e.GetRawResponse()?.Headers.TryGetValue("Retry-After", out string? value) is not true) return null;
        if (double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds < 1e6)
            return TimeSpan.FromSeconds(seconds);
        if (!DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date))
            return null;
        TimeSpan left = date - options.Time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
