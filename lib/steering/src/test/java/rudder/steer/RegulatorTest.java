package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.model.memory.MemoryPlan.Route;
import rudder.theory.FeedbackVectors;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/** Every route regulates the same system. */
class RegulatorTest {
    private static final LanguageModel MODEL = Tiny.LLAMA.model(DataType.FLOAT32);
    private static final QuadraticCost COST = new QuadraticCost(0.1, 10, 1);
    private static final List<String> PROMPTS = List.of("the sea", "a wave then", "the tide", "then rise");

    private final Setpoint target = Features.contrast(
                    MODEL, new ContrastSet("sea", List.of("the sea", "the tide"), List.of("a street", "the sun sets")))
            .setpoint(1);

    @Test
    void productsAloneGiveTheVectorsOfTheMatrices() throws IOException {
        var dense = Regulator.feedback(Route.DENSE, MODEL, PROMPTS, COST, target);
        var free = Regulator.feedback(Route.MATRIX_FREE, MODEL, PROMPTS, COST, target);
        for (int k = 0; k < MODEL.horizon(); k++) {
            double[] off = Vectors.plus(free.vector(k), -1, dense.vector(k));
            assertTrue(Vectors.norm(off) < 1e-4 * Vectors.norm(dense.vector(k)), "block " + k);
        }
        assertEquals(Optional.of(MODEL.sha256()), free.plant());
        assertEquals(dense.plant(), free.plant());
    }

    @Test
    void jacobiansOnDiskGiveTheSameBits(@TempDir Path cache) throws IOException {
        var dense = Regulator.feedback(Route.DENSE, MODEL, PROMPTS, COST, target);
        assertSame(dense, Lqr.feedback(Linearisation.kept(MODEL, PROMPTS, cache), COST, target));
    }

    @Test
    void aSmallModelIsRegulatedWithItsMatrices() throws IOException {
        assertSame(
                Regulator.feedback(Route.DENSE, MODEL, PROMPTS, COST, target),
                Regulator.feedback(MODEL, PROMPTS, COST, target));
    }

    private static void assertSame(FeedbackVectors wanted, FeedbackVectors found) {
        for (int k = 0; k < wanted.horizon(); k++) {
            assertArrayEquals(wanted.vector(k), found.vector(k), "block " + k);
        }
    }

    @Test
    void whatCannotBeRegulatedIsRefused() {
        assertRefused(() -> Regulator.feedback(MODEL, List.of(), COST, target), "list of prompts is empty");
        assertRefused(() -> Regulator.feedback(Route.NONE, MODEL, PROMPTS, COST, target), "4 prompts", "RUDDER_HEAP");
    }
}
