package rudder.study;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.format.Progress;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.plant.PromptPlant;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Statistics;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Measures the time and memory that it takes to build a regulator and to steer, on models of several shapes with random
 * weights.
 *
 * <p>On a CPU, times are processor seconds, summed over cores, so that other programs hardly matter. On a GPU, times
 * are seconds by the clock. Every round measures each stage of every shape in turn, and repeats a short stage until the
 * clock resolves it. A time is the median over rounds.
 *
 * <pre>{@code
 * var study = ScalingStudy.of(List.of(small, middle, large), 6);
 * // 2.9 [2.8, 3.1]: over the shapes with d >= 1000, seconds grow as d^2.9
 * study.exponent(ScalingStudy.Stage.RICCATI, ModelShape::dimension, 1000)
 * }</pre>
 */
public final class ScalingStudy {

    private static final int[] PROMPT = IntStream.range(0, 12).toArray();
    private static final int GENERATED = 8;
    /** The least duration of a measurement in seconds: processor time comes in ticks of a hundredth. */
    private static final double ENOUGH = 0.1;

    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final QuadraticCost COST = new QuadraticCost(0.1, 10, 1);

    /** The stages that are measured. Each stage needs the result of the one before. */
    public enum Stage {
        /** The states of a prompt of twelve tokens, T+1 of width d. */
        TRACE("trace") {
            @Override
            double work(ModelShape s) {
                return PROMPT.length * weights(s);
            }
        },
        /** A_0..A_{T-1} at the prompt. */
        JACOBIANS("Jacobians") {
            @Override
            double work(ModelShape s) {
                double d = s.dimension();
                return d * d * (s.feedForward() + (double) s.heads() * s.headDimension() + d) * s.horizon();
            }
        },
        /** K_0..K_{T-1}: one inverse and two products of d x d a block. */
        RICCATI("Riccati") {
            @Override
            double work(ModelShape s) {
                return 3 * Math.pow(s.dimension(), 3) * s.horizon();
            }
        },
        /**
         * The {@link FeatureTracker} of the last state, and its sensitivity to the first: one vector-Jacobian product
         * for each block.
         */
        TRACKER("feature tracker") {
            @Override
            double work(ModelShape s) {
                return weights(s);
            }
        },
        /** Eight generated tokens, steered by that tracker. */
        TOKENS("steered tokens") {
            @Override
            double work(ModelShape s) {
                return (1 + GENERATED) * weights(s);
            }
        };

        private final String words;

        Stage(String words) {
            this.words = words;
        }

        /** Returns the number of multiplications up to a factor that is the same for every shape: the expected time. */
        abstract double work(ModelShape shape);

        /** Returns the number of weights of all blocks. */
        private static double weights(ModelShape s) {
            double heads = 2.0 * s.heads() + 2 * s.keyValueHeads();
            return (heads * s.headDimension() + 3.0 * s.feedForward()) * s.dimension() * s.horizon();
        }

        @Override
        public String toString() {
            return words;
        }
    }

    private final List<ModelShape> shapes;
    private final Map<Stage, double[][]> seconds = new EnumMap<>(Stage.class); // [shapes][rounds]
    private final Map<Stage, long[]> bytes = new EnumMap<>(Stage.class); // [shapes]

    private ScalingStudy(List<ModelShape> shapes, int rounds) {
        this.shapes = List.copyOf(shapes);
        for (var stage : Stage.values()) {
            seconds.put(stage, new double[shapes.size()][rounds]);
            bytes.put(stage, new long[shapes.size()]);
        }
    }

    /**
     * Makes all models at once and measures them. The first round is not counted.
     *
     * @param shapes the models' shapes. The study is about the cost of blocks, so give them a small
     *     {@link ModelShape#withVocabulary vocabulary}, of at least the prompt's twelve tokens
     * @param rounds the number of measurements of each stage
     * @throws IllegalArgumentException if there is no shape or no round
     * @throws IllegalStateException if a model does not fit into this machine's memory
     */
    public static ScalingStudy of(List<ModelShape> shapes, int rounds) {
        if (shapes.isEmpty() || rounds < 1) {
            throw new IllegalArgumentException(
                    shapes.size() + " shapes and " + rounds + " rounds, wanted at least one of each");
        }
        var study = new ScalingStudy(shapes, rounds);
        var subjects = new ArrayList<Subject>();
        try (var job = Progress.of("Measuring " + shapes.size() + " shapes", (rounds + 1L) * shapes.size())) {
            shapes.forEach(shape -> subjects.add(new Subject(LanguageModel.random(shape, 1))));
            for (int round = -1; round < rounds; round++) {
                for (int i = 0; i < subjects.size(); i++) {
                    for (var stage : Stage.values()) {
                        double seconds = study.measure(subjects.get(i), stage, i);
                        if (round >= 0) {
                            study.seconds.get(stage)[i][round] = seconds;
                        }
                    }
                    job.advance(1);
                }
            }
        } finally {
            subjects.forEach(subject -> subject.model.close());
        }
        return study;
    }

