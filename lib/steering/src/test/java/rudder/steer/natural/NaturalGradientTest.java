package rudder.steer.natural;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.Golden;
import rudder.compare.NaturalFamilies;
import rudder.model.Continuation;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.theory.DenseAlgebra;
import rudder.theory.Differential;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;

class NaturalGradientTest {

    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final int T = Tiny.LLAMA.horizon;
    private static final ContrastSet SET = new ContrastSet(
            "sea", List.of("the sea", "a wave then", "the tide"), List.of("a street", "the sun sets", "then rise"));
    private static final List<String> PROMPTS = List.of("the sea", "in these inner seas", "oh", "then", "a street");
    private static final Features FEATURES = Features.contrast(MODEL, SET);
    private static final Fisher FISHER = Fisher.sampled(MODEL, PROMPTS, 12, 3);
    private static final LikelihoodGradient LIKELIHOOD = LikelihoodGradient.of(MODEL, SET);
    private static final NaturalGradient NATURAL = NaturalGradient.of(FISHER, LIKELIHOOD, FEATURES);

    private static double[] random(long seed) {
        return new Random(seed).doubles(Tiny.D, -1, 1).toArray();
    }

    private static double[] constant(Controller controller, int k) {
        var laws = controller.laws(HookPoint.RESID_PRE, k);
        return laws.isEmpty() ? new double[Tiny.D] : controller.input(k, random(k));
    }

    @Test
    void theFisherMatrixIsTheMeanOuterProductOfGradients() {
        var texts = List.of(
                new Continuation(new int[] {3, 4}, new int[] {5, 6, 7}),
                new Continuation(new int[] {9}, new int[] {8, 7, 6, 5, 4}));
        var forms = Fisher.forms(MODEL, texts, Tiny.D);
        MODEL.gradients(texts, (first, k, g) -> {
            double[] x = random(k);
            double[] gx = Vectors.multiply(g, x); // x'R x = sum (g.x)^2 / n
            assertEquals(Vectors.dot(gx, gx) / 8, forms.get(k).square(x), 1e-10, "block " + k);
            assertEquals(Vectors.dot(g.data, g.data) / 8, forms.get(k).trace(), 1e-10, "block " + k);
        });
    }

    @Test
    void solvingInvertsTheShiftedMatrixFullAndFactored() {
        var factor = RandomMatrices_DDRM.rectangle(5, 12, -1, 1, new Random(1));
        var matrix = CommonOps_DDRM.multTransA(factor, factor, null);
        var rows = RandomMatrices_DDRM.rectangle(3, 12, -1, 1, new Random(2));
        double trace = CommonOps_DDRM.trace(matrix);
        var shifted = matrix.copy();
        for (int i = 0; i < 12; i++) {
            shifted.add(i, i, 0.3);
        }
        for (var form : List.of(new FisherForm(matrix, false, trace), new FisherForm(factor, true, trace))) {
            var solved = form.solve(0.3, rows, DenseAlgebra.ejml());
            var back = CommonOps_DDRM.mult(solved, shifted, null);
            assertEquals(0, Golden.relative(back.data, rows.data), 1e-10, form.toString());
        }
    }

    @Test
    void aLowRankThatSufficesGivesTheFullMatrixAndALowerOneLosesTheLeast() {
        var random = new Random(3);
        var base = RandomMatrices_DDRM.rectangle(4, 20, -1, 1, random);
        var full = new FisherForm.Sum(20, 20);
        var low = new FisherForm.Sum(20, 4);
        var lower = new FisherForm.Sum(20, 1);
        for (int i = 0; i < 6; i++) {
            var gradients = CommonOps_DDRM.mult(RandomMatrices_DDRM.rectangle(7, 4, -1, 1, random), base, null);
            for (var sum : List.of(full, low, lower)) {
                sum.add(gradients, DenseAlgebra.ejml());
            }
        }
        var wanted = full.mean();
        var found = low.mean();
        assertTrue(found.factored());
        assertEquals(4, found.numbers().numRows);
        var product = CommonOps_DDRM.multTransA(found.numbers(), found.numbers(), null);
        assertEquals(0, Golden.relative(product.data, wanted.numbers().data), 1e-10);
        assertEquals(wanted.trace(), found.trace(), 1e-10 * wanted.trace());
        assertEquals(wanted.trace(), CommonOps_DDRM.trace(wanted.numbers()), 1e-10 * wanted.trace());
        var least = lower.mean();
        assertEquals(wanted.trace(), least.trace(), 1e-10 * wanted.trace());
        double[] x = new Random(4).doubles(20).toArray();
        assertTrue(least.square(x) <= wanted.square(x));
    }

