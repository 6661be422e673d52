package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.theory.control.Controller;

/**
 * The engine's pass against the textbook's. Weights are folded in single precision: double precision agrees to that,
 * times the depth.
 */
class ForwardPassTest {

    @ParameterizedTest
    @EnumSource
    void statesAndLogitsAreTheTextbooks(Tiny tiny) {
        var plain = new PlainTransformer(tiny);
        for (int n : new int[] {1, 2, 5, 6, 17}) {
            int[] tokens = Tiny.tokens(n, n);
            double[][] wanted = plain.states(tokens, Controller.none(), 0)[n - 1];
            assertStates(wanted, tiny.model(), tokens, 2e-6);
            assertStates(wanted, tiny.model(DataType.FLOAT32), tokens, 2e-5);
            assertEquals(
                    0,
                    Golden.relative(Golden.doubles(tiny.model().logits(tokens)), plain.logits(wanted[tiny.horizon])),
                    2e-6,
                    n + " tokens");
        }
    }

    private static void assertStates(double[][] wanted, LanguageModel model, int[] tokens, double tolerance) {
        var trace =
                model.steered(Controller.none()).tracesOfTokens(List.of(tokens)).get(0);
        for (int k = 0; k < wanted.length; k++) {
            assertEquals(0, Golden.relative(trace.state(k), wanted[k]), tolerance, tokens.length + " tokens, z_" + k);
        }
    }

    @ParameterizedTest
    @EnumSource
    void raggedPromptsSideBySideHaveTheStatesTheyHaveAlone(Tiny tiny) {
        var steered = tiny.model().steered(tiny.lqr(tiny.setpoint(1)));
        var prompts = IntStream.of(3, 11, 1, 6, 6, 2)
                .mapToObj(n -> Tiny.tokens(n, 10 + n))
                .toList();
        for (var view : List.of(steered, steered.atEveryToken())) {
            var together = view.tracesOfTokens(prompts);
            for (int i = 0; i < prompts.size(); i++) {
                var alone = view.tracesOfTokens(List.of(prompts.get(i))).get(0);
                for (int k = 0; k <= tiny.horizon; k++) {
                    assertEquals(
                            0,
                            Golden.relative(together.get(i).state(k), alone.state(k)),
                            1e-12,
                            view + ", row " + i + ", z_" + k);
                }
                assertArrayEquals(prompts.get(i), together.get(i).tokens());
            }
        }
    }

    /** Longer than what is scored at once. */
    @ParameterizedTest
    @EnumSource
    void surprisalsSideBySideAreThoseOfEachAlone(Tiny tiny) {
        var model = tiny.model();
        var sequences = List.of(Tiny.tokens(9, 1), Tiny.tokens(2, 2), Tiny.tokens(70, 3), Tiny.tokens(1, 4));
        double[][] together = model.surprisals(sequences, 1, 1, 1, 1);
        double[][] ends = model.surprisals(sequences, 4, 2, 69, 1);
        for (int i = 0; i < sequences.size(); i++) {
            double[] alone = model.surprisals(sequences.get(i));
            assertArrayEquals(alone, together[i], 1e-9, "sequence " + i);
            assertArrayEquals(
                    Arrays.copyOfRange(alone, alone.length - ends[i].length, alone.length),
                    ends[i],
                    1e-9,
                    "the end of sequence " + i);
        }
        assertArrayEquals(
                new int[] {5, 0, 1, 0},
                Arrays.stream(ends).mapToInt(end -> end.length).toArray());
    }

    @ParameterizedTest
    @EnumSource
    void surprisalsAreMinusLogSoftmaxOfTheLogitsAtEachPrefix(Tiny tiny) {
        LanguageModel model = tiny.model();
        int[] tokens = Tiny.tokens(70, 3);
        double[] surprisals = model.surprisals(tokens);
        assertEquals(tokens.length - 1, surprisals.length);
        for (int i = 0; i < surprisals.length; i++) {
            double[] logits = Golden.doubles(model.logits(Arrays.copyOf(tokens, i + 1)));
            double logSum = Math.log(Arrays.stream(logits).map(Math::exp).sum());
            assertEquals(logSum - logits[tokens[i + 1]], surprisals[i], 1e-5, "token " + (i + 1));
        }
        assertEquals(Math.exp(Arrays.stream(surprisals).average().orElseThrow()), model.perplexity(tokens, 1), 1e-9);
        assertEquals(Math.exp((surprisals[68] + surprisals[67]) / 2), model.perplexity(tokens, 68), 1e-9);
    }
}