    private double measure(Subject subject, Stage stage, int shape) {
        double start = subject.clock();
        for (int times = 1; ; times++) {
            bytes.get(stage)[shape] = subject.perform(stage);
            double seconds = subject.clock() - start;
            if (seconds >= ENOUGH) {
                return seconds / times;
            }
        }
    }

    /** One model, and the results of the stages so far. */
    private static final class Subject {
        final LanguageModel model;
        private PromptPlant plant;
        private LinearSystem system;
        private Controller tracker;

        Subject(LanguageModel model) {
            this.model = model;
        }

        double clock() {
            return (model.device().equals("cpu") ? SYSTEM.getProcessCpuTime() : System.nanoTime()) / 1e9;
        }

        /** Performs a stage, and returns the bytes that its result holds on Java's heap. */
        long perform(Stage stage) {
            int T = model.horizon();
            switch (stage) {
                case TRACE -> {
                    plant = model.plant(PROMPT);
                    return bytes(Stream.of(plant.nominal().rollout().states()).mapToInt(z -> z.length));
                }
                case JACOBIANS -> {
                    var jacobians =
                            IntStream.range(0, T).mapToObj(plant::jacobian).toList();
                    system = LinearSystem.of(jacobians, model.algebra(), "");
                    return bytes(jacobians.stream().mapToInt(DMatrixRMaj::getNumElements));
                }
                case RICCATI -> {
                    var solution = Lqr.solve(system, COST);
                    return bytes(IntStream.range(0, T).map(k -> solution.gain(k).getNumElements()));
                }
                case TRACKER -> {
                    var first = new double[model.dimension()];
                    first[0] = 1;
                    var last = new double[T + 1];
                    last[T] = 1;
                    tracker = FeatureTracker.of(
                            plant,
                            plant.nominal().rollout().states(),
                            Setpoint.constant(T, first, 1),
                            last,
                            1,
                            InputMatrix.everywhere());
                    // back to the first state: a product for every block
                    plant.vjp(
                            0,
                            tracker.laws(HookPoint.RESID_POST, 0)
                                    .get(0)
                                    .feedback()
                                    .orElseThrow()
                                    .measurement()
                                    .directions());
                    return bytes(IntStream.range(0, T)
                            .boxed()
                            .flatMap(k -> tracker.laws(HookPoint.RESID_POST, k).stream())
                            .map(law -> law.feedback().orElseThrow())
                            .mapToInt(law -> law.W().getNumElements()
                                    + law.measurement().directions().getNumElements()));
                }
                default -> {
                    model.steered(tracker).generateOfTokens(List.of(PROMPT), GENERATED, Sampling.greedy());
                    return 0;
                }
            }
        }

        private static long bytes(IntStream numbers) {
            return Double.BYTES * numbers.asLongStream().sum();
        }
    }

    /** Returns the measured shapes, in the order given. */
    public List<ModelShape> shapes() {
        return shapes;
    }

    /** Returns the median seconds of a stage, one number for each shape. */
    public double[] seconds(Stage stage) {
        return Arrays.stream(seconds.get(stage)).mapToDouble(Statistics::median).toArray();
    }

    /** Returns {@link #seconds} of every stage by its name, for a chart. */
    public Map<String, double[]> curves() {
        var curves = new LinkedHashMap<String, double[]>();
        for (var stage : Stage.values()) {
            curves.put(stage.toString(), seconds(stage));
        }
        return curves;
    }

    /** Returns the bytes that a stage's result holds on Java's heap, one number for each shape; 0 for a text. */
    public long[] bytes(Stage stage) {
        return bytes.get(stage).clone();
    }

    /** Returns {@link #bytes} in megabytes of a million bytes, for a chart. */
    public double[] megabytes(Stage stage) {
        return Arrays.stream(bytes.get(stage)).mapToDouble(count -> count / 1e6).toArray();
    }

