package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import java.util.Arrays;

/**
 * A matrix with a row for every token, [vocabulary, d]: the embedding or the output head. It may be a third of a model,
 * and only logits need the whole matrix. Until logits are asked for, the rows of tokens are read from the open
 * checkpoint. Thread-safe.
 */
final class TokenMatrix {

    private final Staging staging;
    private final Staging.Rows rows;
    private final int dimension;
    private final NDManager manager;
    private final DataType stored;
    private NDArray whole; // null until logits are asked for

    TokenMatrix(Staging staging, Staging.Rows rows, int dimension, NDManager manager, DataType stored) {
        this.staging = staging;
        this.rows = rows;
        this.dimension = dimension;
        this.manager = manager;
        this.stored = stored;
    }

    /**
     * Loads the whole matrix onto the engine's device at the first call, and returns it.
     *
     * @throws IllegalArgumentException naming the tensor, if a number is not finite
     */
    synchronized NDArray whole() {
        if (whole == null) {
            whole = staging.stack(manager, stored, dimension, null, rows);
        }
        return whole;
    }

    private synchronized NDArray ifThere() {
        return whole;
    }

    /**
     * Returns the rows of tokens [B][L], in the stored precision: [B, L, d]. Rows from the checkpoint and rows of the
     * whole matrix are bit-identical.
     *
     * @throws IllegalArgumentException naming the tensor, if a number is not finite
     */
    NDArray of(NDManager scope, int[][] tokens) {
        int[] all = Arrays.stream(tokens).flatMapToInt(Arrays::stream).toArray();
        NDArray matrix = ifThere();
        if (matrix != null) {
            NDArray indices = scope.create(
                    Arrays.stream(all).asLongStream().toArray(), new Shape(tokens.length, tokens[0].length));
            return indices.getNDArrayInternal()
                    .embedding(indices, matrix, SparseFormat.DENSE)
                    .get(0);
        }
        try (NDManager within = scope.newSubManager()) {
            NDArray x = staging.pick(within, stored, dimension, rows, all)
                    .reshape(tokens.length, tokens[0].length, dimension);
            x.attach(scope);
            return x;
        }
    }
}
