package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelStore;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.steer.Provenance;
import rudder.study.LinearityStudy.With;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;
import rudder.theory.control.Forecast;
import rudder.theory.control.Rollout;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * How well linear models foretell whole runs of a prompt's blocks, one step ahead and from block 0 to the end, see
 * {@link Forecast}: without inputs, under a plan, and under feedback. Feedback is the A-LQR controller of the very
 * model that foretells; the plan is its twin, frozen at the unsteered run.
 *
 * <pre>{@code
 * var forecasts = ForecastStudy.kept(model, prompts, features.setpoint(1), new QuadraticCost(.1, 10, .1));   // ForecastStudy[30 blocks, 15 prompts, ..]
 * }</pre>
 *
 * <p>At one time the sum of all prompts' Jacobians, one prompt's and a regulator's gains are in memory: 4 x 8 T d^2
 * bytes. What was measured of a prompt is kept as soon as it is known. Intervals are over prompts.
 */
public final class ForecastStudy {

    /** What acts on the plant. */
    public enum Loop {
        /** Nothing; the first state is moved a tenth of its length towards another prompt's. */
        FREE,
        /** The controller's inputs, computed beforehand for the unsteered run. */
        PLAN,
        /** The controller. */
        FEEDBACK;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final double RADIUS = .1;

    private final String model;
    private final Setpoint setpoint;
    private final List<Measurements> prompts;

    private ForecastStudy(String model, Setpoint setpoint, List<Measurements> prompts) {
        this.model = model;
        this.setpoint = setpoint;
        this.prompts = prompts;
    }

    /**
     * Measures every prompt that is not kept yet.
     *
     * @param prompts at least three
     * @param setpoint where the controllers steer to
     * @param cost what they minimise
     * @throws IllegalArgumentException if there are fewer than three prompts, one of them twice, or the setpoint is
     *     another model's
     * @throws IOException if an artefact cannot be written or, once there, read
     */
    public static ForecastStudy kept(LanguageModel model, List<String> prompts, Setpoint setpoint, QuadraticCost cost)
            throws IOException {
        return kept(model, prompts, setpoint, cost, ModelStore.cache());
    }

    static ForecastStudy kept(
            LanguageModel model, List<String> prompts, Setpoint setpoint, QuadraticCost cost, Path cache)
            throws IOException {
        Neighbours.requireSome(prompts);
        var inputs = Provenance.digest(
                List.of(Provenance.digest(prompts), digest(setpoint), cost.toString(), Double.toString(RADIUS)));
        int n = prompts.size();
        var parts = IntStream.range(0, n)
                .mapToObj(i -> new Provenance(
                        "forecasts at prompt " + i,
                        model.name(),
                        model.sha256(),
                        model.precision(),
                        inputs,
                        n,
                        model.horizon(),
                        Provenance.VERSION))
                .toList();
        try (var job = Progress.of("forecasts at " + n + " prompts", 2L * n)) {
            return new ForecastStudy(
                    model.name(),
                    setpoint,
                    Measurements.kept(
                            cache,
                            parts,
                            () -> Laboratory.of(model, prompts, setpoint, cost, job),
                            Laboratory::prompt,
                            done -> job.reach(n + done)));
        }
    }

    private static String digest(Setpoint setpoint) {
        return Provenance.digest(IntStream.rangeClosed(0, setpoint.horizon())
                .mapToObj(k -> setpoint.target(k) + " " + Arrays.toString(setpoint.direction(k)))
                .toList());
    }

    /** What it is measured with; sum is that of all prompts' Jacobians, by block. */
    private record Laboratory(
            LanguageModel model, Neighbours prompts, List<DMatrixRMaj> sum, Setpoint setpoint, QuadraticCost cost) {

        static Laboratory of(
                LanguageModel model, List<String> prompts, Setpoint setpoint, QuadraticCost cost, Progress job) {
            var neighbours = Neighbours.of(model, prompts);
            var sum = new ArrayList<DMatrixRMaj>();
            for (int k = 0; k < model.horizon(); k++) {
                sum.add(new DMatrixRMaj(model.dimension(), model.dimension()));
            }
            for (var plant : neighbours.plants()) {
                for (int k = 0; k < model.horizon(); k++) {
                    CommonOps_DDRM.addEquals(sum.get(k), plant.jacobian(k));
                }
                job.advance(1);
            }
            return new Laboratory(model, neighbours, sum, setpoint, cost);
        }

        Measurements prompt(int i) {
            var tables = new TreeMap<String, double[][]>();
            var own = jacobians(k -> prompts.plants().get(i).jacobian(k));
            measure(tables, i, With.OWN, own);
            measure(tables, i, With.MEAN, jacobians(k -> {
                var mean = CommonOps_DDRM.subtract(
                        sum.get(k), own.get(k), own.get(k)); // in its place: it is not needed any more
                CommonOps_DDRM.scale(1.0 / (prompts.size() - 1), mean);
                return mean;
            }));
            measure(tables, i, With.NEAREST, jacobians(k -> prompts.plants()
                    .get(prompts.nearest(k, i))
                    .jacobian(k)));
            return new Measurements(tables);
        }

        private List<DMatrixRMaj> jacobians(IntFunction<DMatrixRMaj> block) {
            return IntStream.range(0, model.horizon()).mapToObj(block).toList();
        }

        private void measure(Map<String, double[][]> tables, int i, With with, List<DMatrixRMaj> jacobians) {
            var system = LinearSystem.of(jacobians, model.algebra(), with + " Jacobians");
            var controller = Controller.lqr(Lqr.solve(system, cost), setpoint);
            for (var loop : Loop.values()) {
                var forecast = forecast(i, system, controller, loop);
                tables.put(name("all", loop, with), new double[][] {forecast.errors()});
                tables.put(name("one", loop, with), new double[][] {forecast.stepErrors(system)});
                tables.put(
                        name("strength", loop, with),
                        new double[][] {{strength(forecast.predicted()), strength(forecast.actual())}});
            }
        }

        private Forecast forecast(int i, LinearSystem system, Controller controller, Loop loop) {
            var plant = prompts.plants().get(i);
            var nominal = plant.nominal().rollout();
            double[] start = prompts.state(0, i);
            return switch (loop) {
                case FREE -> Forecast.of(plant, system, nominal, Controller.none(), moved(i));
                case PLAN -> Forecast.of(plant, system, nominal, controller.frozenAt(nominal.states()), start);
                case FEEDBACK -> Forecast.of(plant, system, nominal, controller, start);
            };
        }

        /** Towards the next prompt whose first state is another one. */
        private double[] moved(int i) {
            double[] z = prompts.state(0, i).clone();
            double[] w = prompts.differences(0, i).stream()
                    .filter(difference -> Vectors.norm(difference) > 0)
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "all prompts end in the same token: their first states are the same"));
            double scale = RADIUS * Vectors.norm(z) / Vectors.norm(w);
            Arrays.setAll(z, c -> z[c] + scale * w[c]);
            return z;
        }

