package rudder.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** The machine that figures were measured on, and what its memory holds of this process. */
final class Machine {

    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
    private static final Path STATUS = Path.of("/proc/self/status");

    private Machine() {}

    /** Reports processor, cores, JDK, memory, and the load before the first figure. */
    static void describe(Arms arms) throws IOException {
        arms.note("machine", processor() + "; " + Runtime.getRuntime().availableProcessors() + " cores");
        arms.note("jdk", Runtime.version() + " of " + System.getProperty("java.vendor"));
        arms.note("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        arms.note("model", Bench.MODEL);
        load(arms, "before");
    }

    /** Reports the mean number of processes that ran or waited in the last minute; negative where it is unknown. */
    static void load(Arms arms, String when) {
        arms.report("load_" + when, ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(), "processes");
    }

    static String processor() throws IOException {
        return !Files.exists(PROCESSOR)
                ? System.getProperty("os.arch")
                : Files.readAllLines(PROCESSOR).stream()
                        .filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse(System.getProperty("os.arch"));
    }

    /** Returns VmHWM, VmRSS or another line of this process's status, in bytes; NaN where there is no /proc. */
    static double memory(String line) throws IOException {
        return !Files.exists(STATUS)
                ? Double.NaN
                : Files.readAllLines(STATUS).stream()
                        .filter(one -> one.startsWith(line + ":"))
                        .mapToDouble(one -> 1024 * Double.parseDouble(one.replaceAll("\\D", "")))
                        .findFirst()
                        .orElse(Double.NaN);
    }
}