    @Test
    void directionsHaveFisherNormOneAndSolveTheirEquation() {
        for (int k = 0; k < T; k++) {
            double[] w = NATURAL.direction(k);
            assertEquals(1, FISHER.norm(k, w), 1e-9, "block " + k);
            double[] v = FEATURES.direction(k + 1);
            assertEquals(FEATURES.gap(k + 1) * FISHER.norm(k, v), NATURAL.dose(k), 1e-12, "block " + k);
            // (R + eps tr/d I) w is along v/|v| + h/|h|
            double[] h = LIKELIHOOD.at(k);
            double[] wanted = Vectors.plus(Vectors.times(1 / FISHER.norm(k, v), v), 1 / FISHER.norm(k, h), h);
            var solved = FISHER.solve(k, 1, Vectors.row(wanted)).data;
            assertEquals(1, Vectors.dot(Vectors.unit(solved), Vectors.unit(w)), 1e-12, "block " + k);
        }
    }

    @Test
    void aLargeEpsilonGivesThePlainDirectionAndTheIdentity() {
        var plain = NaturalGradient.of(FISHER, LIKELIHOOD, FEATURES, 1e9);
        for (int k = 0; k < T; k++) {
            double[] v = FEATURES.direction(k + 1);
            double[] h = LIKELIHOOD.at(k);
            double[] sum = Vectors.plus(Vectors.times(1 / FISHER.norm(k, v), v), 1 / FISHER.norm(k, h), h);
            assertEquals(0, Vectors.distance(Vectors.unit(sum), Vectors.unit(plain.direction(k))), 1e-6, "block " + k);
            var rows = Vectors.row(random(k));
            assertEquals(0, Golden.relative(plain.inputs().weigh(k, rows).data, rows.data), 1e-6);
        }
    }

    @Test
    void inputsAreSharesOfTheDoseBehindEachBlock() {
        var one = NATURAL.atBlock(2, 1);
        var spread = NATURAL.spread(2, 1);
        for (int k = 0; k < T; k++) {
            double dose = FISHER.norm(k, constant(one, k));
            assertEquals(k == 1 ? 2 * NATURAL.dose(1) : 0, dose, 1e-9, "block " + k);
            double share = FISHER.norm(k, constant(spread, k));
            assertEquals(k < 1 ? 0 : 2 * NATURAL.dose(k) / (T - 1), share, 1e-9, "block " + k);
        }
        assertEquals(Optional.of(MODEL.sha256()), spread.plant());
    }

    @Test
    void theClosedLoopAddsNothingAtItsTargetAndTheOpenLoopsShareAtTheNegativeMean() {
        var closed = NATURAL.closedLoop(1.5, 1, 1);
        var open = NATURAL.spread(1.5, 1);
        for (int k = 1; k < T; k++) {
            ControlLaw law = closed.laws(HookPoint.RESID_POST, k).get(0);
            var alone = Controller.of("law", Map.of(k, law), null); // reads what is given
            double[] negative = FEATURES.negative().states()[k + 1];
            var setpoint = FEATURES.setpoint(1.5);
            double[] nothing = alone.input(k, setpoint.closest(k + 1, negative));
            assertEquals(0, Vectors.norm(nothing), 1e-9, "block " + k);
            double[] share = constant(open, k);
            assertArrayEquals(share, alone.input(k, negative), 1e-6 * Vectors.norm(share), "block " + k);
        }
        assertTrue(closed.laws(HookPoint.RESID_POST, 0).isEmpty());
    }

    @Test
    void theTrackerOfALargeEpsilonIsTheTrackerWithEveryInput() {
        var plant = Differential.of(Linearisation.mean(MODEL, SET.positive()));
        var natural = NaturalGradient.of(FISHER, LIKELIHOOD, FEATURES, 1e9).tracker(plant, 1, 2, 0.1, 10);
        double[] weights = new double[T + 1];
        Arrays.fill(weights, 2, T + 1, 0.1);
        var wanted = FeatureTracker.of(
                plant, FEATURES.negative().states(), FEATURES.setpoint(1), weights, 10, InputMatrix.everywhere());
        for (int k : wanted.blocks(HookPoint.RESID_POST)) {
            DMatrixRMaj w = wanted.laws(HookPoint.RESID_POST, k)
                    .get(0)
                    .feedback()
                    .orElseThrow()
                    .W();
            DMatrixRMaj found = natural.laws(HookPoint.RESID_POST, k)
                    .get(0)
                    .feedback()
                    .orElseThrow()
                    .W();
            assertEquals(0, Golden.relative(found.data, w.data), 1e-6, "block " + k);
        }
    }

