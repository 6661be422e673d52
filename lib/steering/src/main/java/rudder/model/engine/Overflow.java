package rudder.model.engine;

import ai.djl.ndarray.NDArray;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Refuses states that steering has taken beyond the numbers of their precision. A norm of such a state is 0 or NaN, and
 * the logits behind it would still choose tokens.
 */
public final class Overflow {

    /** Places of tokens, for the messages. */
    public static final String IN_PROMPT = "in a prompt";

    public static final String IN_CONTINUATION = "in a continuation";

    private Overflow() {}

    /**
     * Throws if a sum of squares is not finite.
     *
     * @param states of a steered pass, [.., d]
     * @param where the pass, for the message
     */
    public static void refuse(NDArray states, String where) {
        refuse(EngineAlgebra.numbers(squares(states))[0], where);
    }

    /** Returns the sum of squares that {@link #refuse(double, String)} takes, [1]. */
    public static NDArray squares(NDArray states) {
        return states.square().sum().reshape(1);
    }

    /** Throws if a sum of squares is not finite. */
    public static void refuse(double squares, String where) {
        if (!Double.isFinite(squares)) {
            throw found(where);
        }
    }

    /**
     * As {@link #refuse(NDArray, String)}, for the states z_0..z_T of a pass on the heap, [T+1][d, width]; names the
     * block. Each column is a sum of its own, as in the next norm.
     *
     * @param columns those that hold tokens
     * @param where each column's token
     */
    public static void refuse(float[][] states, int width, int columns, IntFunction<String> where) {
        for (int k = 0; k < states.length; k++) {
            float[] z = states[k];
            var sums = new float[width]; // in the precision of the next norm
            for (int at = 0; at < z.length; at += width) {
                for (int column = 0; column < width; column++) {
                    sums[column] += z[at + column] * z[at + column];
                }
            }
            for (int column = 0; column < columns; column++) {
                if (!Float.isFinite(sums[column])) {
                    throw found(where.apply(column) + ", in block " + Math.max(0, k - 1));
                }
            }
        }
    }

    /** Returns the place of a token that is generated after {@code step} others, for the messages. */
    public static String atGenerated(int step) {
        return "at generated token " + (step + 1);
    }

    /**
     * Throws naming the block if a block's energy |u_k|^2 is not finite; [row][T].
     *
     * @param where each row's token
     */
    public static void refuse(double[][] energies, IntFunction<String> where) {
        for (int i = 0; i < energies.length; i++) {
            double[] row = energies[i];
            String token = where.apply(i);
            IntStream.range(0, row.length)
                    .filter(k -> !Double.isFinite(row[k]))
                    .findFirst()
                    .ifPresent(k -> {
                        throw found(token + ", in block " + k);
                    });
        }
    }

    private static IllegalArgumentException found(String where) {
        return new IllegalArgumentException("the steered state overflowed " + where
                + ": its numbers are too large for the model's precision; lower the controller's strength");
    }
}
