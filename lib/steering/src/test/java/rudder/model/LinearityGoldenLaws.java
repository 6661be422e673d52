package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import rudder.checkpoint.Golden;
import rudder.model.plant.PromptPlant;
import rudder.theory.LocalLinearity;
import rudder.theory.Matrices;
import rudder.theory.SingularSpace;

/**
 * How linear each real model is, against numbers that another program made in double precision with full
 * decompositions.
 */
@Tag("model")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class LinearityGoldenLaws {
    /** Unit roundoff of single precision. */
    private static final double SINGLE = 0x1p-24;

    private final String name;
    private final Golden golden;
    private LanguageModel model;
    private final double[] radii;
    private List<DMatrixRMaj> mean5;
    private PromptPlant plant;

    LinearityGoldenLaws(String name, String golden) {
        this.name = name;
        this.golden = Golden.of(golden);
        this.radii = this.golden.at("linearisation_error", "eps").numbers();
    }

    @BeforeAll
    void load() throws IOException {
        model = LanguageModel.load(name);
        mean5 = model.meanJacobiansOfTokens(ids().subList(0, 5));
        plant = model.plant(golden.at("prompts", 0, "ids").ints());
    }

    @AfterAll
    void close() {
        model.close();
    }

    private List<int[]> ids() {
        return golden.at("jac_meta", "prompts10_ids").list().stream()
                .map(Golden::ints)
                .toList();
    }

    /**
     * Mean and minimum over the 45 pairs of ten prompts; the mean over the ten of each one's deviation from the first
     * five's mean.
     */
    @Test
    void alignmentOfTenPromptsIsTheGoldens() {
        double[] mean = golden.at("jacobian_alignment", "per_layer_mean").numbers();
        double[] least = golden.at("jacobian_alignment", "per_layer_min").numbers();
        double[] deviation =
                golden.at("jacobian_alignment", "fro_rel_dev_from_mean5").numbers();
        var plants = ids().stream().map(model::plant).toList();
        for (int block = 0; block < model.horizon(); block++) {
            var spaces = new ArrayList<SingularSpace>();
            double sum = 0;
            for (var plant : plants) {
                var a = plant.jacobian(block);
                spaces.add(SingularSpace.of(a, k(), model.algebra()));
                sum += Matrices.deviation(a, mean5.get(block));
            }
            double[] pairs = pairs(SingularSpace.alignment(spaces));
            assertEquals(
                    1,
                    Arrays.stream(pairs).average().orElseThrow() / mean[block],
                    1e-3,
                    "mean alignment, block " + block);
            assertEquals(
                    1,
                    Arrays.stream(pairs).min().orElseThrow() / least[block],
                    1e-3,
                    "least alignment, block " + block);
            assertEquals(1, sum / plants.size() / deviation[block], 1e-3, "deviation, block " + block);
        }
    }

    /**
     * The golden is one draw of a generator that cannot be run here, of spaces of equal values: it lies where draws of
     * ours do.
     */
    @Test
    void theRandomControlIsTheGoldensToItsSamplingError() {
        double[] equal = new double[k()];
        Arrays.fill(equal, 1);
        var random = new Random(1);
        var spaces = IntStream.range(0, 10)
                .mapToObj(i -> SingularSpace.random(model.dimension(), equal, random))
                .toList();
        assertAmong(
                pairs(SingularSpace.alignment(spaces)),
                1,
                golden.at("jacobian_alignment", "random_control").number(),
                "control");
    }

    /**
     * The same directions. The golden's block is in double precision; in single, phi's rounding is divided by the
     * radius. How much it rounds depends on the processor's kernels, so it is measured.
     */
    @Test
    void errorAlongTheFeatureIsTheGoldens() {
        double[][] own = golden.at("linearisation_error", "along_v_plus").rows();
        double[][] mean = golden.at("linearisation_error", "mean5_A_along_v").rows();
        double[][] v = golden.at("lqr", "v").rows();
        for (int block = 0; block < model.horizon(); block++) {
            var around = around(block, v[block]);
            double[] ofOwn = around.errors(plant.jacobian(block), model.algebra())[0];
            double[] ofMean = around.errors(mean5.get(block), model.algebra())[0];
            double rounded = rounding(block, v[block]);
            for (int r = 0; r < radii.length; r++) {
                double rounding = Math.max(8 * SINGLE, 2 * rounded) / radii[r];
                String where = "block " + block + ", radius " + radii[r];
                assertEquals(own[block][r], ofOwn[r], 1e-3 * own[block][r] + rounding, where);
                assertEquals(mean[block][r], ofMean[r], 1e-3 * mean[block][r] + rounding, where + ", mean Jacobian");
            }
        }
    }

    /**
     * The golden's are means over 8 directions of a generator that cannot be run here: they lie where means over 8 of
     * ours do.
     */
    @Test
    void errorInRandomDirectionsIsTheGoldensToItsSamplingError() {
        double[][] own = golden.at("linearisation_error", "random_mean").rows();
        double[][] mean =
                golden.at("linearisation_error", "mean5_A_random_mean").rows();
        var random = new Random(1);
        for (int block = 0; block < model.horizon(); block++) {
            var around = around(
                    block,
                    RandomMatrices_DDRM.rectangleGaussian(64, model.dimension(), 0, 1, random)
                            .get2DData());
            double[][] ofOwn = around.errors(plant.jacobian(block), model.algebra());
            double[][] ofMean = around.errors(mean5.get(block), model.algebra());
            for (int r = 0; r < radii.length; r++) {
                int radius = r;
                String where = "block " + block + ", radius " + radii[r];
                assertAmong(
                        Arrays.stream(ofOwn)
                                .mapToDouble(errors -> errors[radius])
                                .toArray(),
                        8,
                        own[block][r],
                        where);
                assertAmong(
                        Arrays.stream(ofMean)
                                .mapToDouble(errors -> errors[radius])
                                .toArray(),
                        8,
                        mean[block][r],
                        where + ", mean Jacobian");
            }
        }
    }

    /**
     * Returns phi's rounding as a part of the state: the error times the radius, where that is too small for curvature.
     * A sum of d products rounds by some sqrt(d) units.
     */
    private double rounding(int block, double[] direction) {
        double[] tiny = {5e-5, 1e-4, 2e-4};
        double[] errors = LocalLinearity.around(
                        plant, block, plant.nominal().state(block), new double[][] {direction}, tiny)
                .errors(plant.jacobian(block), model.algebra())[0];
        double most = IntStream.range(0, tiny.length)
                .mapToDouble(i -> errors[i] * tiny[i])
                .max()
                .orElseThrow();
        assertTrue(most < 8 * Math.sqrt(model.dimension()) * SINGLE, "block " + block + " rounds by " + most);
        return most;
    }

    private LocalLinearity around(int block, double[]... directions) {
        return LocalLinearity.around(plant, block, plant.nominal().state(block), directions, radii);
    }

    /** A mean of so many draws lies within four standard errors of the difference between it and the mean of ours. */
    private static void assertAmong(double[] draws, int many, double found, String what) {
        double mean = Arrays.stream(draws).average().orElseThrow();
        double variance = Arrays.stream(draws).map(x -> (x - mean) * (x - mean)).sum() / (draws.length - 1);
        assertEquals(mean, found, 4 * Math.sqrt(variance / many + variance / draws.length), what);
    }

    private int k() {
        return golden.at("jacobian_alignment", "k").json().getAsInt();
    }

    private static double[] pairs(double[][] alignment) {
        return IntStream.range(0, alignment.length)
                .boxed()
                .flatMapToDouble(i -> DoubleStream.of(alignment[i]).limit(i))
                .toArray();
    }
}

class SmolLm2LinearityTest extends LinearityGoldenLaws {
    SmolLm2LinearityTest() {
        super("SmolLM2-135M-Instruct", "smollm2");
    }
}

class QwenLinearityTest extends LinearityGoldenLaws {
    QwenLinearityTest() {
        super("Qwen2.5-Coder-0.5B-Instruct", "qwen");
    }
}

class Gemma3LinearityTest extends LinearityGoldenLaws {
    Gemma3LinearityTest() {
        super("Gemma-3-270m", "gemma3");
    }
}
