package rudder.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import rudder.theory.Statistics;

/**
 * Figures measured side by side: every round runs each arm once, so that what the machine does besides hits all alike,
 * and begins with another arm. An arm's figure is the median of its rounds. Figures go to the console as they come and,
 * one {@code name,value,unit,low,high,rounds} a line, to a file that is written anew with each.
 */
final class Arms {

    private static final double CONFIDENCE = .95;
    private static final int SECONDS = Integer.getInteger("bench.seconds", 180); // of a group
    private static final int LEAST = 1; // counted rounds of a group

    private final Path file;
    private final List<String> lines = new ArrayList<>(List.of("name,value,unit,low,high,rounds"));

    Arms(Path file) throws IOException {
        this.file = file.toAbsolutePath();
        Files.createDirectories(this.file.getParent());
    }

    /** Returns a file beside the one of figures: {@code bench-growth.csv} beside {@code bench.csv}. */
    Path beside(String ending) {
        var name = file.getFileName().toString();
        return file.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ending);
    }

    /** What is measured together. */
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

        /** Measures after one round that is not counted. */
        Rounds run(int rounds) {
            return run(1, rounds);
        }

        /**
         * Measures, and reports an arm whose peer fails as absent. On a busy machine, where programs whose threads spin
         * take many times longer, a group that has taken its time ends after its round, with at least {@code LEAST}
         * rounds.
         */
        Rounds run(int warmUp, int rounds) {
            long start = System.nanoTime();
            var found = new LinkedHashMap<String, List<Double>>();
            arms.keySet().forEach(name -> found.put(name, new ArrayList<>()));
            for (int round = -warmUp; round < rounds && (round < LEAST || secondsSince(start) < SECONDS); round++) {
                var order = new ArrayList<>(found.keySet());
                for (int i = 0; i < order.size(); i++) {
                    var name = order.get((i + round + warmUp) % order.size());
                    try {
                        double value = arms.get(name).getAsDouble();
                        if (round >= 0) {
                            found.get(name).add(value);
                        }
                    } catch (Peer.Absent e) {
                        found.remove(name);
                        absent(name, e);
                    }
                }
            }
            var values = new LinkedHashMap<String, double[]>();
            found.forEach((name, list) ->
                    values.put(name, list.stream().mapToDouble(value -> value).toArray()));
            values.forEach((name, each) -> report(name, unit, each));
            return new Rounds(values);
        }
    }

    /** The values of the arms that were measured together, by round. */
    final class Rounds {
        private final Map<String, double[]> values;

        private Rounds(Map<String, double[]> values) {
            this.values = values;
        }

        boolean has(String arm) {
            return values.containsKey(arm);
        }

        double median(String arm) {
            return Statistics.median(values.get(arm));
        }

        Map<String, Double> medians() {
            var medians = new LinkedHashMap<String, Double>();
            values.keySet().forEach(arm -> medians.put(arm, median(arm)));
            return medians;
        }

        /** Reports the median over rounds of one round's quotient, if both arms are there. */
        Rounds ratio(String name, String above, String below) {
            if (has(above) && has(below)) {
                var quotients = new double[values.get(above).length];
                Arrays.setAll(quotients, i -> values.get(above)[i] / values.get(below)[i]);
                report(name, "x", quotients);
            }
            return this;
        }
    }

    Group in(String unit) {
        return new Group(unit);
    }

    double report(String name, double value, String unit) {
        return report(name, unit, value);
    }

    /** Reports a median and its interval. */
    private double report(String name, String unit, double... values) {
        double median = Statistics.median(values);
        var sorted = Arrays.stream(values).sorted().toArray();
        int cut = cut(values.length);
        add(
                values.length == 1
                        ? String.format(Locale.ROOT, "%s,%.4g,%s,,,1", name, median, unit)
                        : String.format(
                                Locale.ROOT,
                                "%s,%.4g,%s,%.4g,%.4g,%d",
                                name,
                                median,
                                unit,
                                sorted[cut],
                                sorted[values.length - 1 - cut],
                                values.length));
        return median;
    }

    /**
     * Returns how many of n sorted values may be left out at each end of the median's interval, so that the interval
     * holds the true median with 95 %: a true median has each value above or below with equal chance. Fewer than six
     * values are all kept, and hold it less often.
     */
    private static int cut(int n) {
        double below = Math.pow(.5, n); // the chance of at most this many values below the true median
        double term = below;
        int cut = 0;
        while (true) {
            term *= (n - cut) / (cut + 1.0);
            below += term;
            if (2 * below > 1 - CONFIDENCE) {
                return cut;
            }
            cut++;
        }
    }

    void note(String name, String text) {
        add(name + "," + text.replace(',', ';') + ",,,,");
    }

    void absent(String name, Peer.Absent e) {
        System.out.println(e.getMessage());
        note(name, "absent: " + e.getMessage().lines().findFirst().orElse(""));
    }

    private void add(String line) {
        System.out.println(line);
        lines.add(line);
        try {
            Files.write(file, lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return secondsSince(start);
    }

    private static double secondsSince(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
