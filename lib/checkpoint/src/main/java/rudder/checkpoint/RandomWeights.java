package rudder.checkpoint;

import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.TensorSource;

/**
 * Random weights that are made when they are read, the same for a shape and a seed in whatever portions; distributed as
 * in {@link RandomCheckpoint}.
 */
public final class RandomWeights implements TensorSource {

    private final ModelShape shape;
    private final ModelConfig config;
    private final Map<String, long[]> tensors;
    private final long seed;

    public RandomWeights(ModelShape shape, long seed) {
        this.shape = shape;
        this.seed = seed;
        config = shape.config();
        tensors = RandomCheckpoint.tensors(config);
    }

    /** Of what the weights depend on: stands for the weights themselves. */
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
            throw new IllegalArgumentException(this + " has no tensor '" + name + "'");
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
            var random = new SplittableRandom(seed + 31L * name.hashCode() + ((first + row) << 32)); // each row's own
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
