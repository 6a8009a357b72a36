using System.Globalization;
using System.Runtime.CompilerServices;

namespace Unweave;

/// <summary>
/// What the user gave cannot be used: a file, a setting, a vector. The message is one line that says what, where, and the likely
/// fix; a program shows it as it is and exits with code 2. Numbers in it are written the same in every culture.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Names what is wrong, where, and the likely fix, in one line.</summary>
    public InputException(string message)
        : base(message)
    {
    }

    /// <summary>Names what is wrong, where, and the likely fix, in one line, and keeps the cause.</summary>
    public InputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Names what is wrong, where, and the likely fix, in one line.</summary>
    public InputException(ref InvariantMessage message)
        : base(message.ToString())
    {
    }

    /// <summary>Names what is wrong, where, and the likely fix, in one line, and keeps the cause.</summary>
    public InputException(ref InvariantMessage message, Exception innerException)
        : base(message.ToString(), innerException)
    {
    }
}

/// <summary>Builds an interpolated message by the invariant culture, whatever the thread's: it is read by people and by programs.</summary>
[InterpolatedStringHandler]
public ref struct InvariantMessage
{
    private DefaultInterpolatedStringHandler text;

    /// <summary>Starts a message; the compiler calls this.</summary>
    public InvariantMessage(int literalLength, int formattedCount) =>
        text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);

    /// <summary>Adds literal text.</summary>
    public void AppendLiteral(string value) => text.AppendLiteral(value);

    /// <summary>Adds a value.</summary>
    public void AppendFormatted<T>(T value) => text.AppendFormatted(value);

    /// <summary>Adds a value by a format.</summary>
    public void AppendFormatted<T>(T value, string? format) => text.AppendFormatted(value, format);

    /// <summary>The message; the handler cannot be used again.</summary>
    public override string ToString() => text.ToStringAndClear();
}
