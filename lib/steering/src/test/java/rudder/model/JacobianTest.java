package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.types.DataType;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.model.plant.PromptPlant;

/**
 * The closed-form derivative of a block, against its values; prompts of one token, within the sliding window, at its
 * edge and beyond.
 */
class JacobianTest {

    private static final int[] LENGTHS = {1, 2, 5, 6, 13};
    private static final double H = 1e-5;

    private static PromptPlant plant(Tiny tiny, int n, DataType type) {
        return tiny.model(type).plant(Tiny.tokens(n, n));
    }

    @ParameterizedTest
    @EnumSource
    void jacobiansAreCentralDifferencesAtTheNominalAndElsewhere(Tiny tiny) {
        for (int n : LENGTHS) {
            var plant = plant(tiny, n, DataType.FLOAT64);
            for (int k = 0; k < tiny.horizon; k++) {
                double[] nominal = plant.nominal().state(k);
                double[] elsewhere = new Random(n).doubles(Tiny.D, -2, 2).toArray();
                assertClose(
                        differences(plant, k, nominal), plant.jacobian(k), 1e-7, n + " tokens, nominal, block " + k);
                assertClose(
                        differences(plant, k, elsewhere),
                        plant.jacobian(k, elsewhere),
                        1e-7,
                        n + " tokens, elsewhere, block " + k);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void jacobiansOfTheHeapAreThoseOfDoublePrecision(Tiny tiny) {
        for (int n : LENGTHS) {
            var heap = plant(tiny, n, DataType.FLOAT32);
            var exact = plant(tiny, n, DataType.FLOAT64);
            for (int k = 0; k < tiny.horizon; k++) {
                double[] z = new Random(k).doubles(Tiny.D, -2, 2).toArray();
                assertClose(exact.jacobian(k, z), heap.jacobian(k, z), 2e-5, n + " tokens, block " + k);
            }
        }
    }

    /** Column i is (phi(z + h e_i) - phi(z - h e_i)) / 2h. */
    private static DMatrixRMaj differences(PromptPlant plant, int k, double[] z) {
        double[][] moved = new double[2 * z.length][];
        for (int i = 0; i < z.length; i++) {
            moved[2 * i] = z.clone();
            moved[2 * i + 1] = z.clone();
            moved[2 * i][i] += H;
            moved[2 * i + 1][i] -= H;
        }
        double[][] out = plant.next(k, moved);
        var a = new DMatrixRMaj(z.length, z.length);
        for (int i = 0; i < z.length; i++) {
            for (int j = 0; j < z.length; j++) {
                a.set(j, i, (out[2 * i][j] - out[2 * i + 1][j]) / (2 * H));
            }
        }
        return a;
    }

    @ParameterizedTest
    @EnumSource
    void productsOnBothSidesAreTheJacobians(Tiny tiny) {
        for (DataType type : List.of(DataType.FLOAT64, DataType.FLOAT32)) {
            double tolerance = type == DataType.FLOAT64 ? 1e-10 : 1e-5;
            var rows = RandomMatrices_DDRM.rectangle(3, Tiny.D, -1, 1, new Random(4));
            for (int n : LENGTHS) {
                var plant = plant(tiny, n, type);
                for (int k = 0; k < tiny.horizon; k++) {
                    var a = plant.jacobian(k);
                    String what = type + ", " + n + " tokens, block " + k;
                    assertClose(
                            CommonOps_DDRM.multTransB(rows, a, null),
                            plant.jvp(k, rows),
                            tolerance,
                            what); // (A x)' = x'A'
                    assertClose(CommonOps_DDRM.mult(rows, a, null), plant.vjp(k, rows), tolerance, what);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theMeanOverOnePromptIsItsOwnAndOverManyTheirMean(Tiny tiny) {
        var prompts = IntStream.of(LENGTHS).mapToObj(n -> Tiny.tokens(n, n)).toList();
        var mean = tiny.model().meanJacobiansOfTokens(prompts);
        var plants = prompts.stream().map(tiny.model()::plant).toList();
        var own = tiny.model().meanJacobiansOfTokens(prompts.subList(0, 1));
        for (int k = 0; k < tiny.horizon; k++) {
            assertClose(plants.get(0).jacobian(k), own.get(k), 1e-15, "block " + k);
            var sum = new DMatrixRMaj(Tiny.D, Tiny.D);
            for (var plant : plants) {
                CommonOps_DDRM.addEquals(sum, plant.jacobian(k));
            }
            CommonOps_DDRM.divide(sum, prompts.size());
            assertClose(sum, mean.get(k), 1e-14, "block " + k);
        }
    }

    @ParameterizedTest
    @EnumSource
    void promptsAsTextAreTheirTokens(Tiny tiny) {
        var model = tiny.model();
        var byText = model.meanJacobians(Tiny.TEXTS);
        var byTokens = model.meanJacobiansOfTokens(
                Tiny.TEXTS.stream().map(model::encode).toList());
        for (int k = 0; k < tiny.horizon; k++) {
            assertClose(byTokens.get(k), byText.get(k), 0, "block " + k);
        }
    }

    private static void assertClose(DMatrixRMaj wanted, DMatrixRMaj found, double relative, String what) {
        assertEquals(0, Golden.relative(found.data, wanted.data), relative, what);
    }
}