    /**
     * Returns the power of a size with which a stage's time grows. Fits the slope of log seconds over log size by least
     * squares in every round. Returns the median slope with the smallest and largest as interval. This interval
     * contains the true median with probability 1 - 2^(1 - rounds).
     *
     * @param size for instance {@code ModelShape::dimension}
     * @param from leaves out smaller shapes, where fixed costs outweigh arithmetic: a few dozen calls of the engine for
     *     each block
     * @throws IllegalArgumentException if fewer than two sizes are left
     */
    public ConfidenceInterval exponent(Stage stage, ToDoubleFunction<ModelShape> size, double from) {
        var times = seconds.get(stage);
        double[] slopes = IntStream.range(0, times[0].length)
                .mapToDouble(round -> slope(size, from, i -> times[i][round]))
                .sorted()
                .toArray();
        return new ConfidenceInterval(Statistics.median(slopes), slopes[0], slopes[slopes.length - 1]);
    }

    /** Returns the power that theory expects over the same shapes, from the number of multiplications. */
    public double expected(Stage stage, ToDoubleFunction<ModelShape> size, double from) {
        return slope(size, from, i -> stage.work(shapes.get(i)));
    }

    /** Returns the power of a size with which a stage's result grows in memory, over all shapes; NaN for a text. */
    public double memoryExponent(Stage stage, ToDoubleFunction<ModelShape> size) {
        return bytes.get(stage)[0] == 0 ? Double.NaN : slope(size, 0, i -> bytes.get(stage)[i]);
    }

    private double slope(ToDoubleFunction<ModelShape> size, double from, IntToDoubleFunction value) {
        int[] some = IntStream.range(0, shapes.size())
                .filter(i -> size.applyAsDouble(shapes.get(i)) >= from)
                .toArray();
        double[] x = Arrays.stream(some)
                .mapToDouble(i -> Math.log(size.applyAsDouble(shapes.get(i))))
                .toArray();
        if (Arrays.stream(x).distinct().count() < 2) {
            throw new IllegalArgumentException(
                    some.length + " shapes from size " + from + " on, wanted two or more of different sizes");
        }
        double[] y = Arrays.stream(some)
                .mapToDouble(i -> Math.log(value.applyAsDouble(i)))
                .toArray();
        return Statistics.leastSquares(x, y, Double.NaN).slope();
    }

    /**
     * Returns the seconds that a stage would take on another shape, at the rate of the measured shape with the most
     * work. Ignores other limits of a larger model, memory above all.
     */
    public double predicted(Stage stage, ModelShape shape) {
        int largest = IntStream.range(0, shapes.size())
                .boxed()
                .max((a, b) -> Double.compare(stage.work(shapes.get(a)), stage.work(shapes.get(b))))
                .orElseThrow();
        return stage.work(shape) / stage.work(shapes.get(largest)) * seconds(stage)[largest];
    }

    /** Returns the median seconds: a row for each shape, a column for each stage. */
    public Table table() {
        return table(
                "median of " + seconds.get(Stage.TRACE)[0].length + " rounds, seconds",
                shapes,
                (stage, i) -> seconds(stage)[i]);
    }

    /** Returns the {@link #predicted} seconds: a row for each shape, a column for each stage. */
    public Table predictions(List<ModelShape> others) {
        return table("predicted seconds", others, (stage, i) -> predicted(stage, others.get(i)));
    }

    private interface Cell {
        double at(Stage stage, int shape);
    }

    private static Table table(String title, List<ModelShape> rows, Cell cell) {
        var table = Table.create(
                title,
                StringColumn.create("model", rows.stream().map(ModelShape::name)),
                DoubleColumn.create(
                        "T", rows.stream().mapToDouble(ModelShape::horizon).toArray()),
                DoubleColumn.create(
                        "d", rows.stream().mapToDouble(ModelShape::dimension).toArray()));
        for (var stage : Stage.values()) {
            table.addColumns(DoubleColumn.create(
                    stage.toString(),
                    IntStream.range(0, rows.size())
                            .mapToDouble(i -> cell.at(stage, i))
                            .toArray()));
        }
        return table;
    }

    /** Returns {@link #exponent}, {@link #expected} and {@link #memoryExponent} of every stage. */
    public Table exponents(String symbol, ToDoubleFunction<ModelShape> size, double from) {
        var stages = List.of(Stage.values());
        return Table.create(
                "powers of " + symbol + ", times from " + symbol + " = " + (long) from + " on",
                StringColumn.create("stage", stages.stream().map(Stage::toString)),
                StringColumn.create("time", stages.stream().map(stage -> exponent(stage, size, from)
                        .toString())),
                DoubleColumn.create(
                        "theory",
                        stages.stream()
                                .mapToDouble(stage -> expected(stage, size, from))
                                .toArray()),
                DoubleColumn.create(
                        "memory",
                        stages.stream()
                                .mapToDouble(stage -> memoryExponent(stage, size))
                                .toArray()));
    }

    @Override
    public String toString() {
        return "ScalingStudy[" + shapes.size() + " shapes, " + seconds.get(Stage.TRACE)[0].length + " rounds]";
    }
}
