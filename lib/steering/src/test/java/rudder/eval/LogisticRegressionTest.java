package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LogisticRegressionTest {

    private static final int POSITIVE = 15;

    private final Random random = new Random(3);
    private final float[][] x = Stream.generate(
                    () -> new float[] {random.nextFloat() - 0.4f, random.nextFloat(), random.nextFloat() - 0.5f})
            .limit(40)
            .toArray(float[][]::new);

    /** Where the loss |w|^2 / 2 + 10 sum log(1 + exp(-y (w.x + b))) has no slope. */
    @Test
    void noPerturbationOfTheWeightsLowersTheLoss() {
        double[] w = LogisticRegression.fit(x, POSITIVE).w();
        for (int trial = 0; trial < 50; trial++) {
            double[] other =
                    Arrays.stream(w).map(v -> v + 1e-3 * random.nextGaussian()).toArray();
            assertTrue(loss(other) > loss(w));
        }
    }

    private double loss(double[] w) {
        double loss = 0;
        for (int j = 0; j < 3; j++) {
            loss += w[j] * w[j] / 2;
        }
        for (int i = 0; i < x.length; i++) {
            loss += 10 * Math.log1p(Math.exp(i < POSITIVE ? -decision(w, x[i]) : decision(w, x[i])));
        }
        return loss;
    }

    private static double decision(double[] w, float[] x) {
        return w[0] * x[0] + w[1] * x[1] + w[2] * x[2] + w[3];
    }

    /** The intercept is not penalised: the loss has no slope along b only if sum p = sum y. */
    @Test
    void probabilitiesSumToTheNumberOfPositives() {
        var fitted = LogisticRegression.fit(x, POSITIVE);
        assertEquals(POSITIVE, Stream.of(x).mapToDouble(fitted::probability).sum(), 1e-9);
        assertEquals(1 / (1 + Math.exp(-decision(fitted.w(), x[0]))), fitted.probability(x[0]), 1e-15);
    }
}
