package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import rudder.theory.Statistics;

/**
 * Figures measured side by side: every round runs each arm once, in turn, so that what the machine does besides hits
 * all alike; an arm's figure is the median of its rounds. Figures go to the console as they come and, one
 * {@code name,value,unit} a line, to a file.
 */
final class Arms {

    private final Path file;
    private final List<String> lines = new ArrayList<>();

    Arms(Path file) {
        this.file = file;
    }

    /** What is measured together: after one round that is not counted, {@code rounds} that are. */
    final class Group {
        private final Map<String, DoubleSupplier> arms = new LinkedHashMap<>();
        private final String unit;

        private Group(String unit) {
            this.unit = unit;
        }

        Group arm(String name, DoubleSupplier measure) {
            arms.put(name, measure);
            return this;
        }

        Map<String, Double> run(int rounds) {
            var found = new LinkedHashMap<String, double[]>();
            arms.keySet().forEach(name -> found.put(name, new double[rounds]));
            for (int round = -1; round < rounds; round++) {
                for (var arm : arms.entrySet()) {
                    double value = arm.getValue().getAsDouble();
                    if (round >= 0) {
                        found.get(arm.getKey())[round] = value;
                    }
                }
            }
            var medians = new LinkedHashMap<String, Double>();
            found.forEach((name, values) -> medians.put(name, report(name, Statistics.median(values), unit)));
            return medians;
        }
    }

    Group in(String unit) {
        return new Group(unit);
    }

    /**
     * By how much the changed work takes longer, in percent: the median over rounds of one round's ratio, since rounds
     * differ by more than that. Which of the two comes first alternates.
     */
    double cost(String name, int rounds, Runnable plain, Runnable changed) {
        var cost = new double[rounds];
        for (int round = -1; round < rounds; round++) {
            boolean plainFirst = (round & 1) == 0;
            double first = seconds(plainFirst ? plain : changed);
            double second = seconds(plainFirst ? changed : plain);
            if (round >= 0) {
                cost[round] = 100 * (plainFirst ? second / first - 1 : first / second - 1);
            }
        }
        return report(name, Statistics.median(cost), "%");
    }

    double report(String name, double value, String unit) {
        String line = String.format(Locale.ROOT, "%s,%.4g,%s", name, value, unit);
        System.out.println(line);
        lines.add(line);
        return value;
    }

    void write() throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, lines);
    }

    static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
