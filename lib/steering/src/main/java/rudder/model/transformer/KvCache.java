package rudder.model.transformer;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import rudder.checkpoint.ModelConfig;

/**
 * Keys and values of the tokens read so far, preallocated: two arrays [batch x key heads, capacity, head dimension] for
 * each block. Closing the cache frees them.
 */
public final class KvCache implements AutoCloseable {

    public final int capacity;
    public final int[] pads;
    private final NDManager manager;
    private final NDArray[] keys;
    private final NDArray[] values;
    private int columns;

    KvCache(NDManager parent, ModelConfig config, DataType type, int[] pads, int capacity) {
        this.capacity = capacity;
        this.pads = pads;
        manager = parent.newSubManager();
        keys = new NDArray[config.horizon()];
        values = new NDArray[config.horizon()];
        Shape shape = new Shape((long) pads.length * config.keyValueHeads(), capacity, config.headDimension());
        for (int k = 0; k < keys.length; k++) {
            keys[k] = manager.create(shape, type);
            values[k] = manager.create(shape, type);
        }
    }

    /** Returns the number of columns that every block has stored. The next pass starts here. */
    public int columns() {
        return columns;
    }

    /** Counts the columns of a pass, after all blocks have stored them. */
    public void advance(int length) {
        columns += length;
    }

    /** Stores a block's new keys [batch x key heads, length, head dimension] and returns a view of all so far. */
    NDArray keys(int block, NDArray added) {
        return store(keys[block], added);
    }

    /** As {@link #keys}, for values. */
    NDArray values(int block, NDArray added) {
        return store(values[block], added);
    }

    /** Returns a view of all keys that a block has stored, [batch x key heads, columns, head dimension]. */
    public NDArray keys(NDManager scope, int block) {
        return seen(scope, keys[block], columns);
    }

    /** As {@link #keys(NDManager, int)}, for values. */
    public NDArray values(NDManager scope, int block) {
        return seen(scope, values[block], columns);
    }

    private NDArray store(NDArray all, NDArray added) {
        long end = columns + added.getShape().get(1);
        all.set(new NDIndex().addAllDim().addSliceDim(columns, end), added);
        return seen(added.getManager(), all, end);
    }

    /** Returns a view of the first columns, in one call of the engine, where an index makes two. */
    private static NDArray seen(NDManager scope, NDArray all, long end) {
        NDArray view = JniUtils.slice((PtNDArray) all, 1, 0, end, 1);
        view.attach(scope);
        return view;
    }

    /**
     * Copies the first columns into an empty cache, which may have other rows and other padding.
     *
     * @param rows the row of this cache for each row of the other
     */
    public void copyTo(KvCache others, int columns, int... rows) {
        int heads = Math.toIntExact(keys[0].getShape().get(0)) / pads.length;
        var places = new long[rows.length * heads * columns];
        int at = 0;
        for (int row = 0; row < rows.length; row++) {
            int behind = pads[rows[row]] - others.pads[row];
            for (int head = rows[row] * heads; head < (rows[row] + 1) * heads; head++) {
                for (int column = 0; column < columns; column++) {
                    // padding may copy any column
                    places[at++] = (long) head * capacity + Math.max(0, column + behind);
                }
            }
        }
        try (NDManager scope = manager.newSubManager()) {
            NDArray index = scope.create(places, new Shape((long) rows.length * heads, columns));
            var seen = new NDIndex().addAllDim().addSliceDim(0, columns);
            for (int k = 0; k < keys.length; k++) {
                others.keys[k].set(seen, picked(keys[k], index));
                others.values[k].set(seen, picked(values[k], index));
            }
        }
        others.columns = columns;
    }

    private static NDArray picked(NDArray all, NDArray index) {
        NDArray columns = Tensors.within(index.getManager(), all)
                .reshape(-1, all.getShape().get(2));
        return index.getNDArrayInternal()
                .embedding(index, columns, SparseFormat.DENSE)
                .get(0);
    }

    /** Returns the size of this many columns in bytes. */
    public long bytes(int columns) {
        var shape = keys[0].getShape();
        return 2L
                * keys.length
                * shape.get(0)
                * columns
                * shape.get(2)
                * keys[0].getDataType().getNumOfBytes();
    }

    /**
     * Copies the keys of one row's tokens in the columns before {@code end}, without padding, to the host.
     *
     * @return for each block, [key heads, tokens, head dimension]
     */
    public float[][] keysBefore(int end, int row) {
        return before(end, keys, row);
    }

    /** As {@link #keysBefore}, for values. */
    public float[][] valuesBefore(int end, int row) {
        return before(end, values, row);
    }

    private float[][] before(int end, NDArray[] arrays, int row) {
        float[][] out = new float[arrays.length][];
        long heads = arrays[0].getShape().get(0) / pads.length;
        try (NDManager scope = manager.newSubManager()) {
            var index =
                    new NDIndex().addSliceDim(row * heads, (row + 1) * heads).addSliceDim(pads[row], end);
            for (int k = 0; k < out.length; k++) {
                NDArray some = arrays[k].get(scope, index);
                out[k] = some.toType(DataType.FLOAT32, false).toFloatArray();
            }
        }
        return out;
    }

    @Override
    public void close() {
        manager.close();
    }
}
