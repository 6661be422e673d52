package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.store.ModelStore;
import rudder.theory.Differential;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.MatrixFreeLqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Spectra;
import rudder.theory.bound.LyapunovFunction;
import rudder.theory.bound.SampledBound;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import rudder.theory.control.Rollout;

/**
 * The bounds, spectra and gains of theory on a real model: against numbers that another program made from Jacobians of
 * its own, and made in two ways. The tolerances are those of the products' precision; the algebra between is in double
 * precision throughout.
 */
@Tag("model")
class BoundsGoldenTest {
    private static final int T = 30;
    private static final QuadraticCost COST = new QuadraticCost(.1, 1, .1); // the golden's

    private final Golden golden = Golden.of("smollm2");
    private final List<int[]> prompts = golden.at("jac_meta", "prompts10_ids").list().stream()
            .map(Golden::ints)
            .toList();
    private LanguageModel model;

    private void load(DataType type) throws IOException {
        model = new ModelLoader(type, null).load(ModelStore.fetch("SmolLM2-135M-Instruct"));
    }

    @AfterEach
    void close() {
        model.close();
    }

    /**
     * In single precision our own Jacobians differ from the golden's; those of the model in double precision are the
     * same to its digits.
     */
    @ParameterizedTest
    @CsvSource({"FLOAT32, 1e-4", "FLOAT64, 1e-6"})
    void theSampledBoundIsTheGoldenTermByTerm(DataType type, double tolerance) throws IOException {
        load(type);
        var solution = solution(prompts.subList(0, 1));
        var lyapunov = LyapunovFunction.of(solution.closedLoop());
        var nominal = model.plant(prompts.get(0)).nominal().rollout();
        var closed = deviations(Controller.tracking(solution, nominal.states()), nominal);
        var bound = SampledBound.of(lyapunov, lyapunov.transitionNorms(), closed);
        var terms = bound.terms(closed.get(0));

        var wanted = golden.at("tracking_bound");
        assertClose(
                wanted.at("P_trace").numbers(),
                IntStream.rangeClosed(0, T).mapToDouble(k -> CommonOps_DDRM.trace(lyapunov.matrix(k))),
                tolerance,
                "trace P");
        assertClose(wanted.at("L_right").numbers(), DoubleStream.of(bound.curvatures()), tolerance, "L");
        assertClose(
                column(wanted, "term1_right"), DoubleStream.of(terms.linear()).skip(1), tolerance, "linear part");
        assertClose(column(wanted, "sum_right"), DoubleStream.of(terms.curved()).skip(1), tolerance, "curved part");
        assertClose(
                column(wanted, "bound_right"),
                DoubleStream.of(bound.along(closed.get(0))).skip(1),
                tolerance,
                "bound");
        double[][] errors = wanted.at("err_all_rollouts").rows();
        for (int run = 0; run < errors.length; run++) {
            assertClose(
                    errors[run], DoubleStream.of(lyapunov.norms(closed.get(run))), tolerance, "|dz|_P of run " + run);
        }
        assertClose(wanted.at("dz_l2_closed").numbers(), norms(closed.get(0)), tolerance, "|dz|, closed loop");
        assertClose(
                wanted.at("dz_l2_open").numbers(),
                norms(deviations(Controller.none(), nominal).get(0)),
                tolerance,
                "|dz|, open loop");
        assertEquals(1, bound.coverage(closed));
    }

    @Test
    void spectraAreTheGoldens() throws IOException {
        load(DataType.FLOAT32);
        var solution = solution(prompts.subList(0, 5));
        var open = Spectra.of(solution.system());
        var closed = Spectra.of(solution.closedLoop());
        var wanted = golden.at("spectra");
        assertClose(wanted.at("A_norm").numbers(), DoubleStream.of(open.norms()), 1e-4, "|A|");
        assertClose(wanted.at("A_radius").numbers(), DoubleStream.of(open.radii()), 1e-4, "radius of A");
        assertClose(wanted.at("cl_norm").numbers(), DoubleStream.of(closed.norms()), 1e-4, "|A - K|");
        assertClose(wanted.at("cl_radius").numbers(), DoubleStream.of(closed.radii()), 1e-4, "radius of A - K");
        assertEquals(1, open.productNorm() / wanted.at("prod_A_norm2").number(), 1e-4);
        assertEquals(1, closed.productNorm() / wanted.at("prod_cl_norm2").number(), 1e-4);
        assertEquals(1, open.productRadius() / wanted.at("prod_A_radius").number(), 1e-4);
        assertEquals(1, closed.productRadius() / wanted.at("prod_cl_radius").number(), 1e-4);
    }

