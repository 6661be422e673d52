package rudder.steer.rival;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import rudder.theory.control.Arithmetic;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.HookPoint;
import rudder.theory.control.Measurement;

class HeadProbesTest {

    private static final int T = 3;
    private static final int HEADS = 4;
    private static final int WIDTH = 5;
    private static final int TEXTS = 40;

    /** Noise, but for head 2 of block 1, whose outputs differ by five deviations along one coordinate. */
    private static double[][][] outputs(Random random, double shift) {
        double[][][] outputs = new double[TEXTS][T][HEADS * WIDTH];
        for (double[][] text : outputs) {
            for (double[] block : text) {
                Arrays.setAll(block, i -> random.nextGaussian());
            }
            text[1][2 * WIDTH + 3] += shift;
        }
        return outputs;
    }

    private final HeadProbes probes =
            HeadProbes.between("planted", HEADS, outputs(new Random(1), 2.5), outputs(new Random(2), -2.5));

    @Test
    void theHeadThatTellsTheSidesApartIsFound() {
        var best = probes.probes().get(0);
        assertEquals(1, best.block());
        assertEquals(2, best.head());
        assertTrue(best.accuracy() > .95 && best.direction()[3] > .95, best.toString());
    }

    /**
     * Held out, a head that knows nothing is right half of the time; judged by its own means it would seem to know
     * more.
     */
    @Test
    void headsOfNoiseAreNoBetterThanChance() {
        double mean = probes.probes().stream()
                .skip(1)
                .mapToDouble(HeadProbes.Probe::accuracy)
                .average()
                .orElseThrow();
        assertEquals(.5, mean, .06);
    }

    @Test
    void theShiftIsADeviationAlongTheDirectionOfTheChosenHeadsAlone() {
        var controller = probes.iti(1);
        var best = probes.probes().get(0);
        assertEquals(Set.of(1), controller.blocks(HookPoint.HEAD_OUT));
        double[] u = controller
                .laws(HookPoint.HEAD_OUT, 1)
                .get(0)
                .on(Arithmetic.heap())
                .of(new DMatrixRMaj(1, HEADS * WIDTH), NO_MEMORY)
                .data;
        double[] wanted = new double[HEADS * WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            wanted[2 * WIDTH + i] = best.deviation() * best.direction()[i];
        }
        assertArrayEquals(wanted, u);
        assertEquals(Math.sqrt(2.5 * 2.5 + 1), best.deviation(), .3, "of both sides together");
    }

    @Test
    void errorsSayWhatIsWanted() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> probes.iti(13))
                .getMessage()
                .contains("13 heads of 12"));
        var one = new double[1][T][HEADS * WIDTH];
        assertTrue(assertThrows(IllegalArgumentException.class, () -> HeadProbes.between("x", HEADS, one, one))
                .getMessage()
                .contains("at least two a side"));
    }

    private static final ControlLaw.Memory<DMatrixRMaj> NO_MEMORY = new ControlLaw.Memory<>() {
        @Override
        public void keep(Measurement measurement, DMatrixRMaj errors) {}

        @Override
        public DMatrixRMaj recall(Measurement measurement) {
            throw new UnsupportedOperationException();
        }
    };
}
