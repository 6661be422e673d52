package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import rudder.checkpoint.Golden;
import rudder.model.engine.EngineAlgebra;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** What holds of each real model against numbers that another program made in double precision. */
@Tag("model")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class GoldenLaws {

    /** Greedy tokens are compared up to the first place where the golden's two best logits are closer than this. */
    private static final double MARGIN = 1e-3;

    private final String name;
    private final Golden golden;
    private LanguageModel model;
    private List<DMatrixRMaj> mean5;

    GoldenLaws(String name, String golden) {
        this.name = name;
        this.golden = Golden.of(golden);
    }

    @BeforeAll
    void load() throws IOException {
        model = LanguageModel.load(name);
    }

    @AfterAll
    void close() {
        model.close();
    }

    @Test
    void promptsHaveTheGoldenTokens() {
        for (Golden prompt : golden.at("prompts").list()) {
            assertArrayEquals(
                    prompt.at("ids").ints(), model.encode(prompt.at("prompt").text()));
        }
    }

    @Test
    void logitsAndStatesAreTheGoldens() {
        for (Golden prompt : golden.at("prompts").list()) {
            int[] ids = prompt.at("ids").ints();
            float[] logits = model.logits(ids);
            int[] top = prompt.at("top10_ids").ints();
            double[] wanted = prompt.at("top10_logits_f64").numbers();
            for (int i = 0; i < top.length; i++) {
                assertEquals(wanted[i], logits[top[i]], 1e-3, "logit of token " + top[i]);
            }
            var trace = model.steered(Controller.none())
                    .tracesOfTokens(List.of(ids))
                    .get(0);
            double[] norms = prompt.at("z_norms").numbers();
            for (int k = 0; k <= model.horizon(); k++) {
                assertEquals(1, norm(trace.state(k)) / norms[k], 1e-4, "|z_" + k + "|");
            }
        }
        double[][] states = golden.at("prompts", 0, "z").rows();
        var trace = model.trace(golden.at("prompts", 0, "prompt").text());
        for (int k = 0; k <= model.horizon(); k++) {
            assertEquals(0, Golden.relative(trace.state(k), states[k]), 1e-4, "z_" + k);
        }
    }

    @Test
    void twentyGreedyTokensAreTheGoldens() {
        for (Golden prompt : golden.at("prompts").list()) {
            var completion = model.generate(prompt.at("prompt").text(), 20, Sampling.greedy());
            assertSameTokens(
                    prompt.at("greedy20_ids").ints(),
                    prompt.at("greedy20_margins").numbers(),
                    completion.tokens(),
                    completion.prompt());
        }
    }

    @Test
    void perplexityIsTheGolden() {
        assertEquals(
                1,
                model.perplexity(golden.at("perplexity", "ids").ints(), 1)
                        / golden.at("perplexity", "ppl_own_f64").number(),
                1e-4);
    }

    @Test
    void jacobiansOfAPromptAreTheGoldens() {
        var plant = model.plant(golden.at("prompts", 0, "ids").ints());
        var jacobians = new ArrayList<DMatrixRMaj>();
        for (int k = 0; k < model.horizon(); k++) {
            jacobians.add(plant.jacobian(k));
        }
        assertGolden("prompt1", jacobians);
    }

    @Test
    void meanJacobiansAreTheGoldens() {
        assertGolden("mean5", mean5());
    }

    @Test
    void gainsFromOurOwnJacobiansAreTheGoldens() {
        LqrSolution lqr = lqr();
        double[][] v = golden.at("lqr", "v").rows();
        double[][] w = golden.at("lqr", "w").rows();
        for (int k = 0; k < model.horizon(); k++) {
            assertEquals(0, Golden.relative(lqr.feedback(k, v[k]), w[k]), 1e-3, "w_" + k);
        }
        assertEquals(
                1,
                CommonOps_DDRM.trace(lqr.costToGo(0))
                        / golden.at("lqr", "S0_trace").number(),
                1e-4);
    }

    @Test
    void theEnginesRiccatiIsTheorys() {
        var few = mean5().subList(model.horizon() - 3, model.horizon());
        var cost = new QuadraticCost(.1, 1, .1);
        var engine = Lqr.solve(LinearSystem.of(few, model.algebra(), "engine"), cost);
        var ejml = Lqr.solve(LinearSystem.of(few), cost);
        for (int k = 0; k < few.size(); k++) {
            assertEquals(0, Golden.relative(engine.gain(k).data, ejml.gain(k).data), 1e-9, "K_" + k);
        }
    }

    @Test
    void steeringReachesTheGoldenStrengthsLogitsAndTokens() {
        var lqr = lqr();
        String prompt = golden.at("steered_prefill", "prompt").text();
        for (Golden run : golden.at("steered_prefill", "runs").list()) {
            Golden steered = run.at("steered");
            String what = run.at("mode").text() + " lambda " + run.at("lam").number();
            var setpoint = setpoint(steered.at("target").numbers());
            var controlled = model.steered(Controller.lqr(lqr, setpoint));
            double[] beta = steered.at("beta").numbers();
            double[] found = controlled.trace(prompt).rollout().strengths(setpoint);
            double scale = Arrays.stream(beta).map(Math::abs).max().orElseThrow();
            for (int k = 0; k < beta.length; k++) {
                assertEquals(beta[k], found[k], 1e-3 * Math.max(Math.abs(beta[k]), 1e-2 * scale), what + ", beta_" + k);
            }
            int[] wanted = steered.at("greedy_ids").ints();
            double[] margins = steered.at("margins").numbers();
            float[] logits = controlled.logits(model.encode(prompt));
            int[] top = steered.at("top10_ids").ints();
            int[] ours = largest(logits, top.length);
            double[] goldenLogits = steered.at("top10_logits").numbers();
            for (int i = 0; i < top.length; i++) {
                boolean tied = i + 1 < top.length && goldenLogits[i] - goldenLogits[i + 1] < MARGIN
                        || i > 0 && goldenLogits[i - 1] - goldenLogits[i] < MARGIN;
                assertTrue(
                        tied || top[i] == ours[i],
                        what + ": place " + i + " of the best tokens is " + ours[i] + ", wanted " + top[i]);
            }
            var completion = controlled.generate(prompt, wanted.length, Sampling.greedy());
            assertSameTokens(wanted, margins, completion.tokens(), what);
        }
    }

    /** The golden's directions and gaps with the given targets. */
    private Setpoint setpoint(double[] targets) {
        double[] mu = golden.at("lqr", "mu").numbers();
        return Setpoint.of(golden.at("lqr", "v").rows(), mu, targets, 0, "golden");
    }

    private LqrSolution lqr() {
        return Lqr.solve(LinearSystem.of(mean5(), model.algebra(), "mean of 5"), new QuadraticCost(.1, 1, .1));
    }

    private List<DMatrixRMaj> mean5() {
        if (mean5 == null) {
            mean5 = model.meanJacobiansOfTokens(golden.at("jac_meta", "prompts10_ids").list().subList(0, 5).stream()
                    .map(Golden::ints)
                    .toList());
        }
        return mean5;
    }

    private void assertGolden(String which, List<DMatrixRMaj> jacobians) {
        Golden wanted = golden.at("jacobian", which);
        double[] frobenius = wanted.at("fro").numbers();
        double[] trace = wanted.at("trace").numbers();
        double[][] singular = wanted.at("sv5").rows();
        double[][] image = wanted.at("Ar").rows();
        double[] r = new double[model.dimension()];
        Arrays.setAll(r, i -> Math.sin(i + 1));
        for (int k = 0; k < jacobians.size(); k++) {
            DMatrixRMaj a = jacobians.get(k);
            String block = which + " block " + k;
            assertEquals(1, NormOps_DDRM.normF(a) / frobenius[k], 1e-4, block);
            assertEquals(trace[k], CommonOps_DDRM.trace(a), 1e-4 * frobenius[k], block);
            var ar = new DMatrixRMaj(r.length, 1);
            CommonOps_DDRM.mult(a, new DMatrixRMaj(r), ar);
            assertEquals(0, Golden.relative(ar.data, image[k]), 1e-4, block);
            double[] s = largestSingularValues(a);
            for (int i = 0; i < 5; i++) {
                assertEquals(1, s[i] / singular[k][i], 1e-4, block + ", singular value " + i);
            }
        }
    }

    /** Five largest singular values by subspace iteration on A'A with a wider block. */
    private double[] largestSingularValues(DMatrixRMaj a) {
        int width = 20;
        try (NDManager scope = model.transformer().manager.newSubManager()) {
            NDArray x = EngineAlgebra.up(scope, a);
            NDArray gram = x.transpose().matMul(x);
            var basis = RandomMatrices_DDRM.rectangle(a.numCols, width, new Random(7));
            for (int i = 0; i < 40; i++) {
                var qr = DecompositionFactory_DDRM.qr(basis.numRows, width);
                qr.decompose(basis);
                basis = EngineAlgebra.down(gram.matMul(EngineAlgebra.up(scope, qr.getQ(null, true))));
            }
            var svd = DecompositionFactory_DDRM.svd(basis.numRows, width, false, false, true);
            svd.decompose(basis);
            return IntStream.range(0, width)
                    .mapToDouble(i -> -Math.sqrt(svd.getSingularValues()[i]))
                    .sorted()
                    .map(s -> -s)
                    .toArray();
        }
    }

    private static void assertSameTokens(int[] wanted, double[] margins, int[] found, String what) {
        for (int i = 0; i < wanted.length && margins[i] >= MARGIN; i++) {
            assertTrue(
                    i < found.length && wanted[i] == found[i],
                    what + ": token " + i + " of " + Arrays.toString(found) + ", wanted " + Arrays.toString(wanted)
                            + " (margin " + margins[i] + ")");
        }
    }

    private static int[] largest(float[] x, int n) {
        return IntStream.range(0, x.length)
                .boxed()
                .sorted((i, j) -> Float.compare(x[j], x[i]))
                .limit(n)
                .mapToInt(i -> i)
                .toArray();
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(value -> value * value).sum());
    }
}

class SmolLm2GoldenTest extends GoldenLaws {
    SmolLm2GoldenTest() {
        super("SmolLM2-135M-Instruct", "smollm2");
    }
}

class QwenGoldenTest extends GoldenLaws {
    QwenGoldenTest() {
        super("Qwen2.5-Coder-0.5B-Instruct", "qwen");
    }
}

class Gemma3GoldenTest extends GoldenLaws {
    Gemma3GoldenTest() {
        super("Gemma-3-270m", "gemma3");
    }
}
