package rudder.study;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.ModelShape;
import rudder.study.ScalingStudy.Stage;

/** What holds however long anything takes. */
class ScalingStudyTest {

    private static ModelShape shape(int blocks, int d) {
        return new ModelShape("d=" + d, "llama", blocks, d, d / 16, d / 48, 16, 8 * d / 3, 40, true);
    }

    private static ScalingStudy study;

    @BeforeAll
    static void measure() {
        study = ScalingStudy.of(List.of(shape(2, 48), shape(2, 96), shape(2, 192)), 2);
    }

    @Test
    void resultsTakeTheMemoryThatTheoryCounts() {
        double[] d = {48, 96, 192};
        assertArrayEquals(Arrays.stream(d).mapToLong(n -> (long) (3 * n * 8)).toArray(), study.bytes(Stage.TRACE));
        assertArrayEquals(
                Arrays.stream(d).mapToLong(n -> (long) (2 * n * n * 8)).toArray(), study.bytes(Stage.JACOBIANS));
        assertArrayEquals(study.bytes(Stage.JACOBIANS), study.bytes(Stage.RICCATI));
        assertArrayEquals(
                Arrays.stream(d).map(n -> 2 * n * n * 8 / 1e6).toArray(), study.megabytes(Stage.JACOBIANS), 1e-12);
        assertArrayEquals(
                Arrays.stream(d).mapToLong(n -> (long) (2 * 2 * n * 8)).toArray(), study.bytes(Stage.TRACKER)); // 2 T d
        assertEquals(1, study.memoryExponent(Stage.TRACKER, ModelShape::dimension), 1e-12);
        assertEquals(2, study.memoryExponent(Stage.RICCATI, ModelShape::dimension), 1e-12);
    }

    @Test
    void theoryExpectsCubesOfMatricesAndSquaresOfVectors() {
        for (var stage : Stage.values()) {
            boolean cube = stage == Stage.JACOBIANS || stage == Stage.RICCATI;
            assertEquals(cube ? 3 : 2, study.expected(stage, ModelShape::dimension, 0), 1e-12, stage.toString());
        }
    }

    @Test
    void anExponentLiesBetweenItsRoundsAndAPredictionOfWhatWasMeasuredIsTheMeasurement() {
        for (var stage : Stage.values()) {
            var exponent = study.exponent(stage, ModelShape::dimension, 90);
            assertTrue(exponent.low() <= exponent.mean() && exponent.mean() <= exponent.high(), exponent.toString());
            assertEquals(
                    study.seconds(stage)[2],
                    study.predicted(stage, study.shapes().get(2)),
                    1e-15);
            assertEquals(4 * study.seconds(stage)[2], study.predicted(stage, shape(8, 192)), 1e-9);
        }
        assertEquals(3, study.table().rowCount());
        assertEquals(5, study.exponents("d", ModelShape::dimension, 90).rowCount());
        assertEquals(8, study.predictions(ModelShape.paper()).rowCount());
        assertEquals(
                List.of("trace", "Jacobians", "Riccati", "feature tracker", "steered tokens"),
                List.copyOf(study.curves().keySet()));
        assertRefused(() -> study.exponent(Stage.TRACE, ModelShape::dimension, 100), "1 shapes", "wanted two");
        assertRefused(() -> ScalingStudy.of(List.of(), 1), "0 shapes");
        assertTrue(IntStream.range(0, 3).allMatch(i -> study.seconds(Stage.RICCATI)[i] > 0));
    }
}
