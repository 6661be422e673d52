package rudder.checkpoint;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import rudder.checkpoint.format.PackedTensor;
import rudder.checkpoint.format.TensorSource;

/**
 * A checkpoint whose blocks store queries, keys and values in one tensor, and gate and up rows in another, as Phi 3
 * does: seen as the separate tensors that other architectures have.
 */
final class FusedTensors implements TensorSource {

    /** Rows of a stored tensor. */
    private record Slice(String of, long first, long count) {}

    private final TensorSource source;
    private final Map<String, Slice> slices = new LinkedHashMap<>();

    /**
     * Splits the tensors of each block.
     *
     * @param parts the names of the separate tensors
     * @param attention the pattern of the tensor of queries, keys and values, in this order
     * @param mlp the pattern of the tensor of gate and up rows, in this order
     * @throws IllegalArgumentException if a fused tensor is missing, or has another number of rows than its parts
     *     together
     */
    FusedTensors(TensorSource source, ModelConfig config, TensorNames parts, String attention, String mlp) {
        this.source = source;
        long queries = config.headsWidth();
        long keys = (long) config.keyValueHeads() * config.headDimension();
        for (String name : source.names()) {
            slices.put(name, new Slice(name, 0, source.shape(name)[0]));
        }
        for (int k = 0; k < config.horizon(); k++) {
            split(
                    weight(attention, k),
                    Map.of(
                            weight(parts.query(), k), new long[] {0, queries},
                            weight(parts.key(), k), new long[] {queries, keys},
                            weight(parts.value(), k), new long[] {queries + keys, keys}),
                    queries + 2 * keys);
            split(
                    weight(mlp, k),
                    Map.of(
                            weight(parts.gate(), k), new long[] {0, config.feedForward()},
                            weight(parts.up(), k), new long[] {config.feedForward(), config.feedForward()}),
                    2L * config.feedForward());
        }
    }

    private static String weight(String pattern, int k) {
        return TensorNames.ofBlock(pattern, k) + ".weight";
    }

    /** Replaces a tensor by parts, each with its first row and its count of rows. */
    private void split(String fused, Map<String, long[]> parts, long rows) {
        long found = source.shape(fused)[0]; // refuses a missing tensor by name
        if (found != rows) {
            throw new IllegalArgumentException(source + ": tensor " + fused + " has " + found + " rows, wanted " + rows
                    + " for the parts " + parts.keySet() + "; try another conversion of the model");
        }
        slices.remove(fused);
        parts.forEach((name, at) -> slices.put(name, new Slice(fused, at[0], at[1])));
    }

    private Slice slice(String name) {
        Slice slice = slices.get(name);
        return slice == null ? new Slice(name, 0, 0) : slice; // the source refuses it by name
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(slices.keySet());
    }

    @Override
    public long[] shape(String name) {
        Slice slice = slice(name);
        long[] shape = source.shape(slice.of);
        shape[0] = slice.count;
        return shape;
    }

    @Override
    public void read(String name, long first, long count, FloatBuffer into) {
        Slice slice = slice(name);
        if (first < 0 || count < 0 || first + count > slice.count) {
            throw new IllegalArgumentException(source + ": tensor " + name + " has " + slice.count + " rows, but rows "
                    + first + " to " + (first + count - 1) + " were requested");
        }
        source.read(slice.of, slice.first + first, count, into);
    }

    @Override
    public Optional<PackedTensor> packed(String name) {
        Slice slice = slice(name);
        return source.packed(slice.of).map(whole -> {
            int row = (int) (whole.bytes().limit() / whole.shape()[0]);
            return new PackedTensor(
                    whole.type(), shape(name), whole.bytes().slice((int) slice.first * row, (int) slice.count * row));
        });
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    @Override
    public String toString() {
        return source.toString();
    }
}
