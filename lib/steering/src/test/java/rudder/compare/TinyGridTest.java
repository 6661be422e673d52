package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.Linearisation;

/** The grid's selections, on a model of six blocks. */
class TinyGridTest {
    private static final LanguageModel MODEL = Tiny.GEMMA3.model();
    private static final ContrastSet SET =
            new ContrastSet("sea", List.of("the sea", "a wave then"), List.of("a street", "the sun sets"));

    private final ControllerGrid grid = ControllerGrid.of(
            Features.contrast(MODEL, SET), Linearisation.mean(MODEL, SET.positive()), 0.75, 1.25, 1.75);

    @Test
    void aSmokeRunHasTheFirstCandidatesOfEachFamily() {
        var few = grid.families(2, "clamp", "ActAdd");
        assertEquals(
                List.of("clamp 2 0.75", "clamp 2 1.25", "ActAdd 2 0.75", "ActAdd 2 1.25"),
                Stream.of(few).flatMap(ControllerFamily::names).toList());
        assertEquals(grid.families().length, grid.families(1).length);
        assertRefused(() -> grid.families(10, "clamp"), "10 of the 9", "'clamp'");
        assertRefused(() -> grid.families(1, "clmap"), "'clmap'", "ActAdd");
    }

    /** The corners of each family: of its nine candidates the first and the last. */
    @Test
    void familiesScaleWithTheModelAndKeepTheirOrder() {
        assertEquals(
                List.of(
                        "ActAdd 2 0.75 .. 5 1.75",
                        "spread ActAdd 0 1 .. 4 3",
                        "angular 2 0.5 .. 5 1.5",
                        "A-LQR frozen 1 0.75 .. 100 1.75"),
                grid.openLoop().stream().map(TinyGridTest::corners).toList());
        assertEquals(
                List.of(
                        "clamp 2 0.75 .. 5 1.75",
                        "spread P 0 1 .. 4 3",
                        "bang-bang 2 0.75 .. 5 1.75",
                        "S-PID 0.03 0.75 .. 0.3 1.75",
                        "A-LQR 1 0.75 .. 100 1.75",
                        "LQ tracker 1 0.45 .. 4 1.05",
                        "LQ tracker along v 1 0.45 .. 4 1.05",
                        "preview 2 0.45 .. 5 1.05"),
                grid.closedLoop().stream().map(TinyGridTest::corners).toList());
    }

    private static String corners(ControllerFamily family) {
        assertEquals(9, family.candidates().size());
        String last = family.candidates().get(8).name();
        return family.candidates().get(0).name() + " .. "
                + last.substring(family.name().length() + 1);
    }

    @Test
    void aCandidateIsFoundByItsNameInWhicheverFamily() {
        assertEquals(grid.families("S-PID")[0].candidates().get(4), grid.candidate("S-PID 0.1 1.25"));
        assertRefused(() -> grid.candidate("S-PID 1"), "'S-PID 1'", "ControllerGrid[sea");
        var byPrompt = grid.byPrompt(2, prompt -> grid, "clamp")[0].candidates().get(1);
        assertEquals("clamp 2 1.25", byPrompt.name());
        assertEquals(
                grid.candidate("clamp 2 1.25")
                        .controller()
                        .apply(MODEL, "the sea")
                        .toString(),
                byPrompt.controller().apply(MODEL, "the sea").toString());
    }

    @Test
    void aSearchOfTheGridChoosesTheGridsOwnCandidates() {
        var search = GridSearch.search(
                MODEL,
                List.of("the sea"),
                Comparison.settings().tokens(2),
                List.of(),
                Objective.most("strength").withinTimes("perplexity", 2),
                grid.families(3, "ActAdd", "A-LQR", "LQ tracker"));
        assertEquals(List.of("none", "ActAdd", "A-LQR", "LQ tracker"), names(search.arms()));
        assertEquals(names(search.arms()), names(grid.chosen(search)));
        for (int i = 1; i < 4; i++) {
            assertEquals(search.arms()[i], grid.chosen(search)[i]);
        }
        assertEquals(3, search.chosen().rowCount());
        var tried = search.tried();
        for (var arm : tried.controllers()) {
            for (var metric : List.of("strength", "perplexity")) {
                assertEquals(tried.mean(arm, metric).mean(), tried.average(arm, metric));
            }
        }
    }

    private static List<String> names(ControllerFactory... arms) {
        return Stream.of(arms).map(ControllerFactory::name).toList();
    }
}
