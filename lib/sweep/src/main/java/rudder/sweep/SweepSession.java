package rudder.sweep;

import java.io.File;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/** Opens sessions of Spark with the settings that sweeps need. Any other session serves too. */
public final class SweepSession {

    /** What an executor's JVM needs: vectors for packed weights. Spark adds what it needs itself. */
    private static final String OPTIONS = "--add-modules jdk.incubator.vector";

    private SweepSession() {}

    /** Opens a session in this process, on all cores: no cluster, no set-up. */
    public static SparkSession local() {
        return at("local[*]");
    }

    /**
     * Opens a session of a cluster. The driver sends Rudder's jars to the executors.
     *
     * @param master such as {@code local[2]} or {@code spark://host:7077}
     */
    public static SparkSession at(String master) {
        return builder(master).getOrCreate();
    }

    /** Returns a builder for {@link #at}, for settings of your own. */
    public static SparkSession.Builder builder(String master) {
        var builder = SparkSession.builder()
                .master(master)
                .appName("Rudder sweep")
                .config("spark.ui.enabled", "false")
                .config("spark.executor.extraJavaOptions", OPTIONS)
                // waiting threads that spin starve a busy machine
                .config("spark.executorEnv.OMP_WAIT_POLICY", "passive");
        return master.startsWith("local[") || master.equals("local") ? builder : builder.config("spark.jars", jars());
    }

    /** The jars of this process that are not Spark's own. */
    private static String jars() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar"))
                .map(entry -> Path.of(entry).toUri().toString())
                .distinct()
                .collect(Collectors.joining(","));
    }
}
