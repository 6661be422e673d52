package rudder.steer.rival;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.ReadAt;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class CastConditionTest {
    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final int T = 3;
    private static final int D = 2;
    private final Random random = new Random(6);

    /** Feature along the first coordinate, 2 apart; the second coordinate is noise. */
    private final Features features =
            Features.between("toy", List.of(run(1, 0), run(1, 1)), List.of(run(-1, 0), run(-1, 1)));

    private static Rollout run(double first, double second) {
        var states = new double[T + 1][];
        for (int k = 0; k <= T; k++) {
            states[k] = new double[] {k == 0 ? 0 : first, second};
        }
        return new Rollout(states, new double[T][D]);
    }

    private double[][] states(double... firsts) {
        var states = new double[T + 1][];
        for (int k = 0; k <= T; k++) {
            states[k] = new double[] {k == 0 ? 0 : firsts[k - 1], random.nextGaussian()};
        }
        return states;
    }

    @Test
    void theStateThatTellsThePromptsApartIsChosenWithItsThreshold() {
        var steered = List.of(states(0, 0.9, 1), states(0.1, 0.5, -1), states(0.2, 0.7, 1));
        var others = List.of(states(0.1, 0.1, -1), states(0.2, -0.4, 1), states(0.15, 0.3, -1));
        var condition = CastCondition.fit(features, steered, others, ReadAt.LAST);
        assertEquals(2, condition.state());
        assertEquals(1, condition.f1());
        assertEquals("CastCondition[toy, decides at z_2, F1 1.000]", condition.toString());
        // z_3 by hand: above 0 steers 2 of 3, and 1 of 3 others
        assertEquals(2 * 2.0 / (2 * 2 + 1 + 1), condition.f1(3), 1e-12);
    }

    /** Below as above: the side is fitted too. */
    @Test
    void aConditionMayHoldBelowItsThreshold() {
        var steered = List.of(states(0, -3, 0), states(0, -2, 0));
        var others = List.of(states(0, 1, 0), states(0, -1, 0), states(0, 2, 0));
        var condition = CastCondition.fit(features, steered, others, ReadAt.LAST);
        assertEquals(2, condition.state());
        var gated = condition.whenToken(Controller.actAdd(features.setpoint(1), 2));
        assertArrayEquals(new double[] {2, 0}, gated.input(2, new double[] {-1.6, 9}), 1e-12);
        assertEquals(0, gated.input(2, new double[] {-1.4, 9})[0], 0, "half way between -2 and -1");
    }

    @Test
    void aConditionThatTellsNothingIsRefused() {
        var same = List.of(states(0, 0, 0), states(1, 1, 1));
        assertRefused(
                () -> CastCondition.fit(features, same, same, ReadAt.LAST), "'toy'", "2 prompts", "2 others", "F1");
        assertRefused(() -> CastCondition.fit(MODEL, features, List.of(), List.of("a")), "prompt to be steered");
        var condition = CastCondition.fit(
                features, List.<double[][]>of(states(0, 3, 0)), List.<double[][]>of(states(0, 1, 0)), ReadAt.LAST);
        assertRefused(() -> condition.whenToken(Controller.actAdd(features.setpoint(1), 0)), "z_0", "block 1");
    }

    @Test
    void aPromptIsSteeredIfItsConditionHoldsAndLeftAloneOtherwise() {
        var set = RivalsTest.SET;
        var sea = Features.contrast(MODEL, set, ReadAt.mean());
        var condition = CastCondition.fit(MODEL, sea, set.positive(), set.negative(), ReadAt.mean());
        var prompts = new ArrayList<>(set.positive());
        prompts.addAll(set.negative());
        var holds = condition.holds(MODEL, prompts);
        int steered = 0;
        int hits = 0;
        for (int i = 0; i < prompts.size(); i++) {
            steered += holds.get(i) ? 1 : 0;
            hits += holds.get(i) && i < set.positive().size() ? 1 : 0;
        }
        assertTrue(0 < steered && steered < prompts.size(), "some of each kind, " + steered);
        assertEquals(2.0 * hits / (steered + set.positive().size()), condition.f1(), 1e-12);
        var addition = Controller.actAdd(sea.setpoint(3), 1);
        var arm = condition.whenPrompt(addition);
        var found = arm.on(MODEL, prompts).generate(prompts, 4, Sampling.greedy());
        for (int i = 0; i < prompts.size(); i++) {
            var wanted = MODEL.steered(holds.get(i) ? addition : Controller.none())
                    .generate(prompts.get(i), 4, Sampling.greedy());
            assertArrayEquals(wanted.tokens(), found.get(i).tokens(), prompts.get(i));
            assertEquals(holds.get(i), found.get(i).energyPerToken() > 0);
            assertEquals(arm.name(), found.get(i).controller());
        }
        long controllers = prompts.stream()
                .map(prompt -> arm.controller().apply(MODEL, prompt))
                .distinct()
                .count();
        assertEquals(2, controllers, "prompts that share a controller get the same object");
        var prompted = condition.whenPrompt(ControllerFactory.prompted("p", prompt -> "x " + prompt));
        assertRefused(() -> prompted.on(MODEL, prompts), "'p'", "steers by its prompt");
    }
}
