using System.Text.Encodings.Web;
using System.Text.Json;

namespace Unweave.Training;

/// <summary>
/// The run file: <see cref="TrainingOptions"/> as JSON. Every setting may be left out; comments and trailing commas are allowed;
/// an unknown or misplaced setting is refused.
/// </summary>
public static class RunFile
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Reads a run file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="InputException">
    /// It is not there or not a run file: the message names the file, the line, the setting and the fix.
    /// </exception>
    public static TrainingOptions Read(string path) => RunFileDraft.Open(path).ToOptions();

    /// <summary>Reads a run file's text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What to call it in messages: its path.</param>
    /// <exception cref="InputException">It is not a run file: the message names the line, the setting and the fix.</exception>
    public static TrainingOptions Parse(string json, string name) => RunFileDraft.Parse(json, name).ToOptions();

    /// <summary>The text of the run file of a run, every setting written out.</summary>
    public static string Write(TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return JsonSerializer.SerializeToNode(options, RunFileJson.Default.TrainingOptions)!.ToJsonString(Readable) + "\n";
    }

    /// <summary>The JSON Schema of the run file (draft 2020-12), with each setting's description and default.</summary>
    public static string Schema() => RunFileSchema.Create().ToJsonString(Readable) + "\n";
}