        private double strength(Rollout run) {
            int last = setpoint.horizon();
            return setpoint.inGaps(last, setpoint.strength(last, run.states()[last]));
        }
    }

    private static String name(String what, Loop loop, With with) {
        return what + "." + loop + "." + with;
    }

    /** T. */
    public int horizon() {
        return setpoint.horizon();
    }

    /** Number of prompts. */
    public int prompts() {
        return prompts.size();
    }

    /** {@link Forecast#errors}, k = 0..T: of all steps up to block k. */
    public List<ConfidenceInterval> errors(Loop loop, With with) {
        return byColumn(name("all", loop, with));
    }

    /** {@link Forecast#stepErrors}, k = 0..T-1: of block k alone. */
    public List<ConfidenceInterval> stepErrors(Loop loop, With with) {
        return byColumn(name("one", loop, with));
    }

    /** The last state's feature strength that was foretold, in gaps. */
    public ConfidenceInterval foretold(Loop loop, With with) {
        return ConfidenceInterval.bootstrap(column(name("strength", loop, with), 0));
    }

    /** The one that was reached. */
    public ConfidenceInterval reached(Loop loop, With with) {
        return ConfidenceInterval.bootstrap(column(name("strength", loop, with), 1));
    }

    /** How far a prompt's strength was from the one foretold, either way, in gaps. */
    public ConfidenceInterval missed(Loop loop, With with) {
        double[] foretold = column(name("strength", loop, with), 0);
        double[] reached = column(name("strength", loop, with), 1);
        return ConfidenceInterval.bootstrap(IntStream.range(0, foretold.length)
                .mapToDouble(i -> Math.abs(foretold[i] - reached[i]))
                .toArray());
    }

    /** One step, a prompt's mean over blocks. */
    public ConfidenceInterval meanStepError(Loop loop, With with) {
        return ConfidenceInterval.bootstrap(prompts.stream()
                .mapToDouble(prompt -> Arrays.stream(prompt.table(name("one", loop, with))[0])
                        .filter(e -> !Double.isNaN(e))
                        .average()
                        .orElse(Double.NaN))
                .toArray());
    }

    /**
     * One row a loop and Jacobian: errors of one step and of all, and the strength that the last state was foretold to
     * have and had.
     */
    public Table table() {
        var loops = StringColumn.create("loop");
        var jacobians = StringColumn.create("Jacobian");
        var columns = Stream.of(
                        "one step, mean over blocks",
                        "all steps, at the end",
                        "strength foretold (gaps)",
                        "reached",
                        "missed by")
                .map(StringColumn::create)
                .toList();
        for (var loop : Loop.values()) {
            for (var with : With.values()) {
                loops.append(loop.toString());
                jacobians.append(with.toString());
                var row = List.of(
                        meanStepError(loop, with),
                        errors(loop, with).get(horizon()),
                        foretold(loop, with),
                        reached(loop, with),
                        missed(loop, with));
                for (int c = 0; c < row.size(); c++) {
                    columns.get(c).append(row.get(c).toString());
                }
            }
        }
        return Table.create("forecasts, " + prompts() + " prompts", loops, jacobians)
                .addColumns(columns.toArray(StringColumn[]::new));
    }

    private List<ConfidenceInterval> byColumn(String table) {
        return IntStream.range(0, prompts.get(0).table(table)[0].length)
                .mapToObj(c -> ConfidenceInterval.bootstrap(column(table, c)))
                .toList();
    }

    private double[] column(String table, int column) {
        return prompts.stream()
                .mapToDouble(prompt -> prompt.table(table)[0][column])
                .toArray();
    }

    @Override
    public String toString() {
        return "ForecastStudy[" + model + ", " + horizon() + " blocks, " + prompts() + " prompts, " + setpoint + "]";
    }
}
