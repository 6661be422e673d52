package rudder.experiment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import rudder.eval.ConceptWords;
import rudder.experiment.condition.Disturbance;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;

/** The plan of the experiment, without a model. */
class FeedbackExperimentTest {
    private static final Path DATA = Path.of("../../data");

    @Test
    void thePlanHasTwelveFreshConceptsAndSixtyRowsOfEachKind() throws IOException {
        var plan = FeedbackExperiment.plan("SmolLM2-135M-Instruct", 60, DATA);
        assertEquals(12, plan.choosing().size());
        assertEquals(12, plan.judged().size());
        var known = ConceptWords.read(DATA.resolve("concept-words.csv")).stream()
                .map(ConceptWords::concept)
                .collect(Collectors.toSet());
        for (var concept : plan.judged()) {
            assertTrue(known.contains(concept), concept);
            assertEquals(
                    24,
                    ContrastSet.read(
                                    DATA.resolve("concepts/" + concept + ".csv").toString())
                            .positive()
                            .size());
        }
        for (var disturbance : plan.disturbances()) {
            int rows = disturbance.tokens() == 300 ? 12 : 60;
            for (var concept : plan.judged()) {
                var prompts = plan.prompts(disturbance, concept);
                assertEquals(rows, prompts.size(), disturbance.name());
                assertEquals(rows, new HashSet<>(prompts).size(), disturbance.name());
            }
        }
        assertTrue(plan.tokens(5) > 2_000_000, "hours, not minutes: " + plan.tokens(5));
        assertRefused(() -> FeedbackExperiment.plan("m", 1, DATA), "1 openings");
    }

    @Test
    void aProgramNamesTheArgumentThatIsWrong() {
        assertRefused(() -> PlanProgram.of("m", "sixty", "data", "results"), "rows 'sixty'", "a number");
        assertRefused(() -> PlanProgram.of("m", "60", "data"), "[m, 60, data]", "MODEL ROWS DATA RESULTS");
    }

    /** The second plan differs in its twins, and in what it leaves out. */
    @Test
    void steeredPlansMeetTheSameConceptsAndOpenings() throws IOException {
        var first = FeedbackExperiment.plan("SmolLM2-135M-Instruct", 60, DATA);
        var second = SteeredPlans.plan("SmolLM2-135M-Instruct", 60, DATA);
        assertEquals(first.judged(), second.judged());
        assertEquals(first.openings(), second.openings());
        assertEquals(first.calibration(), second.calibration());
        assertEquals(
                List.of("none", "on topic"),
                second.disturbances().stream().map(Disturbance::name).toList());
        assertRefused(() -> SteeredPlans.main(new String[] {"m", "60"}), "MODEL ROWS DATA RESULTS");
    }

    @Test
    void thePlansTwinsAreTheStandardOnesAndTheNaturalGradients() {
        var model = Tiny.LLAMA.model();
        var set = new ContrastSet("sea", List.of("the sea", "a wave then"), List.of("a street", "the sun sets"));
        var names = Twin.standard(Features.contrast(model, set), Linearisation.mean(model, set.positive())).stream()
                .map(Twin::name)
                .toList();
        var twins = FeedbackExperiment.TWINS;
        assertEquals(names, twins.subList(0, 4));
        var planned = Twin.planned(Features.contrast(model, set), Linearisation.mean(model, set.positive())).stream()
                .map(Twin::name)
                .toList();
        assertEquals(SteeredPlans.TWINS, planned);
    }
}
