using System.Diagnostics;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_replaced_whole()
    {
        string path = folder["a.bin"];
        AtomicFile.Write(path, stream => stream.Write([1, 2, 3]));
        AtomicFile.Write(path, stream =>
        {
            stream.Write([4, 5]);
            Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        });
        Assert.Equal([4, 5], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_writer_that_fails_leaves_the_last_file_and_no_partial_one()
    {
        string path = folder["a.bin"], other = folder["b.bin.partial-1"];
        File.WriteAllBytes(path, [1, 2, 3]);
        File.WriteAllBytes(other, [9]);
        Assert.Throws<FormatException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write([4, 5]);
            throw new FormatException();
        }));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal<IEnumerable<string>>([path, other], Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal));
    }

    // /dev/full is a disk without space: the error is the system's own, at whatever byte the real file ends.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(299_999)]
    public void A_full_disk_leaves_the_last_checkpoint_whole(int fits)
    {
        if (!File.Exists("/dev/full")) return;
        string path = folder["sae.safetensors"];
        SafetensorsWriter.Write(path, [TensorToWrite.From("w", new float[100])]);
        byte[] before = File.ReadAllBytes(path);
        string message = TestFiles.Refused(path,
            () => AtomicFile.Write(path, stream => stream.Write(new byte[300_000]), file => new FillingStream(file, fits)));
        Assert.Contains("disk is full", message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    // The same on a real file system of 64 KiB, where this user may mount one.
    [Fact]
    public void A_disk_that_fills_under_a_writer_leaves_the_last_file_whole()
    {
        if (!OperatingSystem.IsLinux() || !Run("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder.Path)) return;
        try
        {
            string path = folder["sae.safetensors"];
            using var small = new Matrix(10, 100);
            using var large = new Matrix(1000, 100);
            SafetensorsWriter.Write(path, [TensorToWrite.From("w", small)]);
            byte[] before = File.ReadAllBytes(path);
            Assert.Contains("disk is full", TestFiles.Refused(path, () => SafetensorsWriter.Write(path, [TensorToWrite.From("w", large)])),
                StringComparison.Ordinal);
            string npy = folder["a.npy"];
            Assert.Contains("disk is full", TestFiles.Refused(npy, () => NpyWriter.Write(npy, large)), StringComparison.Ordinal);
            Assert.Equal(before, File.ReadAllBytes(path));
            Assert.Equal([path], Directory.GetFiles(folder.Path));
        }
        finally
        {
            Run("umount", folder.Path);
        }
    }

    // Far past what ext4 and NTFS can hold; a file system that can (XFS, tmpfs) has nothing to show here.
    [Fact]
    public void A_file_past_the_limit_of_its_file_system_is_refused()
    {
        string disk = Directory.CreateTempSubdirectory("unweave-").FullName, path = Path.Combine(disk, "a.bin");
        try
        {
            if (Holds(Path.Combine(disk, "probe"), 1L << 60)) return;
            File.WriteAllBytes(path, [1, 2, 3]);
            string message = TestFiles.Refused(path, () => AtomicFile.Write(path, stream =>
            {
                stream.Position = 1L << 60;
                stream.Write(new byte[100_000]);
            }));
            Assert.Contains("larger than its disk", message, StringComparison.Ordinal);
            Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
            Assert.Equal([path], Directory.GetFiles(disk));
        }
        finally
        {
            Directory.Delete(disk, recursive: true);
        }
    }

    // An argument of the writer's own is its mistake, not the disk's.
    [Fact]
    public void A_mistake_of_the_writer_passes_through() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => AtomicFile.Write(folder["a.bin"], stream => stream.Position = -1));

    private static bool Holds(string path, long position)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0,
                FileOptions.DeleteOnClose);
            file.Position = position;
            file.Write([1]);
            return true;
        }
        catch (ArgumentOutOfRangeException)
        {
            return false;
        }
        catch (IOException)
        {
            return true; // refused in another way, which is not what is shown here
        }
    }

    [Fact]
    public void A_target_that_cannot_be_written_is_said_so()
    {
        Assert.Contains("folder does not exist",
            TestFiles.Refused(folder["no/a.bin"], () => AtomicFile.Write(folder["no/a.bin"], _ => { })), StringComparison.Ordinal);
        Assert.Contains("is a folder", TestFiles.Refused(folder.Path, () => AtomicFile.Write(folder.Path, _ => { })),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Many_writers_of_one_file_leave_one_of_their_files_whole()
    {
        string path = folder["a.bin"];
        Parallel.For(0, 50, i => AtomicFile.Write(path, stream => stream.Write(Enumerable.Repeat((byte)i, 1000).ToArray())));
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal(1000, bytes.Length);
        Assert.Single(bytes.Distinct());
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Passes on a number of bytes, then writes to a full device.</summary>
    private sealed class FillingStream(Stream file, int fits) : Stream
    {
        private long left = fits;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            int now = (int)Math.Min(count, left);
            file.Write(buffer, offset, now);
            left -= now;
            if (now == count) return;
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            full.Write(buffer, offset + now, count - now);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
