package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import rudder.checkpoint.Golden;
import rudder.theory.control.Controller;

/**
 * Qwen2.5-Coder-1.5B-Instruct against numbers that transformers made in float64, block by block. Runs only in
 * {@code mvn -Plarge verify}: it fetches 1.1 GB. The golden's generator is {@code make_large.py} beside it.
 */
@Tag("large")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LargeModelTest {

    private static final double MARGIN = 1e-3;
    private static final double TOLERANCE = 1e-4;

    private final Golden golden = Golden.of("qwen-1.5b");
    private LanguageModel model;

    @BeforeAll
    void load() throws IOException {
        model = LanguageModel.load("Qwen2.5-Coder-1.5B-Instruct");
    }

    @AfterAll
    void close() {
        if (model != null) {
            model.close();
        }
    }

    @Test
    void shapeAndTokensAreTheGoldens() {
        assertEquals(golden.at("horizon").number(), model.horizon());
        assertEquals(golden.at("dimension").number(), model.dimension());
        for (Golden prompt : golden.at("prompts").list()) {
            assertArrayEquals(
                    prompt.at("ids").ints(), model.encode(prompt.at("prompt").text()));
        }
    }

    @Test
    void statesOfEveryBlockAreTheGoldens() {
        for (Golden prompt : golden.at("prompts").list()) {
            var trace = model.steered(Controller.none())
                    .tracesOfTokens(List.of(prompt.at("ids").ints()))
                    .get(0);
            for (int k = 0; k <= model.horizon(); k++) {
                assertSummary(prompt.at("states", k), trace.state(k), "z_" + k);
            }
        }
    }

    @Test
    void logitsAreTheGoldens() {
        for (Golden prompt : golden.at("prompts").list()) {
            float[] logits = model.logits(prompt.at("ids").ints());
            int[] top = prompt.at("top10_ids").ints();
            double[] wanted = prompt.at("top10_logits").numbers();
            for (int i = 0; i < top.length; i++) {
                assertEquals(wanted[i], logits[top[i]], 1e-3, "logit of token " + top[i]);
            }
        }
    }

    @Test
    void twentyGreedyTokensAreTheGoldens() {
        for (Golden prompt : golden.at("prompts").list()) {
            int[] wanted = prompt.at("greedy_ids").ints();
            double[] margins = prompt.at("margins").numbers();
            int[] found = model.generateOfTokens(List.of(prompt.at("ids").ints()), wanted.length, Sampling.greedy())
                    .get(0)
                    .tokens();
            for (int i = 0; i < wanted.length && margins[i] >= MARGIN; i++) {
                assertTrue(
                        i < found.length && wanted[i] == found[i],
                        "token " + i + " of " + Arrays.toString(found) + ", wanted " + Arrays.toString(wanted)
                                + " (margin " + margins[i] + ")");
            }
        }
    }

    @Test
    void productsWithEveryBlocksJacobianAreTheGoldens() {
        var plant = model.plant(golden.at("prompts", 0, "ids").ints());
        double[] r = probe(0);
        for (int k = 0; k < model.horizon(); k++) {
            var jvp = plant.jvp(k, new DMatrixRMaj(1, model.dimension(), true, r));
            assertSummary(golden.at("jacobian", "blocks", k, "jvp"), jvp.data, "A_" + k + " r");
            var vjp = plant.vjp(k, new DMatrixRMaj(1, model.dimension(), true, r));
            assertSummary(golden.at("jacobian", "blocks", k, "vjp"), vjp.data, "r' A_" + k);
        }
    }

    @Test
    void oneBlocksJacobianIsTheGolden() {
        var whole = golden.at("jacobian", "whole");
        var a = model.plant(golden.at("prompts", 0, "ids").ints())
                .jacobian((int) whole.at("block").number());
        double frobenius = whole.at("frobenius").number();
        assertEquals(1, NormOps_DDRM.normF(a) / frobenius, TOLERANCE, "Frobenius norm");
        assertEquals(whole.at("trace").number(), CommonOps_DDRM.trace(a), TOLERANCE * frobenius, "trace");
        for (var column : whole.at("columns").json().getAsJsonObject().keySet()) {
            double[] found = CommonOps_DDRM.extractColumn(a, Integer.parseInt(column), null).data;
            assertSummary(whole.at("columns", column), found, "column " + column);
        }
    }

    /** The golden's first numbers, length and products with three probes, each to 1e-4 of the vector's length. */
    private static void assertSummary(Golden wanted, double[] found, String what) {
        double norm = wanted.at("norm").number();
        double[] first = wanted.at("first").numbers();
        assertArrayEquals(first, Arrays.copyOf(found, first.length), TOLERANCE * norm, what + ", first numbers");
        assertEquals(1, norm(found) / norm, TOLERANCE, "|" + what + "|");
        double[] products = wanted.at("products").numbers();
        for (int j = 0; j < products.length; j++) {
            double[] probe = probe(j, found.length);
            double product = IntStream.range(0, found.length)
                    .mapToDouble(i -> found[i] * probe[i])
                    .sum();
            assertEquals(products[j], product / norm(probe), TOLERANCE * norm, what + ", product " + j);
        }
    }

    private double[] probe(int j) {
        return probe(j, model.dimension());
    }

    /** sin((j+1)(i+1)), as the generator has it. */
    private static double[] probe(int j, int d) {
        return IntStream.rangeClosed(1, d)
                .mapToDouble(i -> Math.sin((j + 1) * i))
                .toArray();
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(value -> value * value).sum());
    }
}