    @Test
    void theLikelihoodGradientIsTheSlopeOfTheMeanLikelihood() {
        double h = 1e-4;
        for (int k = 0; k < T; k++) {
            double[] x = random(k);
            double slope = (gain(k, Vectors.times(h, x)) - gain(k, Vectors.times(-h, x))) / (2 * h);
            assertEquals(slope, Vectors.dot(LIKELIHOOD.at(k), x), 1e-5 * Vectors.norm(LIKELIHOOD.at(k)), "block " + k);
        }
    }

    private static double gain(int k, double[] x) {
        return mean(k, x, SET.positive()) - mean(k, x, SET.negative());
    }

    private static double mean(int k, double[] x, List<String> texts) {
        var steered = MODEL.steered(Controller.of("x", Map.of(k, ControlLaw.constant(x)), null))
                .atEveryToken();
        double sum = 0;
        int count = 0;
        for (var text : texts) {
            var parts = Continuation.of(MODEL.encode(text));
            for (double s : steered.surprisals(List.of(parts.prompt()), List.of(List.of(parts.tokens())))[0][0]) {
                sum -= s;
                count++;
            }
        }
        return sum / count;
    }

    @Test
    void familiesNameTheirParameters() {
        var families = List.of(
                NaturalFamilies.atBlock(NATURAL, new double[] {1, 2}, 1, 2),
                NaturalFamilies.spread(NATURAL, new double[] {1}, 1, 2, 3),
                NaturalFamilies.closedLoop(NATURAL, 1, new double[] {1, 2}, 1, 2),
                NaturalFamilies.tracker(
                        NATURAL, Differential.of(Linearisation.mean(MODEL, SET.positive())), new double[] {2}, 1));
        assertEquals(
                "natural gradient spread 1 3",
                families.get(1).candidates().get(2).name());
        for (var family : families) {
            for (var candidate : family.candidates()) {
                var controller = candidate.controller().apply(MODEL, "the sea");
                assertEquals(2, MODEL.steered(controller).generate("the sea", 2).tokens().length, candidate.name());
            }
        }
    }

    @Test
    void aSavedFisherIsTheSameAndAnotherModelRefusesIt(@TempDir Path folder) throws IOException {
        for (int rank : new int[] {Tiny.D, 6}) {
            var fisher = Fisher.sampled(MODEL, PROMPTS, 4, 1, rank);
            var file = folder.resolve("fisher" + rank);
            fisher.save(file);
            var loaded = Fisher.load(file, MODEL);
            assertEquals(fisher.toString(), loaded.toString());
            assertEquals(rank, loaded.rank());
            for (int k = 0; k < T; k++) {
                double[] x = random(k);
                assertEquals(fisher.norm(k, x), loaded.norm(k, x), 1e-6 * fisher.norm(k, x));
                assertEquals(fisher.trace(k), loaded.trace(k), 1e-12 * fisher.trace(k));
            }
            var other = Tiny.LLAMA.model(DataType.FLOAT32);
            assertThrows(IllegalArgumentException.class, () -> Fisher.load(file, other));
        }
        var cut = folder.resolve("fisher6");
        var bytes = Files.readAllBytes(cut);
        Files.write(cut, Arrays.copyOf(bytes, bytes.length - 8));
        assertThrows(IOException.class, () -> Fisher.load(cut, MODEL));
        assertThrows(IOException.class, () -> Fisher.load(folder.resolve("none"), MODEL));
    }

    @Test
    void anImpossibleFisherOrEpsilonIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Fisher.sampled(MODEL, PROMPTS, 2, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> Fisher.sampled(MODEL, List.of(), 2, 0));
        assertThrows(IllegalArgumentException.class, () -> NaturalGradient.of(FISHER, LIKELIHOOD, FEATURES, 0));
        assertThrows(IllegalArgumentException.class, () -> NATURAL.spread(1, T));
    }
}
