package rudder.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.model.plant.PromptPlant;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.PromptSet;
import rudder.steer.Provenance;
import rudder.study.ForecastStudy.Loop;
import rudder.study.LinearityStudy.Along;
import rudder.study.TruncationStudy.Cut;
import rudder.theory.LocalLinearity;
import rudder.theory.QuadraticCost;

@Tag("model")
class LinearityStudyTest {
    private static LanguageModel model;
    private static List<String> prompts;
    private static ContrastSet ocean;

    @BeforeAll
    static void load() throws IOException {
        model = LanguageModel.load("SmolLM2-135M-Instruct");
        prompts = PromptSet.read("../../data/prompts/concepts.csv").some(3);
        ocean = ContrastSet.read("../../data/concepts/ocean.csv");
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void whatIsLostIsMeasuredAgainAsItWasAndNothingElseIs(@TempDir Path cache) throws IOException {
        var first = LinearityStudy.kept(model, prompts, prompts, ocean, cache);
        List<Path> kept;
        try (var files = Files.list(cache.resolve("artefacts"))) {
            kept = files.sorted().toList();
        }
        assertEquals(model.horizon(), kept.size());
        Files.delete(kept.get(0));
        var untouched = Files.getLastModifiedTime(kept.get(1));
        var again = LinearityStudy.kept(model, prompts, prompts, ocean, cache);
        assertTrue(Files.exists(kept.get(0)));
        assertEquals(untouched, Files.getLastModifiedTime(kept.get(1)));
        for (var along : Along.values()) {
            for (var with : Jacobians.values()) {
                var before = first.error(along, with, 0.1);
                var after = again.error(along, with, 0.1);
                for (int k = 0; k < model.horizon(); k++) {
                    assertEquals(
                            before.get(k).mean(),
                            after.get(k).mean(),
                            1e-3 * before.get(k).mean(),
                            along + " " + with + ", block " + k);
                }
                assertTrue(first.meanError(along, Jacobians.OWN, 0.01).mean() < 0.1, along.toString());
            }
        }
        assertFalse(kept.contains(fileBeforeTheIdentity(cache)), "a study without A = I would be read");
        assertNotEquals(first.control().get(0), first.alignment().get(0));
        assertThrows(IllegalArgumentException.class, () -> first.error(Along.FEATURE, Jacobians.OWN, 0.2));
        assertRefused(
                () -> LinearityStudy.kept(model, List.of("a", "b", "b"), prompts, ocean, cache),
                "3 prompts",
                "2 of them different");
        assertRefused(() -> LinearityStudy.kept(model, prompts, List.of(), ocean, cache), "population");
        Files.write(kept.get(0), Files.readAllBytes(kept.get(1)));
        assertRefused(
                () -> LinearityStudy.kept(model, prompts, prompts, ocean, cache),
                kept.get(0).getFileName().toString(),
                "delete it");
    }

    /** Where block 0 of this study lay before {@link Jacobians#IDENTITY} was measured. */
    private static Path fileBeforeTheIdentity(Path cache) {
        var inputs = List.of(
                Provenance.digest(prompts),
                Provenance.digest(prompts),
                ocean.sha256(),
                LinearityStudy.RADII + " " + LinearityLaboratory.DIRECTIONS);
        return new Provenance(
                        "local linearity of block 0",
                        model.name(),
                        model.sha256(),
                        model.precision(),
                        Provenance.digest(inputs),
                        prompts.size(),
                        model.horizon(),
                        Provenance.VERSION)
                .file(cache);
    }

    @Test
    void cuttingNothingIsThePromptsOwnJacobianAndCuttingLessIsBetter(@TempDir Path cache) throws IOException {
        int k = 15;
        var study = TruncationStudy.kept(model, prompts, cache, k);
        double own = own(k, TruncationStudy.RADIUS);
        int last = study.ranks().size() - 1;
        assertEquals(model.dimension(), study.ranks().get(last));
        for (var cut : Cut.values()) {
            var errors = study.error(k, cut);
            assertEquals(own, errors.get(last).mean(), 1e-3 * own, cut.toString());
            assertTrue(
                    errors.get(last).mean() < errors.get(last - 2).mean()
                            && errors.get(last - 2).mean() < errors.get(0).mean(),
                    cut + " " + errors);
        }
        double kept = study.aboveThreshold(k).mean();
        double below =
                study.error(k, Cut.WHOLE).get(lastUpTo(study.ranks(), kept)).mean();
        assertTrue(study.thresholdError(k, Cut.WHOLE).mean() < below, "more of A is kept than at the rank below");
        assertTrue(study.alignment(k).get(3).low() > study.control(k).get(3).high());
        assertEquals(identity(k, TruncationStudy.RADIUS), study.identityError(k).mean(), 1e-3);
        assertTrue(
                study.error(k, Cut.ADDED).get(last - 2).mean()
                        < study.identityError(k).mean(),
                "half of J is better than nothing of it");
        assertEquals(
                study.aboveThreshold(k),
                TruncationStudy.kept(model, prompts, cache, k).aboveThreshold(k));
        assertRefused(() -> TruncationStudy.kept(model, prompts, cache, model.horizon()), "30", "0..29");
        assertRefused(() -> study.error(1, Cut.WHOLE), "block 1", "[15]");
    }

    /** What {@link LinearityStudy} calls the own Jacobian's error along differences. */
    private static double own(int k, double radius) {
        return error(k, radius, plant -> plant.jacobian(k));
    }

    private static double identity(int k, double radius) {
        return error(k, radius, plant -> CommonOps_DDRM.identity(model.dimension()));
    }

    private static double error(int k, double radius, Function<PromptPlant, DMatrixRMaj> a) {
        var neighbours = Neighbours.of(model, prompts);
        return IntStream.range(0, prompts.size())
                .mapToObj(i -> LocalLinearity.around(
                                neighbours.plants().get(i),
                                k,
                                neighbours.state(k, i),
                                neighbours.differences(k, i).toArray(double[][]::new),
                                radius)
                        .errors(a.apply(neighbours.plants().get(i)), model.algebra()))
                .flatMap(Arrays::stream)
                .flatMapToDouble(Arrays::stream)
                .average()
                .orElseThrow();
    }

    private static int lastUpTo(List<Integer> ranks, double most) {
        return (int) ranks.stream().filter(r -> r <= most).count() - 1;
    }

    @Test
    void oneStepOfItsOwnJacobianForetellsBestAndKeptForecastsAreReadAgain(@TempDir Path cache) throws IOException {
        var setpoint = Features.contrast(model, ocean).setpoint(1);
        var cost = new QuadraticCost(0.1, 10, 1);
        var study = ForecastStudy.kept(model, prompts, setpoint, cost, cache);
        for (var loop : Loop.values()) {
            assertEquals(model.horizon(), study.stepErrors(loop, Jacobians.OWN).size());
            assertEquals(model.horizon() + 1, study.errors(loop, Jacobians.OWN).size());
            assertTrue(
                    study.meanStepError(loop, Jacobians.OWN).mean()
                            < study.meanStepError(loop, Jacobians.MEAN).mean(),
                    loop.toString());
        }
        assertEquals(
                0, study.errors(Loop.FREE, Jacobians.OWN).get(0).mean(), "both start where the state was moved to");
        assertEquals(
                study.stepErrors(Loop.FREE, Jacobians.MEAN).get(0).mean(),
                study.errors(Loop.FREE, Jacobians.MEAN).get(1).mean(),
                1e-4);
        assertTrue(
                Double.isNaN(
                        study.stepErrors(Loop.FEEDBACK, Jacobians.OWN).get(0).mean()),
                "nothing has moved at the first block");
        assertTrue(
                study.missed(Loop.FEEDBACK, Jacobians.OWN).mean() < 0.2,
                study.table().toString());
        assertEquals(
                study.table().toString(),
                ForecastStudy.kept(model, prompts, setpoint, cost, cache)
                        .table()
                        .toString());
    }
}
