package rudder.experiment.condition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

class DoseTest {
    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final List<String> PROMPTS = Tiny.TEXTS;
    private static final Comparison.Settings SETTINGS = Comparison.settings().tokens(6);
    private static final ContrastSet SET =
            new ContrastSet("sea", List.of("the sea", "a wave then"), List.of("a street", "the sun sets"));

    private final Features features = Features.contrast(MODEL, SET);

    private static Dose.Found search(Dose dose, DoubleUnaryOperator of, double start) {
        var search = new DoseSearch(dose, start);
        while (!search.isOver()) {
            search.measured(of.applyAsDouble(search.strength()));
        }
        return search.found();
    }

    /** The dose is u^2 for strength u: kl(0.25) is at 0.5, kl(9) at 3. A power law is read off at once. */
    @Test
    void theStrengthOfADoseIsFoundWithin5Percent() {
        for (double nats : new double[] {0.0004, 0.25, 0.9, 9, 2000}) {
            for (double start : new double[] {1, 0.3, 40}) {
                var found = search(Dose.kl(nats), u -> u * u, start);
                assertEquals(Dose.Outcome.REACHED, found.outcome(), found.toString());
                assertEquals(nats, found.achieved(), 0.05 * nats);
                assertEquals(found.achieved(), found.strength() * found.strength());
            }
        }
        assertEquals(1.5, search(Dose.perplexityRatio(1.5), u -> 1 + u / 3, 1).achieved(), 0.025);
        assertEquals(3, search(Dose.kl(0.25), u -> u * u / 4, 0.7).tried().size(), "two around it, and one between");
        var steep = search(Dose.kl(0.2), u -> Math.expm1(8 * u * u), 1);
        assertEquals(0.2, steep.achieved(), 0.01, steep.toString());
        var step = search(Dose.kl(0.2), u -> u < 0.9 ? 1e-9 * u : 0.2 + 9 * (u - 0.9), 1);
        assertEquals(0.2, step.achieved(), 0.01, step.toString());
        assertRefused(() -> search(Dose.kl(1), u -> u, 100), "100.0", "64.0");
    }

    @Test
    void aDoseThatNoStrengthHasIsSaidByName() {
        assertEquals(
                Dose.Outcome.OUT_OF_REACH,
                search(Dose.kl(2), u -> u / (1 + u), 1).outcome());
        assertEquals(
                Dose.Outcome.OUT_OF_REACH, search(Dose.kl(0.1), u -> 1 + u, 1).outcome());
        assertEquals(
                Dose.Outcome.JUMPS,
                search(Dose.kl(0.5), u -> u < 3 ? 0.1 : 0.9, 1).outcome());
        // a closed loop at strength 0 still acts: least dose 0.2, at strength 0.5
        assertEquals(
                Dose.Outcome.OUT_OF_REACH,
                search(Dose.kl(0.1), u -> 0.2 + (u - 0.5) * (u - 0.5), 1).outcome());
        var above = search(Dose.kl(0.3), u -> 0.2 + (u - 0.5) * (u - 0.5), 1);
        assertEquals(Dose.Outcome.REACHED, above.outcome(), above.toString());
        assertTrue(above.strength() > 0.5);
        var wavy = search(Dose.kl(0.5), u -> u < 3 ? u < 1.5 ? 0.3 : 0.1 : 0.52, 1);
        assertEquals(Dose.Outcome.NOT_MONOTONE, wavy.outcome());
        assertEquals("not monotone", Dose.Found.reason(wavy.toString()));
        assertEquals(above.toString(), Dose.Found.reason(above.toString()));
        var e = assertThrows(IllegalStateException.class, () -> wavy.required("ActAdd"));
        assertTrue(e.getMessage().contains("'ActAdd'") && e.getMessage().contains("not monotone"), e.getMessage());
        assertRefused(() -> Dose.kl(0), "0.0", "KL");
        assertRefused(() -> Dose.perplexityRatio(1), "1.0", "PERPLEXITY_RATIO");
    }

