package rudder.sweep;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.control.Controller;

/** Measures one sweep on executors of one core each: EXECUTORS MODEL UNITS FOLDER; the figures go to FOLDER.txt. */
final class ScalingDriver {

    private static final int TEXTS = 16; // prompts of a unit

    private ScalingDriver() {}

    private static List<String> prompts(String about, int units) {
        return IntStream.range(0, TEXTS * units)
                .mapToObj(i -> "On day " + i + " of the " + about)
                .toList();
    }

    public static void main(String[] args) throws Exception {
        int executors = Integer.parseInt(args[0]);
        int units = Integer.parseInt(args[2]);
        var builder = SweepSession.builder("local-cluster[" + executors + ",1,3072]")
                .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.executorEnv.OMP_NUM_THREADS", "1")
                .config("spark.executor.cores", "1")
                .config("spark.executor.memory", "2g")
                // all executors are there before the first task
                .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
                .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "120s");
        try (var spark = builder.getOrCreate();
                var model = LanguageModel.load(args[1])) {
            var features = Features.contrast(
                    model,
                    new ContrastSet(
                            "sea",
                            List.of("The waves broke on the reef", "A ship sailed over the ocean"),
                            List.of("The road ran through the town", "A train stopped at the station")));
            int block = model.horizon() / 2;
            var arms = new Controller[] {
                Controller.none(),
                Controller.actAdd(features.setpoint(.5), block).named("ActAdd 0.5"),
                Controller.actAdd(features.setpoint(1), block).named("ActAdd 1"),
                Controller.actAdd(features.setpoint(1.5), block).named("ActAdd 1.5")
            };
            var folder = Path.of(args[3]);
            // each executor loads the model, and compiles what it runs
            double loading = run(
                    spark,
                    Sweep.of(
                            model,
                            prompts("voyage", 2 * executors),
                            Comparison.settings().tokens(4),
                            arms),
                    folder.resolve("first"));
            var sweep = Sweep.of(
                    model, prompts("journey", units), Comparison.settings().tokens(16), arms);
            double wall = run(spark, sweep, folder.resolve("timed"));
            double within = seconds(folder.resolve("timed"));
            Files.writeString(
                    Path.of(args[3] + ".txt"),
                    String.format(
                            Locale.ROOT,
                            "%d,%d,%.2f,%.2f,%.2f,%.3f,%.2f%n",
                            executors,
                            sweep.units(),
                            loading,
                            wall,
                            sweep.units() / wall,
                            (wall * executors - within) / sweep.units(),
                            within / sweep.units()));
        }
    }

    private static double run(SparkSession spark, Sweep sweep, Path folder) throws IOException {
        long start = System.nanoTime();
        var swept = sweep.run(spark, folder.toString());
        double seconds = (System.nanoTime() - start) / 1e9;
        if (swept.done() != sweep.units()) {
            throw new IOException(swept.failures().toString());
        }
        return seconds;
    }

    /** The seconds that executors computed, over all units. */
    private static double seconds(Path folder) throws IOException {
        double seconds = 0;
        try (var walk = Files.walk(folder)) {
            for (var file : walk.filter(path -> path.getFileName().toString().startsWith("unit-"))
                    .toList()) {
                var name = file.getFileName().toString();
                var id = name.substring("unit-".length(), name.length() - ".parquet".length());
                seconds += UnitFile.read(new org.apache.hadoop.fs.Path(file.toUri()), new Configuration(), id)
                        .get(0)
                        .seconds();
            }
        }
        return seconds;
    }
}
