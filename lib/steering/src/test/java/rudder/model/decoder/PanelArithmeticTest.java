package rudder.model.decoder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import rudder.kernel.PackedMatrix;

class PanelArithmeticTest {

    @BeforeEach
    void needsVectors() {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
    }

    /** To the bit, for matrices that measure a state and for those that add to one. */
    @Test
    void thinProductsOfOneTextAreThoseOfSeveral() {
        var arithmetic = PanelArithmetic.INSTANCE;
        var random = new Random(1);
        for (int[] shape : new int[][] {{1, 100}, {3, 100}, {100, 3}, {100, 1}}) {
            var matrix = arithmetic.matrix(RandomMatrices_DDRM.rectangle(shape[0], shape[1], -1, 1, random));
            var offset = arithmetic.row(random.doubles(shape[0], -9, 9).toArray());
            for (var added : new Panel[] {null, offset}) {
                var several = new Panel(shape[1], 3);
                for (int i = 0; i < several.values().length; i++) {
                    several.values()[i] = (float) random.nextGaussian();
                }
                float[] wanted = arithmetic.linear(several, matrix, added).values();
                for (int text = 0; text < 3; text++) {
                    var one = new Panel(shape[1], 1);
                    for (int i = 0; i < shape[1]; i++) {
                        one.values()[i] = several.values()[3 * i + text];
                    }
                    float[] found = arithmetic.linear(one, matrix, added).values();
                    for (int r = 0; r < shape[0]; r++) {
                        assertEquals(wanted[3 * r + text], found[r]);
                    }
                }
            }
        }
    }
}
