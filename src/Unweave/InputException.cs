namespace Unweave;

/// <summary>
/// What the user gave cannot be used: a file, a setting, a vector. The message is one line that says what, where, and the likely
/// fix; a program shows it as it is and exits with code 2.
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
}
