package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.store.ModelStore;
import rudder.model.transformer.Keep;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;

/** Gradients of whole continuations, against central differences of likelihoods that the forward pass computes. */
class GradientTest {

    private static final double H = 1e-5;

    /** Returns the gradients by block, all texts' rows below each other. */
    static Map<Integer, DMatrixRMaj> gradients(LanguageModel model, Continuation... texts) {
        var all = new TreeMap<Integer, DMatrixRMaj>();
        model.gradients(
                List.of(texts), (first, k, g) -> all.merge(k, g, (a, b) -> CommonOps_DDRM.concatRowsMulti(a, b)));
        return all;
    }

    private static Continuation continuation(int vocabulary, int prompt, int tokens, long seed) {
        var random = new Random(seed);
        return new Continuation(
                random.ints(prompt, 1, vocabulary).toArray(),
                random.ints(tokens, 1, vocabulary).toArray());
    }

    /** ln p of the continuation when x is added behind block k, at the token t of the text alone. */
    private static double logLikelihood(LanguageModel model, Continuation text, int k, int t, double[] x) {
        var at = Controller.of("x", HookPoint.RESID_POST, Map.of(k, ControlLaw.constant(x)), null);
        var steered = model.steered(at).atPositions(Positions.where("token " + t, token -> token.index() == t));
        return -Arrays.stream(steered.surprisals(List.of(text.prompt()), List.of(List.of(text.tokens())))[0][0])
                .sum();
    }

    private static void assertCentralDifferences(LanguageModel model, Continuation text, long seed) {
        var gradients = gradients(model, text);
        assertEquals(model.horizon(), gradients.size());
        var random = new Random(seed);
        for (int k = 0; k < model.horizon(); k++) {
            DMatrixRMaj g = gradients.get(k);
            assertEquals(text.tokens().length, g.numRows);
            var found = new double[g.numRows];
            var wanted = new double[g.numRows];
            for (int i = 0; i < g.numRows; i++) {
                int t = text.prompt().length - 1 + i;
                double[] x = random.doubles(model.dimension(), -1, 1).toArray();
                wanted[i] = (logLikelihood(model, text, k, t, Vectors.times(H, x))
                                - logLikelihood(model, text, k, t, Vectors.times(-H, x)))
                        / (2 * H);
                found[i] = Vectors.dot(Arrays.copyOfRange(g.data, i * g.numCols, (i + 1) * g.numCols), x);
            }
            assertEquals(0, Golden.relative(found, wanted), 1e-6, model + ", " + text + ", block " + k);
        }
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAreCentralDifferencesAtEveryBlockAndToken(Tiny tiny) {
        assertCentralDifferences(tiny.model(), continuation(Tiny.VOCABULARY, 3, 7, 1), 2);
        assertCentralDifferences(tiny.model(), continuation(Tiny.VOCABULARY, 1, 1, 3), 4);
    }

    /** Soft caps, sliding windows, biases, head norms, norms after sublayers: 21 tokens are more than the windows. */
    @ParameterizedTest
    @MethodSource("rudder.model.TinyCheckpointTest#checkpoints")
    void gradientsAreCentralDifferencesInEveryArchitecture(Path checkpoint) throws IOException {
        try (var model = new ModelLoader(DataType.FLOAT64, null).load(ModelStore.fetch(checkpoint.toString()))) {
            assertCentralDifferences(model, continuation(199, 9, 12, 5), 6);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTextsGradientsDoNotDependOnItsBatch(Tiny tiny) {
        var texts = new Continuation[19]; // more than one batch
        for (int i = 0; i < texts.length; i++) {
            texts[i] = continuation(Tiny.VOCABULARY, 1 + i % 7, 1 + i * 5 % 11, i);
        }
        var together = gradients(tiny.model(), texts);
        for (int k = 0; k < tiny.horizon; k++) {
            DMatrixRMaj alone = null;
            for (var text : texts) {
                DMatrixRMaj one = gradients(tiny.model(), text).get(k);
                alone = alone == null ? one : CommonOps_DDRM.concatRowsMulti(alone, one);
            }
            assertEquals(0, Golden.relative(together.get(k).data, alone.data), 1e-10, "block " + k);
        }
    }

    @ParameterizedTest
    @EnumSource
    void packedWeightsAndSinglePrecisionGiveTheSameGradients(Tiny tiny) {
        var texts = new Continuation[] {continuation(Tiny.VOCABULARY, 4, 7, 1), continuation(Tiny.VOCABULARY, 2, 9, 2)};
        var wanted = gradients(tiny.model(), texts);
        try (var packed = tiny.load(Keep.NEVER)) {
            var found = gradients(packed, texts);
            for (int k = 0; k < tiny.horizon; k++) {
                assertEquals(0, Golden.relative(found.get(k).data, wanted.get(k).data), 1e-4, "block " + k);
            }
        }
    }

    @Test
    void whatHasNoGradientIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Continuation(new int[0], new int[] {1}));
        assertThrows(IllegalArgumentException.class, () -> new Continuation(new int[] {1}, new int[0]));
        assertThrows(IllegalArgumentException.class, () -> Continuation.of(new int[] {1}));
        assertThrows(
                IllegalArgumentException.class, () -> Tiny.LLAMA.model().gradients(List.of(), (first, k, g) -> {}));
        var tooLong = new Continuation(new int[Tiny.CONTEXT], new int[] {1});
        assertThrows(
                IllegalArgumentException.class,
                () -> Tiny.LLAMA.model().gradients(List.of(tooLong), (first, k, g) -> {}));
    }
}
