package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.theory.Controller;

class ContinuationTest {

    /** From the logits of a plain transformer, steered token by token, after every prefix. */
    @ParameterizedTest
    @EnumSource
    void surprisalsAreThoseOfTheSteeredNextTokenDistributions(Tiny tiny) {
        var model = tiny.model();
        var controller = tiny.lqr(tiny.setpoint(2));
        var plain = new PlainTransformer(tiny);
        int[] prompt = model.encode("the sea");
        var continuations = List.of(new int[] {5, 9, 4, 7}, new int[] {11}, new int[] {3, 3});
        for (var positions : Positions.values()) {
            double[][] found = model.steered(controller).at(positions).surprisals(prompt, continuations);
            for (int row = 0; row < found.length; row++) {
                int[] tokens = continuations.get(row);
                int n = prompt.length;
                double[][][] z = plain.states(DecodingTest.joined(prompt, tokens), controller,
                        t -> t < n - 1 ? positions.earlier : t == n - 1 ? positions.last : positions.written);
                assertEquals(tokens.length, found[row].length);
                for (int i = 0; i < tokens.length; i++) {
                    double[] logits = plain.logits(z[n - 1 + i][tiny.horizon]);
                    double wanted = Math.log(Arrays.stream(logits).map(Math::exp).sum()) - logits[tokens[i]];
                    assertEquals(wanted, found[row][i], 1e-6 * wanted, positions + ", continuation " + row + ", token " + i);
                }
            }
        }
    }

    @Test
    void withoutAControllerTheyAreTheModelsOwn() {
        var model = Tiny.LLAMA.model();
        var free = model.steered(Controller.none()).at(Positions.ALL);
        int[] prompt = model.encode("the sea");
        double[] own = model.surprisals(DecodingTest.joined(prompt, new int[] {5, 9}));
        double[] found = free.surprisals(prompt, List.of(new int[] {5, 9}))[0];
        assertEquals(own[prompt.length - 1], found[0], 1e-6);
        assertEquals(own[prompt.length], found[1], 1e-6);
        assertRefused(() -> free.surprisals(prompt, List.of(new int[0])), "at least one token");
        assertRefused(() -> free.surprisals(prompt, List.of(new int[] {1 << 20})), "token id");
    }
}
