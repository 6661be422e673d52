package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.rival.CastCondition;

class RivalFamiliesTest {
    private static final LanguageModel MODEL = Tiny.GEMMA3.model();
    private static final ContrastSet SET = new ContrastSet(
            "sea",
            List.of("the sea", "a wave then", "tides rise", "inner seas", "a sail sets", "salt", "oh sea", "the tide"),
            List.of("a street", "the sun sets", "he reads", "it then", "a horse", "trees", "in the east", "one hat"));

    private final RivalFamilies rivals = RivalFamilies.of(MODEL, SET);

    /** Every candidate steers: the search needs as many of each, with different names. */
    @Test
    void everyFamilyHasNineCandidatesThatWrite() {
        var families = rivals.all().toArray(ControllerFamily[]::new);
        var search = GridSearch.search(
                MODEL,
                List.of("the street"),
                Comparison.settings().tokens(1),
                List.of(),
                Objective.most("distinct-1"),
                families);
        assertEquals(1 + 9 * families.length, search.tried().controllers().size());
        assertEquals(
                List.of(
                        "instruction",
                        "few-shot",
                        "PCA",
                        "PID-AcT",
                        "ODESteer",
                        "spherical",
                        "learned",
                        "gated angular",
                        "barrier",
                        "spread barrier"),
                Stream.of(families).map(ControllerFamily::name).toList());
        assertEquals(families.length + 1, search.arms().length);
    }

    @Test
    void aGridTakesTheRivalsInAndFindsThemByPrompt() {
        var grid = ControllerGrid.of(
                        Features.contrast(MODEL, SET), Linearisation.mean(MODEL, SET.positive()), 0.75, 1.25, 1.75)
                .with(rivals);
        var byPrompt = grid.byPrompt(9, prompt -> grid, "few-shot", "ODESteer");
        var shots = byPrompt[0].candidate("few-shot 1 4");
        assertEquals(
                grid.candidate("few-shot 1 4").asked().apply("x"), shots.asked().apply("x"));
        assertEquals(
                grid.candidate("ODESteer 2 0.75").controller().apply(MODEL, "x").name(),
                byPrompt[1]
                        .candidate("ODESteer 2 0.75")
                        .controller()
                        .apply(MODEL, "x")
                        .name());
        assertEquals(
                List.of("few-shot 1 2", "few-shot 1 4", "few-shot 1 8"),
                grid.families("few-shot")[0].sweep("few-shot 1 4").stream()
                        .map(ControllerFactory::name)
                        .toList());
        assertRefused(() -> grid.with(rivals), "two families have one name", "PID-AcT");
    }

    @Test
    void aFamilyBehindAConditionSteersWhereItHolds() {
        var condition = CastCondition.fit(MODEL, Features.contrast(MODEL, SET), SET.positive(), SET.negative());
        var spherical = rivals.all()
                .filter(family -> family.name().equals("spherical"))
                .findFirst()
                .orElseThrow();
        var cast = RivalFamilies.when(condition, "CAST", spherical);
        var candidate = cast.candidate("CAST 2 0.6");
        var prompts = List.of("the sea", "a street");
        var found = candidate.on(MODEL, prompts).generate(prompts, 3, Sampling.greedy());
        var always = spherical.candidate("spherical 2 0.6").on(MODEL, prompts).generate(prompts, 3, Sampling.greedy());
        var never = MODEL.generate(prompts, 3, Sampling.greedy());
        assertArrayEquals(always.get(0).tokens(), found.get(0).tokens());
        assertArrayEquals(never.get(1).tokens(), found.get(1).tokens());
        assertEquals(0, found.get(1).energyPerToken());
    }

    @Test
    void aSetOfFewTextsIsRefused() {
        var few = new ContrastSet("sea", List.of("the sea", "a wave"), List.of("a street", "he reads"));
        assertRefused(() -> RivalFamilies.of(MODEL, few), "examples of sea", "1..2");
    }
}
