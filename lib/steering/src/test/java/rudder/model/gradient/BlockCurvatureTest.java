package rudder.model.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Activation;
import rudder.model.Tiny;
import rudder.model.transformer.Nonlinearity;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.bound.CertifiedBound;
import rudder.theory.bound.LyapunovFunction;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class BlockCurvatureTest {
    private static final int[] LENGTHS = {1, 2, 13};

    /** |phi(z + x) - phi(z) - A x| <= H/2 |x|^2, for x in random directions and in those of the state. */
    @ParameterizedTest
    @EnumSource
    void noStepInTheBallLeavesTheTangentByMore(Tiny tiny) {
        var random = new Random(1);
        for (int n : LENGTHS) {
            var plant = tiny.model().plant(Tiny.tokens(n, n));
            var curvature = plant.curvature();
            for (int k = 0; k < tiny.horizon; k++) {
                double[] z = plant.nominal().state(k);
                var a = plant.jacobian(k);
                for (double share : new double[] {1e-3, 1e-2, .1, .5, 2}) {
                    double radius = share * norm(z);
                    double[][] steps = IntStream.range(0, 20)
                            .mapToObj(i -> scaled(
                                    radius,
                                    i == 0
                                            ? z
                                            : i == 1
                                                    ? sum(-1, z, 0, z)
                                                    : random.doubles(z.length, -1, 1)
                                                            .toArray()))
                            .toArray(double[][]::new);
                    double[][] moved = plant.next(
                            k, Arrays.stream(steps).map(x -> sum(1, z, 1, x)).toArray(double[][]::new));
                    double[] there = plant.next(k, z);
                    double most = curvature.within(k, radius) / 2 * radius * radius;
                    for (int i = 0; i < steps.length; i++) {
                        var ax = new DMatrixRMaj(z.length, 1);
                        CommonOps_DDRM.mult(a, new DMatrixRMaj(steps[i]), ax);
                        double rest = norm(sum(1, sum(1, moved[i], -1, there), -1, ax.data));
                        assertTrue(
                                rest <= most,
                                rest + " against " + most + ", block " + k + ", " + n + " tokens, radius " + radius);
                    }
                }
            }
        }
    }

    /** YaRN multiplies queries and keys by an amplitude, as weights of twice the size do. */
    @Test
    void anAmplitudeIsBoundedAsLargerWeightsAre() {
        float amplitude = 2;
        var larger = Tiny.LLAMA.tensors();
        larger.forEach((name, tensor) -> {
            if (name.endsWith("attn_q.weight") || name.endsWith("attn_k.weight")) {
                for (int i = 0; i < tensor.values().length; i++) {
                    tensor.values()[i] *= amplitude;
                }
            }
        });
        try (var scaled = Tiny.LLAMA.load(DataType.FLOAT64, larger, gguf -> {});
                var turned = Tiny.LLAMA.load(
                        DataType.FLOAT64, Tiny.LLAMA.tensors(), gguf -> gguf.string("llama.rope.scaling.type", "yarn")
                                .float32("llama.rope.scaling.factor", 1)
                                .uint32("llama.rope.scaling.original_context_length", 64)
                                .float32("llama.rope.scaling.yarn_attn_factor", amplitude))) {
            var wanted = scaled.plant(Tiny.tokens(7, 7));
            var found = turned.plant(Tiny.tokens(7, 7));
            for (int k = 0; k < Tiny.LLAMA.horizon; k++) {
                double[] z = wanted.nominal().state(k);
                assertEquals(0, norm(sum(1, z, -1, found.nominal().state(k))) / norm(z), 1e-6, "state " + k);
                for (double share : new double[] {1e-3, .1}) {
                    double bound = wanted.curvature().within(k, share * norm(z));
                    assertEquals(bound, found.curvature().within(k, share * norm(z)), 1e-5 * bound, "block " + k);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theCertificateMadeOfItHoldsOnRuns(Tiny tiny) {
        var plant = tiny.model().plant(Tiny.tokens(5, 5));
        var nominal = Rollout.of(plant, Controller.none(), plant.nominal().state(0)); // as the plant itself rounds it
        var solution = Lqr.solve(
                LinearSystem.of(IntStream.range(0, tiny.horizon)
                        .mapToObj(plant::jacobian)
                        .toList()),
                new QuadraticCost(1, 1, 1));
        var lyapunov = LyapunovFunction.of(solution.closedLoop());
        var bound = CertifiedBound.of(lyapunov, lyapunov.transitionNorms(), plant.curvature());
        var random = new Random(2);
        for (double size : new double[] {1e-8, 1e-5, 1e-2}) {
            double[] start = sum(
                    1,
                    nominal.states()[0],
                    1,
                    scaled(size, random.doubles(Tiny.D, -1, 1).toArray()));
            var run = Rollout.of(plant, Controller.tracking(solution, nominal.states()), start)
                    .minus(nominal);
            assertTrue(bound.holds(run), "size " + size);
            assertTrue(
                    size > 1e-8 || bound.along(run)[tiny.horizon] < 1,
                    () -> "the bound is " + bound.along(run)[tiny.horizon]);
        }
    }

    @Test
    void normsAreBoundedFromAboveAndClosely() {
        var random = new Random(3);
        try (var scope = NDManager.newBaseManager("PyTorch")) {
            for (int[] shape : new int[][] {{5, 40}, {40, 5}, {64, 64}, {1, 7}}) {
                var a = RandomMatrices_DDRM.rectangleGaussian(shape[0], shape[1], 0, 1, random);
                NDArray w = scope.create(a.data, new Shape(1, shape[0], shape[1]));
                double ratio = BlockCurvature.norms(w)[0] / NormOps_DDRM.normP2(a);
                assertTrue(ratio > 1 - 1e-12 && ratio < 1.1, "ratio " + ratio);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nowhereIsAnActivationSteeperOrSharper(Activation named) {
        try (var scope = NDManager.newBaseManager("PyTorch")) {
            var activation = Nonlinearity.of(named, scope::create);
            double h = 1e-4;
            NDArray g = scope.arange(-12, 12, (float) h).toType(DataType.FLOAT64, false);
            double[] slopes = activation.derivative(g).toDoubleArray();
            double[] bends = activation
                    .derivative(g.add(h))
                    .sub(activation.derivative(g.sub(h)))
                    .div(2 * h)
                    .toDoubleArray();
            assertEquals(
                    activation.steepest(),
                    Arrays.stream(slopes).map(Math::abs).max().orElseThrow(),
                    1e-4);
            assertEquals(
                    activation.sharpest(),
                    Arrays.stream(bends).map(Math::abs).max().orElseThrow(),
                    1e-4);
        }
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(value -> value * value).sum());
    }

    /** x at length a. */
    private static double[] scaled(double a, double[] x) {
        return sum(a / norm(x), x, 0, x);
    }

    private static double[] sum(double a, double[] x, double b, double[] y) {
        return IntStream.range(0, x.length)
                .mapToDouble(i -> a * x[i] + b * y[i])
                .toArray();
    }
}
