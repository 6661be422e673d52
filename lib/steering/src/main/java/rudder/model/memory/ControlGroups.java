package rudder.model.memory;

import java.io.BufferedReader;
import java.io.FileReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The memory that the control groups of Linux leave to this process: a container's limit less what all its processes
 * use. Source: the kernel's {@code Documentation/admin-guide/cgroup-v2.rst} and {@code cgroup-v1/memory.rst}.
 */
final class ControlGroups {

    private static final Path OWN = Path.of("/proc/self/cgroup");
    private static final Path ROOT = Path.of("/sys/fs/cgroup");

    private ControlGroups() {}

    /** Returns the bytes that are left to this process; Long.MAX_VALUE without a limit. */
    static long free() throws IOException {
        return Files.exists(OWN) ? free(ROOT, lines(OWN)) : Long.MAX_VALUE;
    }

    /**
     * Returns the bytes that are left in a process's group and in all groups around it.
     *
     * @param root where the groups are mounted
     * @param groups the lines "number:controllers:path" of a process
     */
    static long free(Path root, List<String> groups) throws IOException {
        for (var group : groups) {
            var part = group.split(":", 3);
            if (List.of(part[1].split(",")).contains("memory")) { // version 1, also where a machine has both
                return free(
                        root.resolve("memory"), part[2], "memory.limit_in_bytes", "memory.usage_in_bytes", "total_");
            }
        }
        for (var group : groups) {
            if (group.startsWith("0::")) {
                return free(root, group.substring(3), "memory.max", "memory.current", "");
            }
        }
        return Long.MAX_VALUE;
    }

    /** A container may see its own group as the root, under a path that is the host's: then only the root is there. */
    private static long free(Path root, String group, String limit, String usage, String total) throws IOException {
        long free = Long.MAX_VALUE;
        for (var folder = root.resolve(group.substring(1)).normalize();
                folder.startsWith(root);
                folder = folder.getParent()) {
            if (Files.exists(folder.resolve(limit)) && Files.exists(folder.resolve(usage))) {
                var most = lines(folder.resolve(limit)).get(0); // a number, or max
                long used = Long.parseLong(lines(folder.resolve(usage)).get(0));
                if (!most.equals("max")) {
                    // the kernel drops pages of files before it kills a process, and MemAvailable counts them as free
                    long files = lines(folder.resolve("memory.stat")).stream()
                            .map(line -> line.split(" "))
                            .filter(stat ->
                                    stat[0].equals(total + "inactive_file") || stat[0].equals(total + "active_file"))
                            .mapToLong(stat -> Long.parseLong(stat[1]))
                            .sum();
                    free = Math.min(free, Math.max(0, Long.parseLong(most) - Math.max(0, used - files)));
                }
            }
        }
        return free;
    }

    /** Returns a file's lines; does not use a channel, which an interrupted thread cannot read. */
    static List<String> lines(Path file) throws IOException {
        try (var reader = new BufferedReader(new FileReader(file.toFile(), StandardCharsets.US_ASCII))) {
            return reader.lines().toList();
        }
    }
}
