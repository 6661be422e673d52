package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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
 * Measures how well linear models predict whole runs through the blocks at a prompt, one step ahead and from block 0 to
 * the end; see {@link Forecast}. The runs have no inputs, a plan, or feedback. Feedback is the A-LQR controller made
 * from the linear model that predicts. The plan is the same controller, frozen at the unsteered run. With
 * {@link Jacobians#IDENTITY} all of them know nothing of the model.
 *
 * <pre>{@code
 * var cost = new QuadraticCost(0.1, 10, 0.1);
 * var forecasts = ForecastStudy.kept(model, prompts, features.setpoint(1), cost);   // ForecastStudy[30 blocks, ..]
 * }</pre>
 *
 * <p>Memory holds the sum of all prompts' Jacobians, one prompt's Jacobians and a regulator's gains: 4 x 8 T d^2 bytes.
 * The measurements of each prompt are saved at once. Intervals are over prompts.
 */
public final class ForecastStudy {

    /** Says what acts on the plant. */
    public enum Loop {
        /** No input. The first state is moved by a tenth of its length towards another prompt's. */
        FREE,
        /** The inputs that the controller computes for the unsteered run. */
        PLAN,
        /** The controller. */
        FEEDBACK;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final double RADIUS = 0.1;

    private final String model;
    private final Setpoint setpoint;
    private final List<Measurements> prompts;

    private ForecastStudy(String model, Setpoint setpoint, List<Measurements> prompts) {
        this.model = model;
        this.setpoint = setpoint;
        this.prompts = prompts;
    }

    /**
     * Measures every prompt whose measurements are not saved yet.
     *
     * @param prompts at least three
     * @param setpoint the target of the controllers
     * @param cost the cost that the controllers minimise
     * @throws IllegalArgumentException if there are fewer than three prompts, a prompt occurs twice, or the setpoint
     *     belongs to another model
     * @throws IOException if an artefact cannot be written, or cannot be read back
     */
    public static ForecastStudy kept(LanguageModel model, List<String> prompts, Setpoint setpoint, QuadraticCost cost)
            throws IOException {
        return kept(model, prompts, setpoint, cost, ModelStore.cache());
    }

    static ForecastStudy kept(
            LanguageModel model, List<String> prompts, Setpoint setpoint, QuadraticCost cost, Path cache)
            throws IOException {
        Neighbours.requireSome(prompts);
        var inputs = Provenance.digest(List.of(
                Provenance.digest(prompts),
                digest(setpoint),
                cost.toString(),
                RADIUS + " " + List.of(Jacobians.values())));
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

    /** A linear model of the plant, and the A-LQR controller made from it. */
    private record Regulated(LinearSystem system, Controller controller) {

        static Regulated of(
                LanguageModel model,
                Jacobians with,
                List<DMatrixRMaj> jacobians,
                Setpoint setpoint,
                QuadraticCost cost) {
            var system = LinearSystem.of(jacobians, model.algebra(), with + " Jacobians");
            return new Regulated(system, Controller.lqr(Lqr.solve(system, cost), setpoint));
        }
    }

    /**
     * The instruments of the study; {@code sum} is the sum of all prompts' Jacobians, by block. {@code identity} is the
     * same at every prompt.
     */
    private record Laboratory(
            LanguageModel model,
            Neighbours prompts,
            List<DMatrixRMaj> sum,
            Regulated identity,
            Setpoint setpoint,
            QuadraticCost cost) {

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
            var jacobians = Collections.nCopies(model.horizon(), CommonOps_DDRM.identity(model.dimension()));
            var identity = Regulated.of(model, Jacobians.IDENTITY, jacobians, setpoint, cost);
            return new Laboratory(model, neighbours, sum, identity, setpoint, cost);
        }

        Measurements prompt(int i) {
            var tables = new TreeMap<String, double[][]>();
            var own = jacobians(k -> prompts.plants().get(i).jacobian(k));
            measure(tables, i, Jacobians.OWN, regulated(Jacobians.OWN, own));
            measure(tables, i, Jacobians.MEAN, regulated(Jacobians.MEAN, jacobians(k -> {
                // overwrites own, which is not needed any more
                var mean = CommonOps_DDRM.subtract(sum.get(k), own.get(k), own.get(k));
                CommonOps_DDRM.scale(1.0 / (prompts.size() - 1), mean);
                return mean;
            })));
            measure(tables, i, Jacobians.NEAREST, regulated(Jacobians.NEAREST, jacobians(k -> prompts.plants()
                    .get(prompts.nearest(k, i))
                    .jacobian(k))));
            measure(tables, i, Jacobians.IDENTITY, identity);
            return new Measurements(tables);
        }

        private List<DMatrixRMaj> jacobians(IntFunction<DMatrixRMaj> block) {
            return IntStream.range(0, model.horizon()).mapToObj(block).toList();
        }

        private Regulated regulated(Jacobians with, List<DMatrixRMaj> jacobians) {
            return Regulated.of(model, with, jacobians, setpoint, cost);
        }

        private void measure(Map<String, double[][]> tables, int i, Jacobians with, Regulated linear) {
            for (var loop : Loop.values()) {
                var forecast = forecast(i, linear, loop);
                tables.put(name("all", loop, with), new double[][] {forecast.errors()});
                tables.put(name("one", loop, with), new double[][] {forecast.stepErrors(linear.system)});
                tables.put(
                        name("strength", loop, with),
                        new double[][] {{strength(forecast.predicted()), strength(forecast.actual())}});
            }
        }

        private Forecast forecast(int i, Regulated linear, Loop loop) {
            var plant = prompts.plants().get(i);
            var nominal = plant.nominal().rollout();
            double[] start = prompts.state(0, i);
            return switch (loop) {
                case FREE -> Forecast.of(plant, linear.system, nominal, Controller.none(), moved(i));
                case PLAN -> Forecast.of(plant, linear.system, nominal, linear.controller.frozenAt(nominal), start);
                case FEEDBACK -> Forecast.of(plant, linear.system, nominal, linear.controller, start);
            };
        }

        /** Returns z_0 of prompt i, moved towards the next prompt whose first state differs. */
        private double[] moved(int i) {
            double[] z = prompts.state(0, i);
            double[] w = prompts.differences(0, i).stream()
                    .filter(difference -> Vectors.norm(difference) > 0)
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("all prompts end in the same token, so that their"
                            + " first states are the same; wanted two that differ"));
            double scale = RADIUS * Vectors.norm(z) / Vectors.norm(w);
            return Vectors.plus(z, scale, w);
        }

        private double strength(Rollout run) {
            int last = setpoint.horizon();
            return setpoint.inGaps(last, setpoint.strength(last, run.states()[last]));
        }
    }

    private static String name(String what, Loop loop, Jacobians with) {
        return what + "." + loop + "." + with;
    }

    /** Returns T, the number of blocks. */
    public int horizon() {
        return setpoint.horizon();
    }

    /** Returns the number of prompts. */
    public int prompts() {
        return prompts.size();
    }

    /** Returns {@link Forecast#errors}, k = 0..T: the error of all steps up to block k. */
    public List<ConfidenceInterval> errors(Loop loop, Jacobians with) {
        return byColumn(name("all", loop, with));
    }

    /** Returns {@link Forecast#stepErrors}, k = 0..T-1: the error of block k alone. */
    public List<ConfidenceInterval> stepErrors(Loop loop, Jacobians with) {
        return byColumn(name("one", loop, with));
    }

    /** Returns the predicted feature strength of the last state, in gaps. */
    public ConfidenceInterval foretold(Loop loop, Jacobians with) {
        return ConfidenceInterval.bootstrap(column(name("strength", loop, with), 0));
    }

    /** Returns the actual feature strength of the last state, in gaps. */
    public ConfidenceInterval reached(Loop loop, Jacobians with) {
        return ConfidenceInterval.bootstrap(column(name("strength", loop, with), 1));
    }

    /** Returns the absolute difference between the predicted and the actual strength, in gaps. */
    public ConfidenceInterval missed(Loop loop, Jacobians with) {
        double[] foretold = column(name("strength", loop, with), 0);
        double[] reached = column(name("strength", loop, with), 1);
        return ConfidenceInterval.bootstrap(IntStream.range(0, foretold.length)
                .mapToDouble(i -> Math.abs(foretold[i] - reached[i]))
                .toArray());
    }

    /** Returns the error of one step, averaged over blocks. */
    public ConfidenceInterval meanStepError(Loop loop, Jacobians with) {
        return ConfidenceInterval.bootstrap(prompts.stream()
                .mapToDouble(prompt -> Arrays.stream(prompt.table(name("one", loop, with))[0])
                        .filter(e -> !Double.isNaN(e))
                        .average()
                        .orElse(Double.NaN))
                .toArray());
    }

    /**
     * Returns a table with one row for each loop and kind of Jacobians: the errors of one step and of all steps, and
     * the predicted and actual strength of the last state.
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
            for (var with : Jacobians.values()) {
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
