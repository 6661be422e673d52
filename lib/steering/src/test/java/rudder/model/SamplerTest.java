package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.model.engine.Sampler;

class SamplerTest {
    private static final Sampling FREE = new Sampling(1, 0, 1, 1, 7);

    private static float[] logits(int n, long seed) {
        Random random = new Random(seed);
        float[] logits = new float[n];
        for (int i = 0; i < n; i++) {
            logits[i] = (float) (3 * random.nextGaussian());
        }
        return logits;
    }

    /**
     * The probability of each token, step by step as the transformers library does it, on a fully sorted vocabulary.
     */
    private static double[] oracle(float[] logits, Sampling sampling, Set<Integer> seen) {
        int n = logits.length;
        double[] scores = new double[n];
        for (int i = 0; i < n; i++) {
            double x = logits[i];
            scores[i] = (!seen.contains(i)
                            ? x
                            : x > 0 ? x / sampling.repetitionPenalty() : x * sampling.repetitionPenalty())
                    / sampling.temperature();
        }
        List<Integer> falling = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparing(i -> -scores[i]))
                .toList();
        if (sampling.topK() > 0) {
            falling = falling.subList(0, Math.min(sampling.topK(), n));
        }
        double largest = scores[falling.get(0)];
        double[] weights =
                falling.stream().mapToDouble(i -> Math.exp(scores[i] - largest)).toArray();
        double total = Arrays.stream(weights).sum();
        double[] probabilities = new double[n];
        double kept = 0;
        for (int i = 0; i < weights.length && kept < sampling.topP(); i++) {
            probabilities[falling.get(i)] = weights[i] / total;
            kept += weights[i] / total;
        }
        for (int i = 0; i < n; i++) {
            probabilities[i] /= kept;
        }
        return probabilities;
    }

    /** Every other proposal is dropped; draws, penalties and ties are those of a sampler that proposes nothing. */
    @Test
    void aProposalThatNobodyTakesChangesNoToken() {
        for (var sampling : List.of(
                Sampling.standard(), Sampling.paper(), FREE, FREE.withTopK(5), FREE.withRepetitionPenalty(0.5))) {
            var plain = sampling.sampler(3);
            var proposing = sampling.sampler(3);
            for (int i = 0; i < 50; i++) {
                float[] logits = new float[40];
                System.arraycopy(logits(30, i), 0, logits, 5, 30);
                if (i % 2 == 0) {
                    proposing.proposed(logits, 5, 30);
                }
                if (i % 5 == 0) {
                    plain.accept(i % 30);
                    proposing.accept(i % 30);
                } else {
                    int token = proposing.proposed(logits, 5, 30);
                    assertEquals(plain.next(logits, 5, 30), proposing.take(token), sampling + ", token " + i);
                }
            }
        }
    }

    /** Every token may be penalised, the last one too; the penalty may make another one the largest. */
    @Test
    void greedyDecodingTakesTheLargestLogitBehindThePenalty() {
        var random = new Random(2);
        for (int i = 0; i < 200; i++) {
            int[] seen = random.ints(random.nextInt(12), 0, 9).toArray(); // 8 is beyond the logits
            float[] logits = logits(8, i);
            logits[random.nextInt(8)] = Float.NEGATIVE_INFINITY;
            var sampler = Sampling.standard().sampler(0);
            sampler.accept(seen);
            var penalised = logits.clone();
            Arrays.stream(seen)
                    .distinct()
                    .filter(id -> id < 8)
                    .forEach(id -> penalised[id] = logits[id] > 0 ? logits[id] / 1.2f : logits[id] * 1.2f);
            int wanted = IntStream.range(0, 8)
                    .reduce((a, b) -> penalised[b] > penalised[a] ? b : a)
                    .orElseThrow();
            assertEquals(wanted, sampler.next(logits));
        }
    }

    private static int[] counts(float[] logits, Sampling sampling, int draws) {
        int[] counts = new int[logits.length];
        Sampler sampler = sampling.sampler(0);
        for (int i = 0; i < draws; i++) {
            counts[sampler.next(logits)]++;
        }
        return counts;
    }

    // chi^2 of n cells has mean n - 1 and variance 2 (n - 1)
    private static void assertFrequencies(double[] wanted, int[] counts) {
        int draws = Arrays.stream(counts).sum();
        double chi2 = 0;
        int cells = 0;
        double restWanted = 0;
        double restFound = 0;
        for (int i = 0; i < counts.length; i++) {
            if (wanted[i] == 0) {
                assertEquals(0, counts[i], "token " + i + " is outside the nucleus");
            } else if (wanted[i] * draws < 5) {
                restWanted += wanted[i] * draws;
                restFound += counts[i];
            } else {
                chi2 += Math.pow(counts[i] - wanted[i] * draws, 2) / (wanted[i] * draws);
                cells++;
            }
        }
        if (restWanted > 0) {
            chi2 += Math.pow(restFound - restWanted, 2) / restWanted;
            cells++;
        }
        double limit = cells - 1 + 4 * Math.sqrt(2.0 * (cells - 1));
        assertTrue(chi2 <= limit, "chi^2 " + chi2 + " above " + limit + " for " + cells + " cells");
    }

    @Test
    void frequenciesAreTheSoftmaxOfTheLogits() {
        float[] logits = logits(200, 1);
        assertFrequencies(oracle(logits, FREE, Set.of()), counts(logits, FREE, 20_000));
    }

    @Test
    void frequenciesAreThoseOfAFullSortUnderEveryCombination() {
        float[] logits = logits(80, 2);
        for (double temperature : new double[] {.5, 1, 2}) {
            for (int topK : new int[] {0, 2, 20, 79, 1000}) {
                for (double topP : new double[] {1e-9, .3, .9, 1}) {
                    Sampling sampling = new Sampling(temperature, topK, topP, 1, 11);
                    assertFrequencies(oracle(logits, sampling, Set.of()), counts(logits, sampling, 2_000));
                }
            }
        }
    }

    @Test
    void noTokenOutsideTheNucleusOfALargeVocabularyIsEverDrawn() {
        for (int seed = 0; seed < 20; seed++) {
            float[] logits = logits(5_000, seed);
            Sampling sampling = FREE.withTopP(.05 + .045 * seed).withSeed(seed).withRepetitionPenalty(1.3);
            Set<Integer> seen = new HashSet<>();
            Sampler sampler = sampling.sampler(0);
            for (int i = 0; i < 20; i++) {
                double[] nucleus = oracle(logits, sampling, seen);
                int token = sampler.next(logits);
                assertTrue(nucleus[token] > 0, "token " + token);
                seen.add(token);
            }
        }
    }

    @Test
    void aVanishingTemperatureTopKOneAndAVanishingTopPAreGreedy() {
        for (int seed = 0; seed < 50; seed++) {
            float[] logits = logits(1000, seed);
            int greedy = Sampling.greedy().sampler(0).next(logits);
            assertEquals(
                    IntStream.range(0, 1000)
                            .boxed()
                            .max(Comparator.comparing(i -> logits[i]))
                            .get(),
                    greedy);
            for (Sampling sampling : List.of(
                    FREE.withTemperature(1e-6),
                    FREE.withTemperature(Double.MIN_VALUE),
                    FREE.withTopK(1),
                    FREE.withTopP(1e-12))) {
                assertEquals(greedy, sampling.sampler(0).next(logits), sampling.toString());
            }
        }
    }

    @Test
    void theFirstOfEqualLogitsIsTheGreedyOne() {
        assertEquals(1, Sampling.greedy().sampler(0).next(new float[] {-1, 2, 2, -0f, 0}));
        assertEquals(0, FREE.withTopP(1e-9).sampler(0).next(new float[] {-0f, 0}));
    }

    @Test
    void thePenaltyDividesPositiveLogitsMultipliesNegativeOnesAndCountsATokenOnce() {
        Sampling greedy = Sampling.greedy().withRepetitionPenalty(2);
        assertEquals(1, greedy.sampler(0, 0, 0, 0).next(new float[] {3, 2, -1})); // 1.5 < 2
        assertEquals(0, greedy.sampler(0, 0, 0, 0).next(new float[] {5, 2, -1})); // 2.5 > 2: divided once
        assertEquals(1, greedy.sampler(0, 0).next(new float[] {-1, -1.5f, -4})); // -2 < -1.5
        Sampler own = greedy.sampler(0);
        assertArrayEquals(
                new int[] {0, 1, 0},
                IntStream.range(0, 3).map(i -> own.next(new float[] {3, 2, -1})).toArray());
    }

    @Test
    void aPenaltyOfOneChangesNothing() {
        Sampler without = FREE.sampler(0);
        Sampler with =
                FREE.withRepetitionPenalty(1).sampler(0, IntStream.range(0, 100).toArray());
        for (int i = 0; i < 50; i++) {
            float[] logits = logits(100, i);
            assertEquals(without.next(logits), with.next(logits));
        }
    }

    private static int[] tokens(Sampling sampling, int row, int n) {
        Sampler sampler = sampling.sampler(row);
        return IntStream.range(0, n).map(i -> sampler.next(logits(500, i))).toArray();
    }

    @Test
    void theSameSeedAndRowDrawTheSameTokensAndOthersDoNot() {
        Sampling sampling = FREE.withTemperature(3);
        assertArrayEquals(tokens(sampling, 4, 50), tokens(sampling, 4, 50));
        assertNotEquals(Arrays.toString(tokens(sampling, 4, 50)), Arrays.toString(tokens(sampling, 5, 50)));
        assertNotEquals(Arrays.toString(tokens(sampling, 4, 50)), Arrays.toString(tokens(sampling.withSeed(8), 4, 50)));
        assertNotEquals(Arrays.toString(tokens(sampling, 1, 50)), Arrays.toString(tokens(sampling.withSeed(8), 0, 50)));
    }

    @Test
    void aRowOfABatchIsReadInItsPlaceAndLeftAsItWas() {
        float[] row = logits(100, 9);
        float[] batch = new float[300];
        Arrays.fill(batch, 99);
        System.arraycopy(row, 0, batch, 100, 100);
        float[] before = batch.clone();
        for (Sampling sampling : List.of(Sampling.greedy(), FREE, Sampling.paper(), FREE.withTopK(9))) {
            assertEquals(
                    sampling.sampler(0, 3).next(row), sampling.sampler(0, 3).next(batch, 100, 100));
        }
        assertArrayEquals(before, batch);
    }

    @Test
    void forbiddenTokensAreNeverDrawn() {
        float[] logits = {Float.NEGATIVE_INFINITY, 1, Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY};
        for (Sampling sampling : List.of(FREE, FREE.withTopP(.99), FREE.withTopK(4), FREE.withRepetitionPenalty(1.2))) {
            int[] counts = counts(logits, sampling, 1000);
            assertEquals(1000, counts[1] + counts[3]);
        }
    }

    @Test
    void logitsThatOverflowedAreRefused() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            var error = assertThrows(
                    IllegalArgumentException.class, () -> FREE.sampler(0).next(new float[] {1, bad, 0}));
            assertTrue(error.getMessage().contains("token 1"), error.getMessage());
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> Sampling.greedy().sampler(0).next(new float[] {Float.NEGATIVE_INFINITY}));
    }

    @Test
    void settingsThatMeanNothingAreRefusedByName() {
        refused("temperature", () -> FREE.withTemperature(-1));
        refused("temperature", () -> FREE.withTemperature(Double.NaN));
        refused("topK", () -> FREE.withTopK(-1));
        refused("topP", () -> FREE.withTopP(0));
        refused("topP", () -> FREE.withTopP(1.01));
        refused("repetitionPenalty", () -> FREE.withRepetitionPenalty(0));
    }

    private static void refused(String name, Runnable setting) {
        var error = assertThrows(IllegalArgumentException.class, setting::run);
        assertTrue(error.getMessage().startsWith(name + ": found"), error.getMessage());
    }
}
