package rudder.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.report.LinearityCharts;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.study.LinearityStudy.Along;
import rudder.theory.Vectors;

/** What the trivial predictor A = I predicts, and how much better Jacobians do. */
class LinearitySkillTest {
    private static final List<String> PROMPTS = List.of("the sea rises", "a wave then", "oh!", "in these inner seas");
    private static final ContrastSet SEA =
            new ContrastSet("sea", List.of("the sea", "a tide"), List.of("the road", "a field"));

    private static LanguageModel model;
    private static List<Map<String, double[][]>> blocks;
    private static LinearityStudy study;

    @BeforeAll
    static void measure() {
        model = Tiny.LLAMA.model();
        var each = LinearityStudy.eachBlock(model, PROMPTS, PROMPTS, SEA);
        blocks = IntStream.range(0, model.horizon()).mapToObj(each).toList();
        study = LinearityStudy.ofBlocks(model.name(), PROMPTS, blocks);
    }

    /** {@code |phi(z + dz) - phi(z) - dz| / |phi(z + dz) - phi(z)|}, with no matrix in sight. */
    @Test
    void theErrorOfTheIdentityIsWhatTheBlockAddsToTheStepOverItsAnswer() {
        var features = Features.contrast(model, SEA);
        for (double radius : LinearityStudy.RADII) {
            for (int k = 0; k < model.horizon(); k++) {
                int block = k;
                double wanted = PROMPTS.stream()
                        .mapToDouble(prompt -> {
                            var plant = model.plant(prompt);
                            double[] z = plant.nominal().state(block);
                            double[] v = features.direction(block);
                            double step = radius * Vectors.norm(z) / Vectors.norm(v);
                            double[] moved = Vectors.plus(z, step, v);
                            double[] answer = Vectors.minus(plant.next(block, moved), plant.next(block, z));
                            return Vectors.norm(Vectors.plus(answer, -step, v)) / Vectors.norm(answer);
                        })
                        .average()
                        .orElseThrow();
                double found = study.error(Along.FEATURE, Jacobians.IDENTITY, radius)
                        .get(k)
                        .mean();
                assertEquals(wanted, found, 1e-6 * wanted, "block " + k + ", radius " + radius);
            }
        }
    }

    @Test
    void theIdentityHasNoSkillOverItself() {
        for (var along : Along.values()) {
            for (double radius : LinearityStudy.RADII) {
                assertEquals(
                        new ConfidenceInterval(0, 0, 0),
                        study.meanSkill(along, Jacobians.IDENTITY, radius),
                        along + " " + radius);
            }
        }
    }

    @Test
    void skillIsOneLessTheErrorInUnitsOfTheIdentitys() {
        for (var with : Jacobians.values()) {
            double wanted = IntStream.range(0, PROMPTS.size())
                    .mapToDouble(i -> 1 - error(with, i) / error(Jacobians.IDENTITY, i))
                    .average()
                    .orElseThrow();
            assertEquals(wanted, study.meanSkill(Along.ISOTROPIC, with, 0.1).mean(), 1e-12, with.toString());
        }
    }

    private static double error(Jacobians with, int prompt) {
        int radius = LinearityStudy.RADII.indexOf(0.1);
        return blocks.stream()
                .mapToDouble(block -> block.get(LinearityLaboratory.errors(Along.ISOTROPIC, with))[prompt][radius])
                .average()
                .orElseThrow();
    }

    @Test
    void aPromptsOwnJacobianIsNearlyPerfectNearbyAndTheLessSkilledTheFarther() {
        for (var along : Along.values()) {
            double[] skill = LinearityStudy.RADII.stream()
                    .mapToDouble(radius ->
                            study.meanSkill(along, Jacobians.OWN, radius).mean())
                    .toArray();
            assertTrue(skill[0] > 0.9 && skill[0] > skill[2] && skill[2] > skill[4], along + Arrays.toString(skill));
        }
    }

    @Test
    void everyKindOfJacobiansHasItsRowsAndTheChartsShowTheTrivialPredictor() {
        int rows = Along.values().length * Jacobians.values().length;
        assertEquals(rows, study.table().rowCount());
        assertEquals(rows, study.skills().rowCount());
        assertEquals("0", study.skills().row(3).getString("0.1"));
        assertEquals("identity", study.skills().row(3).getString("Jacobian"));
        assertTrue(names(LinearityCharts.errors(study, Along.DIFFERENCES, 0.1)).contains("A = I"));
        assertTrue(names(LinearityCharts.skills(study, Jacobians.OWN)).contains("no skill"));
        assertEquals(2, LinearityCharts.radiiAndSkills(study, Jacobians.OWN).size());
    }

    private static List<String> names(XYChart chart) {
        return chart.getSeriesCollection().stream().map(XYSeries::getName).toList();
    }

    /** A study that was saved before the trivial predictor was measured. */
    @Test
    void aStudyWithoutOneKindOfJacobiansIsRefused() {
        for (var with : Jacobians.values()) {
            var lacking = new ArrayList<>(blocks);
            var tables = new TreeMap<>(blocks.get(1));
            tables.remove(LinearityLaboratory.errors(Along.FEATURE, with));
            lacking.set(1, tables);
            assertRefused(() -> LinearityStudy.ofBlocks("tiny", PROMPTS, lacking), "errors.feature." + with);
        }
    }
}
