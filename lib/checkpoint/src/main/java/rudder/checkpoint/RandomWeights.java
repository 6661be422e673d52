package rudder.checkpoint;

import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.TensorSource;

/**
 * Random weights that are made while they are read. They depend on shape and seed only, not on the rows read at a time,
 * and have the distribution of {@link RandomCheckpoint}.
 */
public final class RandomWeights implements TensorSource {

    private final ModelShape shape;
    private final ModelConfig config;
    private final Map<String, long[]> tensors;
    private final long seed;

    /** Makes the weights of a shape; equal seeds give equal weights. */
    public RandomWeights(ModelShape shape, long seed) {
        this.shape = shape;
        this.seed = seed;
        config = shape.config();
        tensors = RandomCheckpoint.tensors(config);
    }

    /** Returns the SHA-256 of shape and seed, which determine the weights. */
    public String sha256() {
        return Checksums.sha256(toString());
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public long[] shape(String name) {
        long[] size = tensors.get(name);
        if (size == null) {
            throw new IllegalArgumentException(this + " has no tensor '" + name + "'; names() lists them");
        }
        return size.clone();
    }

    @Override
    public void read(String name, long first, long count, FloatBuffer into) {
        long[] size = shape(name);
        int width = size.length == 1 ? 1 : Math.toIntExact(size[1]);
        float centre = RandomCheckpoint.centre(name, config);
        float step = RandomCheckpoint.step(size);
        int to = into.position();
        IntStream.range(0, Math.toIntExact(count)).parallel().forEach(row -> {
            var random = new SplittableRandom(seed + 31L * name.hashCode() + ((first + row) << 32)); // one stream a row
            var values = new float[width];
            long bits = 0;
            for (int i = 0; i < width; i++, bits >>>= 16) {
                bits = i % 4 == 0 ? random.nextLong() : bits;
                values[i] = centre + step * (short) bits;
            }
            into.put(to + row * width, values);
        });
        into.position(to + Math.toIntExact(count) * width);
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return "RandomWeights[" + shape + ", seed " + seed + "]";
    }
}
