package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TradeOffTest {
    private static final int PROMPTS = 200;
    private final Random random = new Random(1);

    @Test
    void theEffectIsReadOffWhereTheCurveFirstExceedsTheLimit() {
        double[] x = {1, 2, 4, 3, 8};
        double[] y = {0, 10, 30, 99, 50};
        assertEquals(0, TradeOff.crossing(0.5, x, y));
        assertEquals(5, TradeOff.crossing(1.5, x, y));
        assertEquals(10, TradeOff.crossing(2, x, y));
        assertEquals(20, TradeOff.crossing(3, x, y));
        assertEquals(50, TradeOff.crossing(9, x, y));
    }

    /** Two kinds on one curve, at different strengths: each has more effect at more damage, and neither is better. */
    @Test
    void kindsOnOneCurveDoNotDifferWhateverTheirStrengths() {
        var difference = curves(1).difference(2, List.of("none", "b 1", "b 2"), List.of("none", "a 1", "a 2"));
        assertTrue(difference.low() <= 0 && 0 <= difference.high(), difference.toString());
    }

    @Test
    void aKindOfTwiceTheEffectAtEqualDamageIsFoundToBeOne() {
        var tradeOff = curves(2);
        var difference = tradeOff.difference(2, List.of("none", "b 1", "b 2"), List.of("none", "a 1", "a 2"));
        assertEquals(0.2, difference.mean(), 0.06);
        assertTrue(difference.low() > 0, difference.toString());
        assertEquals(
                tradeOff.effect(2, List.of("none", "b 1", "b 2")).mean()
                        - tradeOff.effect(2, List.of("none", "a 1", "a 2")).mean(),
                difference.mean(),
                1e-12);
    }

    @Test
    void anArmThatIsNotThereIsNamed() {
        assertRefused(() -> curves(1).effect(2, List.of("none", "c 1")), "'c 1'", "a 1");
        assertRefused(() -> curves(1).effect(2, List.of()), "no arms");
    }

    /** Arms a lie at damage 1.8 and 2.6, the unsteered model at 1. */
    @Test
    void aCurveIsNotReadOutsideItsSteeredArms() {
        var arms = List.of("none", "a 1", "a 2");
        assertRefused(() -> curves(1).effect(1.4, arms), "[a 1, a 2]", "limit 1.4", "weaker or stronger");
        assertRefused(() -> curves(1).effect(2.9, arms), "limit 2.9", "find the strength of a dose");
        assertRefused(() -> curves(1).difference(1.7, List.of("b 1", "b 2"), arms), "[a 1, a 2]", "limit 1.7");
        assertRefused(() -> curves(1).effect(1, List.of("none")), "damages []");
        var curves = curves(1);
        assertEquals(curves.effect(2, arms), curves.effect(2, arms.subList(1, 3)));
    }

    /**
     * Damage 1 + strength; effect .2 times the strength for a, times the factor for b: the first of a and b lie at
     * different strengths.
     */
    private TradeOff curves(double factor) {
        double[] hard = random.doubles(PROMPTS, -0.3, 0.3).toArray(); // prompts differ, alike for all
        var effects = Map.of(
                "none",
                effect(0),
                "a 1",
                effect(0.16),
                "a 2",
                effect(0.32),
                "b 1",
                effect(0.1 * factor),
                "b 2",
                effect(0.3 * factor));
        return new TradeOff(
                effects,
                Map.of(
                        "none",
                        damage(hard, 1),
                        "a 1",
                        damage(hard, 1.8),
                        "a 2",
                        damage(hard, 2.6),
                        "b 1",
                        damage(hard, 1.5),
                        "b 2",
                        damage(hard, 2.5)),
                false);
    }

    private double[] effect(double rate) {
        return random.doubles(PROMPTS).map(u -> u < rate ? 1 : 0).toArray();
    }

    private static double[] damage(double[] hard, double mean) {
        return Arrays.stream(hard).map(h -> mean + h).toArray();
    }
}
