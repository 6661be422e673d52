package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

@Tag("model")
class ControllerGridTest {
    private static final List<String> PROMPTS = List.of("Once upon a time", "The best thing about the weekend is");

    private static ContrastSet few(String concept) throws IOException {
        var set = ContrastSet.read("../../data/concepts/" + concept + ".csv");
        return new ContrastSet(
                concept, set.positive().subList(0, 4), set.negative().subList(0, 4));
    }

    /** One candidate of every family, through one interface. */
    @ParameterizedTest
    @ValueSource(strings = {"SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct", "Gemma-3-270m"})
    void everyControllerSteersEveryArchitecture(String name) throws IOException {
        try (var model = LanguageModel.load(name)) {
            var grid = ControllerGrid.of(model, few("ocean"));
            var factories = Stream.of(grid.families())
                    .map(family -> family.candidates().get(4))
                    .toArray(ControllerFactory[]::new);
            var comparison = Comparison.of(model, PROMPTS, Comparison.settings().tokens(2), factories);
            assertEquals(15, comparison.controllers().size());
            for (var arm : comparison.controllers()) {
                double energy = comparison.mean(arm, "energy").mean();
                boolean mayBeOff = arm.startsWith("bang-bang"); // where the feature shows already
                assertTrue(
                        (energy > 0 || mayBeOff)
                                && Double.isFinite(
                                        comparison.mean(arm, "perplexity").mean()),
                        arm + " adds " + energy);
            }
        }
    }

    @Test
    void whatWasTunedOnOneFeatureIsChosenForAnotherByName() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var ocean = ControllerGrid.of(model, few("ocean"));
            var music = ControllerGrid.of(model, few("music"));
            var one = PROMPTS.subList(0, 1);
            var few = ocean.families(1);
            var tuning = GridSearch.search(
                    model, one, Comparison.settings().tokens(1), List.of(), Objective.most("strength"), few);
            var chosen = music.chosen(tuning);
            assertEquals(
                    Stream.concat(Stream.of("none"), Stream.of(music.families()).map(ControllerFamily::name))
                            .toList(),
                    Stream.of(chosen).map(ControllerFactory::name).toList());
            assertEquals(withoutFirst(ocean.chosen(tuning)), withoutFirst(tuning.arms()), "the same but for 'none'");
            assertEquals("clamp 10 1.25", music.candidate("clamp 10 1.25").name());
            assertRefused(() -> music.candidate("clamp 1"), "'clamp 1'", "ControllerGrid[music");
            var comparisons = List.of(
                    Comparison.of(model, one, Comparison.settings().tokens(1), chosen[0], chosen[1]),
                    Comparison.of(model, PROMPTS, Comparison.settings().tokens(1), chosen[0], chosen[1]));
            var joined = Comparison.joined(comparisons);
            assertEquals(3, joined.prompts().size());
            double mean = (comparisons.get(0).mean("ActAdd", "energy").mean()
                            + 2 * comparisons.get(1).mean("ActAdd", "energy").mean())
                    / 3;
            assertEquals(mean, joined.mean("ActAdd", "energy").mean(), 1e-9 * mean);
            var other = Comparison.of(model, one, Comparison.settings().tokens(1), Controller.none());
            assertRefused(() -> Comparison.joined(List.of(comparisons.get(0), other)), "[none]", "same controllers");
            var each = ocean.byPrompt(9, prompt -> prompt.equals(PROMPTS.get(0)) ? ocean : music, "ActAdd")[0]
                    .candidates()
                    .get(2)
                    .controller();
            assertEquals(
                    ocean.features().setpoint(1).toString(),
                    each.apply(model, PROMPTS.get(0))
                            .setpoint()
                            .orElseThrow()
                            .withStrength(1)
                            .toString());
            assertEquals(
                    music.features().setpoint(1).toString(),
                    each.apply(model, PROMPTS.get(1))
                            .setpoint()
                            .orElseThrow()
                            .withStrength(1)
                            .toString());
            assertRefused(() -> music.families("ActAdd", "adition"), "'adition'", "ActAdd");
            assertEquals(
                    List.of("clamp 10 0.75", "clamp 10 1.25", "clamp 10 1.75"),
                    music.families("clamp")[0].sweep("clamp 10 1.25").stream()
                            .map(ControllerFactory::name)
                            .toList());
            assertEquals(9, music.families("Mean-AcT")[0].sweep("Mean-AcT 1").size());
            assertRefused(() -> music.families("clamp")[0].candidate("clamp 1"), "'clamp 1'", "clamp 10 0.75");
        }
    }

    private static List<ControllerFactory> withoutFirst(ControllerFactory... arms) {
        return List.of(arms).subList(1, arms.length);
    }
}
