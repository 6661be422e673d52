package rudder.checkpoint.format;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * Collects tensors and writes them to one safetensors file, all or nothing. A tensor's values are requested when they
 * are written and freed afterwards, so that a file may be larger than the memory. The file carries a checksum of all
 * its bytes, which {@link Safetensors#verify} checks:
 *
 * <pre>new SafetensorsWriter().metadata("model", sha256).doubles("A.0", () -&gt; a0.data, 576, 576).write(path)</pre>
 */
public final class SafetensorsWriter {

    private record Tensor(TensorType type, long[] shape, Supplier<?> values) {
        long size() {
            return Arrays.stream(shape).reduce(1, Math::multiplyExact);
        }
    }

    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /** Adds a string to the metadata; {@link Safetensors#metadata()} returns it. */
    public SafetensorsWriter metadata(String key, String value) {
        if (key.equals(SafetensorsHeader.SUM)) {
            throw new IllegalArgumentException("the key '" + key + "' is the checksum's: choose another");
        }
        metadata.put(key, Objects.requireNonNull(value, key));
        return this;
    }

    /**
     * Adds a float32 tensor.
     *
     * @param values supplies the values of the shape, row-major; called once, by {@link #write}
     * @param shape slowest axis first
     * @throws IllegalArgumentException if the name is taken
     */
    public SafetensorsWriter floats(String name, Supplier<float[]> values, long... shape) {
        return add(name, new Tensor(TensorType.F32, shape.clone(), values));
    }

    /** Adds a float64 tensor; otherwise like {@link #floats}. */
    public SafetensorsWriter doubles(String name, Supplier<double[]> values, long... shape) {
        return add(name, new Tensor(TensorType.F64, shape.clone(), values));
    }

    /**
     * Adds a bfloat16 tensor whose values are requested piece by piece, so that the tensor may be larger than an array.
     *
     * @param pieces returns the next so many values, row-major, each the upper half of a float's bits
     */
    public SafetensorsWriter bfloats(String name, IntFunction<short[]> pieces, long... shape) {
        return add(name, new Tensor(TensorType.BF16, shape.clone(), () -> pieces));
    }

    private SafetensorsWriter add(String name, Tensor tensor) {
        if (name.equals(SafetensorsHeader.METADATA) || tensors.putIfAbsent(name, tensor) != null) {
            throw new IllegalArgumentException(
                    "a tensor '" + name + "' cannot be added: the name is taken; choose another");
        }
        return this;
    }

    /**
     * Writes the file, all or nothing. Replaces an existing file and makes missing folders.
     *
     * @throws IllegalArgumentException if the number of values of a tensor differs from its shape
     */
    public void write(Path path) throws IOException {
        WholeFile.write(path, file -> {
            var sum = write(file);
            file.position(SafetensorsHeader.SUM_AT);
            WholeFile.writeAll(file, ByteBuffer.wrap(sum));
        });
    }

    /**
     * Returns the bytes of the file that {@link #write(Path)} writes; {@link Safetensors#of} reads them.
     *
     * @throws IllegalArgumentException if the number of values of a tensor differs from its shape
     */
    public byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        try {
            var sum = write(Channels.newChannel(bytes));
            var file = bytes.toByteArray();
            System.arraycopy(sum, 0, file, SafetensorsHeader.SUM_AT, sum.length);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e); // memory has no errors of a disk
        }
    }

    /** Writes all but the checksum, and returns that. */
    private byte[] write(WritableByteChannel channel) throws IOException {
        // the widest type first, so that every value lies at a multiple of its width
        List<Map.Entry<String, Tensor>> ordered = new ArrayList<>(tensors.entrySet());
        ordered.sort(Comparator.comparingInt(t -> -t.getValue().type.bytes));
        var out = new Digested(channel, Checksums.sha256());
        out.write(ByteBuffer.wrap(header(ordered)));
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        for (Map.Entry<String, Tensor> t : ordered) {
            write(t.getKey(), t.getValue(), buffer, out);
        }
        return Checksums.hex(out.digest).getBytes(StandardCharsets.US_ASCII);
    }

    /** A channel and the digest of what is written to it. */
    private record Digested(WritableByteChannel channel, MessageDigest digest) {
        void write(ByteBuffer bytes) throws IOException {
            digest.update(bytes.duplicate());
            WholeFile.writeAll(channel, bytes);
        }
    }

    /** Returns length and JSON, padded with spaces so that the data begin at a multiple of 8. */
    private byte[] header(List<Map.Entry<String, Tensor>> ordered) {
        JsonObject json = new JsonObject();
        JsonObject strings = new JsonObject();
        strings.addProperty(SafetensorsHeader.SUM, SafetensorsHeader.NO_SUM); // first: its place is fixed
        metadata.forEach(strings::addProperty);
        json.add(SafetensorsHeader.METADATA, strings);
        long offset = 0;
        for (Map.Entry<String, Tensor> t : ordered) {
            long end = offset + t.getValue().size() * t.getValue().type.bytes;
            JsonObject tensor = new JsonObject();
            tensor.addProperty("dtype", t.getValue().type.name());
            tensor.add("shape", array(t.getValue().shape));
            tensor.add("data_offsets", array(offset, end));
            json.add(t.getKey(), tensor);
            offset = end;
        }
        byte[] text = json.toString().getBytes(StandardCharsets.UTF_8);
        int length = (text.length + 7) / 8 * 8;
        ByteBuffer header = ByteBuffer.allocate(8 + length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(text);
        Arrays.fill(header.array(), header.position(), header.limit(), (byte) ' ');
        return header.array();
    }

    private static JsonArray array(long... numbers) {
        JsonArray array = new JsonArray();
        for (long n : numbers) {
            array.add(n);
        }
        return array;
    }

    private static void write(String name, Tensor tensor, ByteBuffer buffer, Digested out) throws IOException {
        Object values = tensor.values.get();
        int room = buffer.capacity() / tensor.type.bytes;
        if (values instanceof IntFunction<?> pieces) {
            long left = tensor.size();
            for (int n; left > 0; left -= n) {
                n = (int) Math.min(room, left);
                buffer.clear().limit(n * tensor.type.bytes);
                buffer.asShortBuffer().put((short[]) pieces.apply(n));
                out.write(buffer);
            }
            return;
        }
        int size = Array.getLength(values);
        if (size != tensor.size()) {
            throw new IllegalArgumentException("tensor '" + name + "' has " + size + " values, wanted " + tensor.size()
                    + " for the shape " + Arrays.toString(tensor.shape));
        }
        for (int i = 0, n; i < size; i += n) {
            n = Math.min(room, size - i);
            buffer.clear().limit(n * tensor.type.bytes);
            if (values instanceof double[] doubles) {
                buffer.asDoubleBuffer().put(doubles, i, n);
            } else {
                buffer.asFloatBuffer().put((float[]) values, i, n);
            }
            out.write(buffer);
        }
    }
}