    /** In single precision products and rows agree to 3e-6; the tolerance leaves room for other machines. */
    @ParameterizedTest
    @CsvSource({"FLOAT32, 1e-4", "FLOAT64, 1e-6"})
    void theTrackerFromVectorJacobianProductsIsTheOneFromMatrices(DataType type, double tolerance) throws IOException {
        load(type);
        var plant = model.plant(prompts.get(0));
        var dense = Differential.of(solution(prompts.subList(0, 1)).system());
        var nominal = plant.nominal().rollout().states();
        var weights = new double[T + 1];
        Arrays.fill(weights, .1);
        var byProducts = FeatureTracker.of(plant, nominal, setpoint(), weights, 10, InputMatrix.everywhere());
        var byMatrices = FeatureTracker.of(dense, nominal, setpoint(), weights, 10, InputMatrix.everywhere());
        for (int k = 0; k < T; k++) {
            var found =
                    byProducts.laws(HookPoint.RESID_POST, k).get(0).feedback().orElseThrow();
            var wanted =
                    byMatrices.laws(HookPoint.RESID_POST, k).get(0).feedback().orElseThrow();
            assertEquals(
                    0,
                    Golden.relative(
                            found.measurement().directions().data,
                            wanted.measurement().directions().data),
                    tolerance,
                    "C of block " + k);
            assertEquals(
                    0,
                    Golden.relative(
                            found.measurement().targets(), wanted.measurement().targets()),
                    tolerance,
                    "b of block " + k);
            assertEquals(0, Golden.relative(found.W().data, wanted.W().data), tolerance, "W of block " + k);
        }
    }

    /**
     * On the first blocks, where the Jacobians' norms differ most; all thirty agree as closely, at twenty times the
     * price. In single precision residuals stop near 1e-5 and the vectors are good to 3e-4.
     */
    @Test
    void theRegulatorFromProductsAloneIsTheOneFromMatrices() throws IOException {
        load(DataType.FLOAT64);
        var whole = model.plant(prompts.get(0));
        var plant = new Differential() {
            @Override
            public int horizon() {
                return 8;
            }

            @Override
            public int dimension() {
                return whole.dimension();
            }

            @Override
            public DMatrixRMaj jvp(int k, DMatrixRMaj vectors) {
                return whole.jvp(k, vectors);
            }

            @Override
            public DMatrixRMaj vjp(int k, DMatrixRMaj covectors) {
                return whole.vjp(k, covectors);
            }
        };
        int T = plant.horizon();
        var dense = Lqr.solve(
                LinearSystem.of(
                        IntStream.range(0, T).mapToObj(whole::jacobian).toList(), model.algebra(), "first blocks"),
                COST);
        var setpoint = Setpoint.absolute(
                Arrays.copyOf(golden.at("lqr", "v").rows(), T + 1),
                Arrays.copyOf(golden.at("lqr", "mu").numbers(), T + 1),
                1);
        var w = MatrixFreeLqr.feedback(plant, COST, setpoint, 1e-8);
        for (int k = 0; k < T; k++) {
            assertEquals(0, Golden.relative(w.vector(k), dense.feedback(k, setpoint.direction(k))), 1e-6, "w_" + k);
        }
    }

    private Setpoint setpoint() {
        return Setpoint.absolute(
                golden.at("lqr", "v").rows(), golden.at("lqr", "mu").numbers(), 1);
    }

    private LqrSolution solution(List<int[]> at) {
        return Lqr.solve(
                LinearSystem.of(model.meanJacobiansOfTokens(at), model.algebra(), "mean of " + at.size()), COST);
    }

    /** Prompts 1..5 about prompt 0. */
    private List<Rollout> deviations(Controller controller, Rollout nominal) {
        return model.steered(controller).tracesOfTokens(prompts.subList(1, 6)).stream()
                .map(trace -> trace.rollout().minus(nominal))
                .toList();
    }

    private static DoubleStream norms(Rollout run) {
        return Arrays.stream(run.states())
                .mapToDouble(z -> Math.sqrt(DoubleStream.of(z).map(x -> x * x).sum()));
    }

    private static double[] column(Golden bound, String name) {
        return bound.at("table").list().stream()
                .mapToDouble(row -> row.at(name).number())
                .toArray();
    }

    private static void assertClose(double[] wanted, DoubleStream found, double relative, String what) {
        double[] values = found.toArray();
        assertEquals(wanted.length, values.length, what);
        for (int k = 0; k < wanted.length; k++) {
            assertEquals(1, values[k] / wanted[k], relative, what + " at " + k);
        }
    }
}
