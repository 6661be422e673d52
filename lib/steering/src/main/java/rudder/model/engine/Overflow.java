package rudder.model.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.stream.IntStream;

/**
 * Refuses states that steering has taken beyond the numbers of their precision. A norm of such a state is 0 or NaN, and
 * the logits behind it would still choose tokens.
 */
public final class Overflow {

    private Overflow() {}

    /**
     * Throws if a sum of squares is not finite.
     *
     * @param states of a steered pass, [.., d]
     * @param where the pass, for the message
     */
    public static void refuse(NDArray states, String where) {
        double sum = states.square().sum().toType(DataType.FLOAT64, false).getDouble();
        if (!Double.isFinite(sum)) {
            throw found(where);
        }
    }

    /** Throws naming the block if a block's energy |u_k|^2 is not finite; [row][T]. */
    public static void refuse(double[][] energies, String where) {
        for (double[] row : energies) {
            IntStream.range(0, row.length)
                    .filter(k -> !Double.isFinite(row[k]))
                    .findFirst()
                    .ifPresent(k -> {
                        throw found(where + ", in block " + k);
                    });
        }
    }

    private static IllegalArgumentException found(String where) {
        return new IllegalArgumentException("the steered state overflowed " + where
                + ": its numbers are too large for the model's precision; lower the controller's strength");
    }
}
