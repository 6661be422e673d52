package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.theory.control.Controller;

class ContinuationTest {

    @ParameterizedTest
    @EnumSource
    void surprisalsAreThoseOfTheSteeredNextTokenDistributions(Tiny tiny) {
        requireSteeredSurprisals(tiny, tiny.model(), 1e-6);
    }

    @ParameterizedTest
    @EnumSource
    void onTheHeapTheyAreToo(Tiny tiny) {
        Tiny.needsHeap();
        requireSteeredSurprisals(tiny, tiny.model(DataType.FLOAT32), 2e-5);
    }

    /** To the bit: whoever else is read, how much is read before, and whether a beginning was read once for several. */
    @ParameterizedTest
    @EnumSource
    void onTheHeapASurprisalDoesNotDependOnWhatIsReadWithIt(Tiny tiny) {
        Tiny.needsHeap();
        var model = tiny.model(DataType.FLOAT32);
        for (var choice : PositionsTest.choices()) {
            var view = model.steered(tiny.lqr(tiny.setpoint(2))).atPositions(choice.positions());
            var prompts = new ArrayList<int[]>();
            var continuations = new ArrayList<List<int[]>>();
            for (int i = 0; i < 9; i++) { // more tokens than one pass has, behind a beginning that they share
                prompts.add(DecodingTest.joined(Tiny.tokens(11, 1), Tiny.tokens(1 + i, i)));
                continuations.add(List.of(Tiny.tokens(1 + 4 * i, i), new int[] {5}, Tiny.tokens(7, i)));
            }
            double[][][] together = view.surprisals(prompts, continuations);
            for (int i = 0; i < prompts.size(); i++) {
                for (int j = 0; j < continuations.get(i).size(); j++) {
                    double[] alone = view.surprisals(
                                    prompts.subList(i, i + 1),
                                    List.of(continuations.get(i).subList(j, j + 1)))[0][0];
                    assertArrayEquals(alone, together[i][j], choice + ", prompt " + i + ", continuation " + j);
                }
            }
        }
    }

    /** From the logits of a plain transformer, steered token by token, after every prefix. */
    private static void requireSteeredSurprisals(Tiny tiny, LanguageModel model, double tolerance) {
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
                                tolerance * (1 + wanted),
                                choice + ", prompt " + of + ", continuation " + row + ", token " + i);
                    }
                }
            }
        }
    }

    @Test
    void withoutAControllerTheyAreTheModelsOwn() {
        requireOwn(Tiny.LLAMA.model());
        requireOwn(Tiny.LLAMA.model(DataType.FLOAT32));
    }

    private static void requireOwn(LanguageModel model) {
        var free = model.steered(Controller.none()).atPositions(Positions.ALL);
        int[] prompt = model.encode("the sea");
        double[] own = model.surprisals(DecodingTest.joined(prompt, new int[] {5, 9}));
        double[] found = free.surprisals(List.of(prompt), List.of(List.of(new int[] {5, 9})))[0][0];
        for (int i = 0; i < found.length; i++) {
            double wanted = own[prompt.length - 1 + i];
            assertEquals(wanted, found[i], 1e-6 * (1 + wanted)); // the engine reads other batches, and rounds otherwise
        }
        assertRefused(() -> free.surprisals(List.of(prompt), List.of(List.of(new int[0]))), "at least one token");
        assertRefused(() -> free.surprisals(List.of(prompt), List.of(List.of(new int[] {1 << 20}))), "token id");
        assertRefused(() -> free.surprisals(List.of(prompt), List.of()), "1 prompts and 0", "one list for each");
    }
}
