package rudder.sweep;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import rudder.model.LanguageModel;

/** Opens sessions of Spark with the settings that sweeps need. Any other session serves too. */
public final class SweepSession {

    /** What an executor's JVM needs: vectors for packed weights. Spark adds what it needs itself. */
    static final String OPTIONS = "--add-modules jdk.incubator.vector";

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
        return master.startsWith("local[") || master.equals("local")
                ? builder
                : builder.config("spark.jars", jars(home(LanguageModel.class), home(Sweep.class)));
    }

    /**
     * The jars beside Rudder's own, as {@code mvn package} puts them together, and this module's. Empty where classes
     * lie in folders; then spark.executor.extraClassPath says where executors find them.
     */
    static String jars(Path steering, Path sweep) {
        if (Files.isDirectory(steering) || Files.isDirectory(sweep)) {
            return "";
        }
        try (var beside = Files.list(steering.getParent())) {
            return Stream.concat(beside.sorted(), Stream.of(sweep))
                    .filter(file -> file.toString().endsWith(".jar"))
                    // Spark brings the binding of its own logs
                    .filter(file -> !file.getFileName().toString().startsWith("slf4j-"))
                    .map(file -> file.toUri().toString())
                    .distinct()
                    .collect(Collectors.joining(","));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list the jars beside " + steering, e);
        }
    }

    private static Path home(Class<?> type) {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the class path has an entry that is no file", e);
        }
    }

    /** The session's, which knows the credentials of its file systems. */
    static Configuration configuration() {
        var session = SparkSession.getDefaultSession();
        return session.isDefined() && !session.get().sparkContext().isStopped()
                ? session.get().sparkContext().hadoopConfiguration()
                : new Configuration();
    }
}