    /** The dose of an arm is the metric KL of a comparison. */
    @Test
    void theDoseOfAnArmIsItsKlInAComparison() {
        var arm = Controller.actAdd(features.setpoint(3), 2);
        double found = Dose.kl(1).of(MODEL, arm, PROMPTS, SETTINGS);
        var comparison = Comparison.of(MODEL, PROMPTS, SETTINGS.withDivergence(), arm);
        assertEquals(comparison.mean(arm.name(), "KL").mean(), found, 1e-9);
        assertEquals(0, Dose.kl(1).of(MODEL, Controller.none(), PROMPTS, SETTINGS), 1e-12);
        assertEquals(1, Dose.perplexityRatio(2).of(MODEL, Controller.none(), PROMPTS, SETTINGS), 1e-12);
    }

    /** Of raw texts, of texts under a judge, and of a chat's answers. */
    @Test
    void thePerplexityRatioOfAnArmIsThatOfItsComparison() {
        try (var model = Tiny.LLAMA.chatting()) {
            var toy = Features.contrast(model, SET);
            var arm = Controller.actAdd(toy.setpoint(3), 2);
            for (var settings : List.of(SETTINGS, SETTINGS.judge(Tiny.QWEN2.model()), SETTINGS.asChat())) {
                var table = Comparison.of(model, PROMPTS, settings, Controller.none(), arm);
                assertEquals(
                        table.mean(arm.name(), "perplexity").mean()
                                / table.mean("none", "perplexity").mean(),
                        Dose.perplexityRatio(2).of(model, arm, PROMPTS, settings),
                        1e-9,
                        settings.toString());
            }
        }
    }

    @Test
    void aFamilyReachesTheDoseOnItsPrompts() {
        var found =
                Dose.kl(0.01).find(MODEL, lambda -> Controller.actAdd(features.setpoint(lambda), 2), PROMPTS, SETTINGS);
        assertEquals(Dose.Outcome.REACHED, found.outcome(), found.toString());
        var arm = Controller.actAdd(features.setpoint(found.strength()), 2);
        assertEquals(found.achieved(), Dose.kl(1).of(MODEL, arm, PROMPTS, SETTINGS), 1e-12);
    }

    /** Each family of a map has the dose at the strength that it has alone, or is left out and named. */
    @Test
    void familiesReachTheDoseEachAtItsOwnStrength() {
        var families = new LinkedHashMap<String, DoubleFunction<Controller>>();
        families.put("ActAdd", lambda -> Controller.actAdd(features.setpoint(lambda), 2));
        families.put("idle", lambda -> Controller.none());
        families.put("spread", lambda -> Controller.spreadActAdd(features.setpoint(lambda), 0));
        var dosed = Dose.kl(0.01).find(MODEL, families, PROMPTS, SETTINGS);
        var arms = dosed.arms();
        assertEquals(
                List.of("none", "ActAdd", "spread"),
                Arrays.stream(arms).map(Arm::name).toList());
        for (var name : List.of("ActAdd", "spread")) {
            double alone = Dose.kl(0.01)
                    .find(MODEL, families.get(name), PROMPTS, SETTINGS)
                    .achieved();
            assertEquals(alone, Dose.kl(1).of(MODEL, dosed.arm(name), PROMPTS, SETTINGS), 1e-12);
            assertEquals(0.01, alone, 0.0005);
        }
        assertEquals(dosed.found("spread").strength(), dosed.strength("spread").orElseThrow());
        assertEquals(OptionalDouble.empty(), dosed.strength("idle"));
        var table = dosed.table();
        assertEquals(List.of("ActAdd", "idle", "spread"), table.stringColumn(0).asList());
        assertEquals("out of reach", table.stringColumn(1).get(1));
        assertEquals("out of reach", table.stringColumn(2).get(1));
        assertRefused(() -> dosed.arm("P"), "'P'", "idle");
        assertThrows(IllegalStateException.class, () -> dosed.arm("idle"));
    }
}
