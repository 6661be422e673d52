package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.theory.control.Controller;

class ContinuationTest {

    /** From the logits of a plain transformer, steered token by token, after every prefix. */
    @ParameterizedTest
    @EnumSource
    void surprisalsAreThoseOfTheSteeredNextTokenDistributions(Tiny tiny) {
        var model = tiny.model();
        var controller = tiny.lqr(tiny.setpoint(2));
        var plain = new PlainTransformer(tiny);
        var prompts = List.of(model.encode("the sea"), model.encode("oh!"));
        var continuations = List.of(
                List.of(new int[] {5, 9, 4, 7}, new int[] {11}, new int[] {3, 3}),
                List.of(new int[] {8, 2, 2}, new int[] {5, 9, 4, 7, 6}));
        for (var choice : PositionsTest.choices()) {
            double[][][] found = model.steered(List.of(controller, tiny.lqr(tiny.setpoint(1))))
                    .atPositions(choice.positions())
                    .surprisals(prompts, continuations);
            for (int of = 0; of < found.length; of++) {
                int n = prompts.get(of).length;
                var law = of == 0 ? controller : tiny.lqr(tiny.setpoint(1));
                assertEquals(continuations.get(of).size(), found[of].length);
                for (int row = 0; row < found[of].length; row++) {
                    int[] tokens = continuations.get(of).get(row);
                    double[][][] z =
                            plain.states(DecodingTest.joined(prompts.get(of), tokens), law, t -> choice.steers(t, n));
                    assertEquals(tokens.length, found[of][row].length);
                    for (int i = 0; i < tokens.length; i++) {
                        double[] logits = plain.logits(z[n - 1 + i][tiny.horizon]);
                        double wanted =
                                Math.log(Arrays.stream(logits).map(Math::exp).sum()) - logits[tokens[i]];
                        assertEquals(
                                wanted,
                                found[of][row][i],
                                1e-6 * wanted,
                                choice + ", prompt " + of + ", continuation " + row + ", token " + i);
                    }
                }
            }
        }
    }

    @Test
    void withoutAControllerTheyAreTheModelsOwn() {
        var model = Tiny.LLAMA.model();
        var free = model.steered(Controller.none()).atPositions(Positions.ALL);
        int[] prompt = model.encode("the sea");
        double[] own = model.surprisals(DecodingTest.joined(prompt, new int[] {5, 9}));
        double[] found = free.surprisals(List.of(prompt), List.of(List.of(new int[] {5, 9})))[0][0];
        assertEquals(own[prompt.length - 1], found[0], 1e-6);
        assertEquals(own[prompt.length], found[1], 1e-6);
        assertRefused(() -> free.surprisals(List.of(prompt), List.of(List.of(new int[0]))), "at least one token");
        assertRefused(() -> free.surprisals(List.of(prompt), List.of(List.of(new int[] {1 << 20}))), "token id");
        assertRefused(() -> free.surprisals(List.of(prompt), List.of()), "1 prompts and 0", "one list for each");
    }
}
