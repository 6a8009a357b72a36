namespace Unweave.Components;

/// <summary>What an <see cref="Icon"/> draws.</summary>
public enum IconShape
{
    /// <summary>A circle with an exclamation mark: something failed.</summary>
    Alert,

    /// <summary>A balance: not measured yet.</summary>
    Balance,

    /// <summary>A rising curve between axes.</summary>
    Chart,

    /// <summary>A compass: nothing at this address.</summary>
    Compass,

    /// <summary>Two sheets: copy.</summary>
    Copy,

    /// <summary>A circle, half of it hatched: the system's choice of light or dark.</summary>
    HalfCircle,

    /// <summary>A keyboard.</summary>
    Keyboard,

    /// <summary>A crescent: dark.</summary>
    Moon,

    /// <summary>A magnifying glass with a minus: nothing found.</summary>
    NothingFound,

    /// <summary>A pin.</summary>
    Pin,

    /// <summary>Points between axes.</summary>
    Scatter,

    /// <summary>Two sliders.</summary>
    Sliders,

    /// <summary>A sun: light.</summary>
    Sun,

    /// <summary>A letter.</summary>
    Text,

    /// <summary>An empty tray: nothing here yet.</summary>
    Tray,

    /// <summary>Two waves that cross: Unweave itself.</summary>
    Weave,
}
