package rudder.faults;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.List;

/** A file system in memory with a size limit, where the machine lets this process mount one. */
record SmallDisk(Path folder, String reason) implements AutoCloseable {

    /**
     * Returns a command that runs another one, whose writes fail beyond so many bytes of a file, as on a full disk. Any
     * POSIX shell can do that, without the right to mount.
     */
    static List<String> limit(long bytes) {
        return List.of("/bin/sh", "-c", "ulimit -f " + bytes / 512 + " && exec \"$@\"", "sh");
    }

    static SmallDisk mount(Path folder, String size) throws IOException {
        return new SmallDisk(
                folder, run("mount", "-t", "tmpfs", "-o", "size=" + size, "rudder-faults", folder.toString()));
    }

    boolean isMounted() {
        return reason.isEmpty();
    }

    void resize(String size) throws IOException {
        require(run("mount", "-o", "remount,rw,size=" + size, folder.toString()));
    }

    void readOnly() throws IOException {
        require(run("mount", "-o", "remount,ro", folder.toString()));
    }

    private static void require(String failure) throws IOException {
        if (!failure.isEmpty()) {
            throw new IOException(failure);
        }
    }

    /** Returns why the command failed, or nothing. */
    private static String run(String... command) throws IOException {
        try {
            var process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes()).strip();
            return process.waitFor() == 0 ? "" : "skipped, no small disk here: " + output;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted at " + String.join(" ", command));
        } catch (IOException e) {
            return "skipped, no small disk here: " + e.getMessage();
        }
    }

    @Override
    public void close() throws IOException {
        if (isMounted()) {
            require(run("umount", "-l", folder.toString()));
        }
    }
}
