package rudder.model.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads folders like the kernel's, of both versions of control groups. */
class ControlGroupsTest {

    private static final long GB = 1L << 30;

    @TempDir
    private Path root;

    private void two(String group, String most, long used, long files) throws IOException {
        var folder = Files.createDirectories(root.resolve(group));
        Files.writeString(folder.resolve("memory.max"), most + "\n");
        Files.writeString(folder.resolve("memory.current"), used + "\n");
        Files.writeString(
                folder.resolve("memory.stat"),
                "anon 5\nfile 999999\ninactive_anon 3\ninactive_file " + (files - 7) + "\nactive_file 7\n");
    }

    private void one(String group, long most, long used, long files) throws IOException {
        var folder = Files.createDirectories(root.resolve("memory").resolve(group));
        Files.writeString(folder.resolve("memory.limit_in_bytes"), most + "\n");
        Files.writeString(folder.resolve("memory.usage_in_bytes"), used + "\n");
        Files.writeString(
                folder.resolve("memory.stat"),
                "inactive_file 1\nactive_file 1\ntotal_inactive_file " + files + "\ntotal_active_file 0\n");
    }

    private long free(String... groups) throws IOException {
        return ControlGroups.free(root, List.of(groups));
    }

    @Test
    void whatIsFreeIsTheLimitLessWhatAllProcessesHoldBesidesPagesOfFiles() throws IOException {
        two("pod/kernel", String.valueOf(2 * GB), GB, GB / 4);
        assertEquals(2 * GB - (GB - GB / 4), free("0::/pod/kernel"));
        one("pod", 2 * GB, GB, GB / 4);
        assertEquals(2 * GB - (GB - GB / 4), free("12:cpuset:/", "4:hugetlb,memory:/pod", "0::/"));
    }

    @Test
    void theTightestGroupAroundTheProcessDecides() throws IOException {
        two("pod/kernel", "max", GB, 0);
        two("pod", String.valueOf(4 * GB), 3 * GB + GB / 2, 100);
        two("", String.valueOf(8 * GB), 4 * GB, 100);
        assertEquals(GB / 2 + 100, free("0::/pod/kernel"));
        two("pod/kernel", String.valueOf(GB), GB + 5, 100);
        assertEquals(95, free("0::/pod/kernel"));
        two("pod/kernel", String.valueOf(GB), 3 * GB, 100); // a limit that was lowered afterwards
        assertEquals(0, free("0::/pod/kernel"));
    }

    @Test
    void aContainerThatSeesItsGroupAsTheRootIsLimitedByIt() throws IOException {
        one("", 2 * GB, GB, 0);
        assertEquals(GB, free("5:memory:/docker/0123abc", "0::/"));
    }

    @Test
    void withoutALimitNothingIsTakenAway() throws IOException {
        assertEquals(Long.MAX_VALUE, free("0::/"));
        assertEquals(Long.MAX_VALUE, free());
        two("", "max", GB, 0);
        assertEquals(Long.MAX_VALUE, free("0::/"));
        assertEquals(Long.MAX_VALUE, free("0::/../outside"));
    }

    @Test
    void thisMachineLeavesSomething() throws IOException {
        assertTrue(ControlGroups.free() > 0);
    }
}
