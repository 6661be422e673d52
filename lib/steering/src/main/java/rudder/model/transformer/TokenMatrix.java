package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import java.util.Arrays;

/**
 * A matrix with a row for every token, [vocabulary, d]: the embedding or the output head. It may be a third of a model,
 * and only logits need the whole matrix. Until it is held, the rows of tokens are read from the open checkpoint.
 * Thread-safe.
 */
public final class TokenMatrix {

    /** Numbers of a part that is unpacked for one product, 64 MiB. */
    public static final int PART = 1 << 24;

    private final Staging staging;
    private final Staging.Rows rows;
    private final int dimension;
    private final NDManager manager;
    private final DataType stored;
    private final Keep keep;
    private NDArray whole; // null until it is kept
    private boolean sound; // whether all rows were read and are finite

    TokenMatrix(Staging staging, Staging.Rows rows, int dimension, NDManager manager, DataType stored, Keep keep) {
        this.staging = staging;
        this.rows = rows;
        this.dimension = dimension;
        this.manager = manager;
        this.stored = stored;
        this.keep = keep;
    }

    /**
     * Returns x E' for states x [.., d] and this matrix E: [.., vocabulary]. The matrix is then on the engine's device
     * for good, or is unpacked part by part, as {@link Keep} says.
     *
     * @param norm brings states into the range of half precision
     * @throws IllegalArgumentException naming the tensor, if a number is not finite
     */
    NDArray products(NDArray x, Norm norm) {
        NDArray matrix = held(keep == Keep.AT_ONCE || keep == Keep.WHEN_USED && x.size() > dimension);
        if (matrix != null) {
            return norm.linear(x, matrix);
        }
        var products = new NDList();
        int most = Math.max(1, PART / dimension);
        for (int first = 0; first < rows.count(); first += most) {
            try (NDManager scope = x.getManager().newSubManager()) {
                NDArray part = staging.stack(scope, stored, dimension, null, null, rows.range(first, most));
                products.add(norm.linear(x, part));
            }
        }
        return NDArrays.concat(products, -1);
    }

    /** Returns y E for rows y [n, vocabulary] and this matrix E: [n, d]. It is on the device, or read part by part. */
    NDArray combinations(NDArray y) {
        NDArray matrix = held(keep != Keep.NEVER);
        NDArray sum = y.getManager().zeros(new Shape(y.getShape().get(0), dimension), y.getDataType());
        int most = Math.max(1, matrix == null ? PART / dimension : rows.count());
        for (int first = 0; first < rows.count(); first += most) {
            try (NDManager scope = y.getManager().newSubManager()) {
                NDArray part = matrix == null
                        ? staging.stack(scope, stored, dimension, null, null, rows.range(first, most))
                        : matrix;
                int end = Math.min(rows.count(), first + most);
                sum.addi(y.get(scope, new NDIndex().addAllDim().addSliceDim(first, end))
                        .matMul(Tensors.within(scope, part)));
            }
        }
        return sum;
    }

    /**
     * Reads all rows once, for those who take them from the file without a check.
     *
     * @throws IllegalArgumentException naming the tensor, if a number is not finite
     */
    synchronized void requireFinite() {
        if (!sound && whole == null) {
            staging.requireFinite(dimension, rows);
            sound = true;
        }
    }

    private synchronized NDArray held(boolean now) {
        if (whole == null && now) {
            whole = staging.stack(manager, stored, dimension, null, null, rows);
        }
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
        NDArray matrix = held(false);
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
