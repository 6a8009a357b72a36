using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Unweave.Tests.Postgres;

/// <summary>A PostgreSQL server of this machine, started for the tests on its loopback in a folder of its own, and stopped.</summary>
public sealed class PostgresServer : IDisposable
{
    private readonly string? programs = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).LastOrDefault(
            bin => File.Exists(Path.Combine(bin, "initdb")))
        : null;

    private readonly string folder = Directory.CreateTempSubdirectory("unweave-postgres-").FullName;
    private readonly int port;
    private int databases;

    public PostgresServer()
    {
        if (programs is null) return;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        if (Environment.UserName is "root") Run("chown", "postgres", folder);
        Program("initdb", "-D", Data, "-A", "trust", "-U", "unweave", "--no-sync");
        Program("pg_ctl", "-D", Data, "-w", "-t", "120", "-l", Path.Combine(folder, "log"), "-o",
            $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off", "start");
    }

    /// <summary>Whether the machine has a server.</summary>
    public bool IsThere => programs is not null;

    private string Data => Path.Combine(folder, "data");

    /// <summary>A new database.</summary>
    public NpgsqlDataSource Database()
    {
        string name = $"d{Interlocked.Increment(ref databases)}";
        using (NpgsqlDataSource all = NpgsqlDataSource.Create(Connection("postgres")))
        using (NpgsqlCommand create = all.CreateCommand($"CREATE DATABASE {name}")) create.ExecuteNonQuery();
        return NpgsqlDataSource.Create(Connection(name));
    }

    public void Dispose()
    {
        if (programs is null) return;
        NpgsqlConnection.ClearAllPools();
        Program("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        Directory.Delete(folder, recursive: true);
    }

    private string Connection(string database) =>
        $"Host=127.0.0.1;Port={port};Username=unweave;Database={database};Include Error Detail=true";

    // The server refuses to run as root.
    private void Program(string program, params string[] arguments)
    {
        string path = Path.Combine(programs!, program);
        if (Environment.UserName is "root") Run("runuser", ["-u", "postgres", "--", path, .. arguments]);
        else Run(path, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = "/" })!;
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
