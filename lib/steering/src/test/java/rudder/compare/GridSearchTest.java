package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.theory.control.Controller;

@Tag("model")
class GridSearchTest {
    private static final List<String> PROMPTS = List.of("Once upon a time", "The best thing about the weekend is");
    private static final double[] GRID = {0, 0.5, 1};

    private static LanguageModel model;
    private static Features features;
    private static GridSearch tuning;

    @BeforeAll
    static void search() throws IOException {
        model = LanguageModel.load("SmolLM2-135M-Instruct");
        features = Features.contrast(model, ContrastSet.read("../../data/concepts/ocean.csv"));
        tuning = search(Objective.most("strength"));
    }

    private static GridSearch search(Objective objective) {
        return GridSearch.search(
                model,
                PROMPTS,
                settings(),
                List.of(),
                objective,
                middle(),
                ControllerFamily.of("P", GRID, l -> Controller.proportionalFrom(features.setpoint(l), 0.1, 0)));
    }

    private static Comparison.Settings settings() {
        return Comparison.settings().tokens(4).measuring(features.setpoint(1));
    }

    private static ControllerFamily middle() {
        return ControllerFamily.of("middle", GRID, lambda -> Controller.actAdd(features.setpoint(lambda), 15));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void theBestOfEachFamilyIsTheOneOfTheLargestMean() {
        for (var family : tuning.candidates().entrySet()) {
            double best = tuning.tried()
                    .mean(tuning.best(family.getKey()).name(), "strength")
                    .mean();
            family.getValue()
                    .forEach(arm ->
                            assertTrue(tuning.tried().mean(arm, "strength").mean() <= best, arm));
        }
        assertEquals("middle 1", tuning.best("middle").name());
        assertEquals(
                tuning.tried().mean("P 1", "energy"), tuning.tried().only("P 1").mean("P 1", "energy"));
        assertEquals(
                Map.of("middle", List.of("middle 0", "middle 0.5", "middle 1"), "P", List.of("P 0", "P 0.5", "P 1")),
                tuning.candidates());
    }

    /** Curves from the unsteered arm: of all blocks the one that does most within the limit. */
    @Test
    void aFamilyGoesOnWithTheCurveThatDoesMostAtEqualDamage() {
        var blocks = ControllerFamily.of(
                "ActAdd",
                new double[] {5, 15, 25},
                GRID,
                (block, l) -> Controller.actAdd(features.setpoint(l), block.intValue()));
        var weak = ControllerFamily.of(
                "weak",
                new double[] {5, 15, 25},
                GRID,
                (block, l) -> Controller.actAdd(features.setpoint(0.1 * l), block.intValue()));
        var tried = Comparison.of(model, PROMPTS, settings(), ControllerFamily.arms(blocks, weak));
        double limit = 1.5 * tried.mean("none", "perplexity").mean();
        var found = GridSearch.of(tried, Objective.most("strength").within("perplexity", limit), blocks, weak);
        var sweep = found.sweep("ActAdd");
        assertEquals("none", sweep.get(0));
        for (int block : new int[] {5, 15, 25}) {
            var curve = Stream.concat(
                            Stream.of("none"),
                            Arrays.stream(GRID).mapToObj(l -> "ActAdd " + block + (l == 0.5 ? " 0.5" : " " + (int) l)))
                    .toList();
            assertTrue(most(tried, limit, curve) <= most(tried, limit, sweep), curve.toString());
        }
        assertRefused(() -> found.sweep("other"), "'other'", "ActAdd");
        var without = GridSearch.of(
                tried.only(tried.controllers().stream().skip(1).toArray(String[]::new)),
                Objective.most("strength"),
                blocks,
                weak);
        assertRefused(() -> without.sweep("weak"), "'none'", "weak 5 0");
    }

    private static double most(Comparison tried, double limit, List<String> arms) {
        return arms.stream()
                .filter(arm -> tried.mean(arm, "perplexity").mean() <= limit)
                .mapToDouble(arm -> tried.mean(arm, "strength").mean())
                .max()
                .orElseThrow();
    }

    @Test
    void aCandidateIsMadeWhenItFirstSteersAndOnce() {
        var made = new ArrayList<Double>();
        var family = ControllerFamily.of("counted", GRID, lambda -> {
            made.add(lambda);
            return Controller.actAdd(features.setpoint(lambda), 15);
        });
        assertEquals(List.of(), made);
        Comparison.of(model, PROMPTS, settings().tokens(1), family.candidate("counted 0.5"));
        assertEquals(List.of(0.5), made);
        assertEquals(
                "counted 0.5",
                family.candidate("counted 0.5")
                        .controller()
                        .apply(model, PROMPTS.get(1))
                        .name());
    }

    @Test
    void aLimitForbidsWhatExceedsItAndTheLeastExcessIsTakenWhereNothingKeepsIt() {
        assertEquals(
                "middle 0",
                search(Objective.most("strength").within("energy", 1))
                        .best("middle")
                        .name());
        double least = tuning.candidates().get("P").stream()
                .mapToDouble(arm -> tuning.tried().mean(arm, "energy").mean())
                .min()
                .orElseThrow();
        var strict = search(Objective.most("strength").within("energy", least / 2));
        assertEquals(
                least, strict.tried().mean(strict.best("P").name(), "energy").mean());
    }

    @Test
    void whatIsSavedIsTheTable(@TempDir Path folder) throws IOException {
        var file = folder.resolve("tuning.csv");
        tuning.save(file.toString());
        var lines = Files.readAllLines(file);
        assertEquals("family,candidate,strength,chosen", lines.get(0));
        assertEquals(7, lines.size());
        assertTrue(lines.get(3).startsWith("middle,middle 1,") && lines.get(3).endsWith(",true"), lines.get(3));
        assertEquals(1, Files.list(folder).count(), "no part is left behind");
    }

    @Test
    void unequalBudgetsAreRefused() {
        assertRefused(
                () -> GridSearch.search(
                        model,
                        PROMPTS,
                        settings(),
                        List.of(),
                        Objective.most("strength"),
                        middle(),
                        ControllerFamily.of("more", new double[] {0, 1}, lambda -> Controller.none())),
                "ControllerFamily[more, 2 candidates]",
                "as many");
        assertRefused(
                () -> GridSearch.search(
                        model, PROMPTS, settings(), List.of(), Objective.most("strength"), middle(), middle()),
                "one name");
        assertRefused(() -> new ControllerFamily("x", List.of()), "'x'", "no candidate");
        assertRefused(() -> tuning.best("other"), "'other'", "middle");
    }

    /** Nothing is steered, nothing moves; the tokens steered are those of the settings. */
    @Test
    void divergenceIsMeasuredOfTheTokensThatAreSteered() {
        var middle = Controller.actAdd(features.setpoint(1), 15);
        var all = Comparison.of(model, PROMPTS, settings().withDivergence(), Controller.none(), middle);
        var last = Comparison.of(model, PROMPTS, settings().withDivergence().atPositions(Positions.PROMPT_END), middle);
        assertEquals(0, all.mean("none", "KL").mean());
        assertTrue(all.mean(middle.name(), "KL").mean()
                > last.mean(middle.name(), "KL").mean());
        assertEquals(
                all.mean(middle.name(), "energy").mean() / 4,
                last.mean(middle.name(), "energy").mean(),
                1e-3,
                "one token of four");
    }

    @Test
    void divergenceIsThatOfTheControllersThatWrote() {
        var asked = new ArrayList<String>();
        var counted = new ControllerFactory("counted", (m, prompt) -> {
            asked.add(prompt);
            return Controller.actAdd(features.setpoint(1), 15);
        });
        Comparison.of(model, PROMPTS, settings().withDivergence(), counted);
        assertEquals(PROMPTS, asked, "each prompt's is made once");
    }
}
