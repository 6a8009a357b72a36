namespace Unweave.Onnx;

/// <summary>Where models are fetched from and kept.</summary>
public sealed record HubOptions
{
    /// <summary>The hub's base address. Default <c>https://huggingface.co</c>.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>
    /// Access token for private and gated models, or null. It is sent to the host of <see cref="Endpoint"/> alone, and never printed.
    /// </summary>
    public string? Token { get; init; }

    /// <summary>Folder that models are kept in. Default <see cref="DefaultCache"/>.</summary>
    public required string Cache { get; init; }

    /// <summary>Nothing is fetched: what is kept is used, and what is missing is an error. Default false.</summary>
    public bool Offline { get; init; }

    /// <summary>
    /// How often in a row a request may fail before the pull does, at least 1; a connection that is cut after more of a file has come than
    /// ever before starts the count again. Default 5.
    /// </summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The longest wait before another attempt; a hub that asks for more ends the pull. Default two minutes.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A connection on which nothing comes for so long is given up and made again. Default one minute.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The user's cache folder: <c>XDG_CACHE_HOME/unweave/hub</c> or <c>~/.cache/unweave/hub</c>; on macOS
    /// <c>~/Library/Caches/unweave/hub</c>; on Windows <c>%LOCALAPPDATA%\unweave\hub</c>.
    /// </summary>
    /// <exception cref="InputException">The user has no home folder.</exception>
    public static string DefaultCache => CacheOf(Environment.GetEnvironmentVariable);

    /// <summary>
    /// The options that the environment sets: <c>UNWEAVE_HUB</c> (or else <c>HF_ENDPOINT</c>), <c>HF_TOKEN</c>, <c>UNWEAVE_CACHE</c>,
    /// <c>UNWEAVE_OFFLINE</c>.
    /// </summary>
    /// <exception cref="InputException">A variable has a value that cannot be used.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>The options that variables set, wherever they are read.</summary>
    internal static HubOptions From(Func<string, string?> variable)
    {
        var options = new HubOptions
        {
            Cache = Text(variable, "UNWEAVE_CACHE") is { } folder ? Path.GetFullPath(folder) : CacheOf(variable),
            Token = TokenOf(variable),
            Offline = Text(variable, "UNWEAVE_OFFLINE") switch
            {
                null or "0" or "false" => false,
                "1" or "true" => true,
                var other => throw new InputException($"UNWEAVE_OFFLINE is '{other}'; set it to 1 to use only what is cached, or to 0."),
            },
        };
        foreach (string name in (string[])["UNWEAVE_HUB", "HF_ENDPOINT"])
        {
            if (Text(variable, name) is { } address) return options with { Endpoint = Address(name, address) };
        }

        return options;
    }

    /// <summary>The options without the token, which belongs in no log.</summary>
    public override string ToString() =>
        $"{nameof(HubOptions)} {{ {nameof(Endpoint)} = {Endpoint}, {nameof(Cache)} = {Cache}, {nameof(Offline)} = {Offline}, "
            + $"{nameof(Token)} = {(Token is null ? "none" : "set")} }}";

    /// <summary>Refuses options that cannot be used.</summary>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Attempts, 1);
        ArgumentException.ThrowIfNullOrEmpty(Cache);
        Address(nameof(Endpoint), Endpoint.OriginalString);
    }

    private static string? Text(Func<string, string?> variable, string name) =>
        variable(name)?.Trim() is { Length: > 0 } text ? text : null;

    private static Uri Address(string name, string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"
            && uri is { UserInfo: "", Query: "", Fragment: "" }
            ? uri
            : throw new InputException($"{name} is not the address of a hub; it must be like https://huggingface.co, without a user, a "
                + $"question mark or a hash.");

    private static string? TokenOf(Func<string, string?> variable)
    {
        string? token = Text(variable, "HF_TOKEN");
        return token is null || token.All(static c => c is > ' ' and <= '~')
            ? token
            : throw new InputException("HF_TOKEN has characters that no token has (spaces, line ends or letters beyond ASCII); copy it "
                + "again.");
    }

    private static string CacheOf(Func<string, string?> variable)
    {
        // The XDG specification has relative paths ignored.
        if (!OperatingSystem.IsWindows() && !OperatingSystem.IsMacOS() && Text(variable, "XDG_CACHE_HOME") is { } xdg
            && Path.IsPathRooted(xdg))
            return Path.Combine(xdg, "unweave", "hub");
        string root = Environment.GetFolderPath(
            OperatingSystem.IsWindows() ? Environment.SpecialFolder.LocalApplicationData : Environment.SpecialFolder.UserProfile);
        if (root.Length == 0) throw new InputException("there is no home folder to keep models in; set UNWEAVE_CACHE to a folder.");
        return OperatingSystem.IsWindows() ? Path.Combine(root, "unweave", "hub")
            : OperatingSystem.IsMacOS() ? Path.Combine(root, "Library", "Caches", "unweave", "hub")
            : Path.Combine(root, ".cache", "unweave", "hub");
    }
}
