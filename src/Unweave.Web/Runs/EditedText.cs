namespace Unweave.Web.Runs;

/// <summary>
/// A text that a person is typing while others may change the stored one. What is typed is saved over nothing but the text that it began
/// from; when that is another one by now, both texts are kept until the person chooses.
/// </summary>
internal sealed class EditedText
{
    private string? seen;
    private string saved = "";

    /// <summary>Saves a text over the one that was seen last: returns whether that was done, and what is stored now.</summary>
    public delegate bool Save(string text, string? seen, out string? stored);

    /// <summary>What is in the field.</summary>
    public string Typed { get; private set; } = "";

    /// <summary>The stored text as it was seen last; null for none.</summary>
    public string? Seen => seen;

    /// <summary>Whether someone else has changed the text while this one was being typed.</summary>
    public bool Parted { get; private set; }

    /// <summary>The text of the other, while the two have parted.</summary>
    public string? Theirs { get; private set; }

    /// <summary>Whether the field holds what is not stored.</summary>
    public bool Unsaved => !string.Equals(Typed, saved, StringComparison.Ordinal);

    /// <summary>The field has another text.</summary>
    public void Type(string? text) => Typed = text ?? "";

    /// <summary>Takes up a text that was typed before and never stored.</summary>
    /// <param name="text">The text.</param>
    /// <param name="from">The stored text when it was typed.</param>
    public void Resume(string text, string? from)
    {
        string? now = seen;
        (Typed, seen) = (text, from);
        See(now);
    }

    /// <summary>Looks at what is stored now: follows it, or, with something unsaved in the field, keeps both.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool See(string? stored)
    {
        if (Parted ? Same(stored, Theirs) : Same(stored, seen)) return false;
        if (!Unsaved || Same(stored, Typed.Trim()))
        {
            if (!Unsaved) Typed = stored ?? "";
            Settle(stored);
        }
        else
        {
            (Parted, Theirs) = (true, stored);
        }

        return true;
    }

    /// <summary>Saves what is unsaved, unless the two have parted.</summary>
    /// <returns>Whether the field's text is stored now.</returns>
    public bool TrySave(Save save)
    {
        if (Parted) return false;
        if (!Unsaved) return true;
        if (save(Typed, seen, out string? stored))
        {
            Settle(stored);
            return true;
        }

        See(stored);
        return !Parted;
    }

    /// <summary>Of the two texts takes one's own: the next saving replaces the other.</summary>
    public void KeepMine() => (Parted, seen, Theirs, saved) = (false, Theirs, null, Theirs ?? "");

    /// <summary>Of the two texts takes the other.</summary>
    public void TakeTheirs()
    {
        Typed = Theirs ?? "";
        Settle(Theirs);
    }

    /// <summary>Puts the other text under one's own.</summary>
    public void KeepBoth()
    {
        if (Theirs is { } other) Typed = $"{Typed.TrimEnd()}\n\n{other}";
        KeepMine();
    }

    private static bool Same(string? one, string? other) => string.Equals(one ?? "", other ?? "", StringComparison.Ordinal);

    private void Settle(string? stored) => (seen, saved, Parted, Theirs) = (stored, Typed, false, null);
}
