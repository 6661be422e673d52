package rudder.checkpoint.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A GGUF checkpoint (versions 2 and 3): one file with a model's tensors, hyperparameters and tokenizer. Opening reads
 * the header only; tensors are read and converted on demand. Close a file that you opened. A file inside a
 * {@code Checkpoint} or a {@code LanguageModel} is closed with it.
 *
 * <p>Tensor types: F32, F64, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K.
 *
 * <p>A typed getter throws an IllegalArgumentException if the key is absent and has no default, or the value is of
 * another type or does not fit. The message names the key and the type found.
 */
public final class GgufFile implements TensorSource {

    private final Path path;
    private final OpenFile file;
    private final Map<String, GgufHeader.Value> metadata;
    private final Map<String, TensorEntry> tensors;

    private GgufFile(
            Path path, OpenFile file, Map<String, GgufHeader.Value> metadata, Map<String, TensorEntry> tensors) {
        this.path = path;
        this.file = file;
        this.metadata = metadata;
        this.tensors = tensors;
    }

    /**
     * Opens a file and checks its header: magic, version, every length and count against the file's size, and the type,
     * shape and place of every tensor.
     *
     * @throws IOException if the file does not exist or is malformed; the message says what was found
     */
    public static GgufFile open(Path path) throws IOException {
        OpenFile file = new OpenFile(path);
        try {
            var start =
                    file.channel().map(FileChannel.MapMode.READ_ONLY, 0, Math.min(file.size(), GgufHeader.MAX_BYTES));
            var header = new GgufHeader(path, file.size(), start);
            return new GgufFile(path, file, header.metadata, header.tensors).whole();
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private GgufFile whole() throws IOException {
        long parts = integer("split.count", 1);
        if (parts > 1) {
            throw new IOException("cannot read " + path + ": found one of " + parts
                    + " parts of a model, wanted the whole; merge them first (llama.cpp: gguf-split --merge)");
        }
        return this;
    }

    /**
     * Returns a view of this open file without {@code tokenizer.*}, so that the memory of the vocabulary can be freed.
     * Closing the view closes this file.
     */
    public GgufFile withoutTokenizer() {
        var others = new LinkedHashMap<>(metadata);
        others.keySet().removeIf(key -> key.startsWith("tokenizer."));
        return new GgufFile(path, file, others, tensors);
    }

    /**
     * Returns {@code general.architecture}: "llama", "qwen2" or "gemma3" for instance. The keys of hyperparameters
     * begin with this name.
     */
    public String architecture() {
        return string("general.architecture");
    }

    /** Returns whether the metadata have the key. */
    public boolean hasKey(String key) {
        return metadata.containsKey(key);
    }

    /** Returns a string. */
    public String string(String key) {
        return get(key, String.class, "a string");
    }

    /** Returns a string, or the default if the key is absent. */
    public String string(String key, String otherwise) {
        return hasKey(key) ? string(key) : otherwise;
    }

    /** Returns an integer of any width and sign; throws for a uint64 beyond 2^63 - 1. */
    public long integer(String key) {
        long value = get(key, Long.class, "an integer");
        if (value < 0 && metadata.get(key).type().equals("uint64")) {
            throw wrong(key, "an integer below 2^63", "the uint64 " + Long.toUnsignedString(value));
        }
        return value;
    }

    /** Returns an integer, or the default if the key is absent. */
    public long integer(String key, long otherwise) {
        return hasKey(key) ? integer(key) : otherwise;
    }

    /** Returns a float32, a float64 or an integer as a double. */
    public double real(String key) {
        return hasKey(key) && metadata.get(key).data() instanceof Long
                ? integer(key)
                : get(key, Double.class, "a float");
    }

    /** Returns a number, or the default if the key is absent. */
    public double real(String key, double otherwise) {
        return hasKey(key) ? real(key) : otherwise;
    }

    /** Returns a bool. */
    boolean flag(String key) {
        return get(key, Boolean.class, "a bool");
    }

    /** Returns a bool, or the default if the key is absent. */
    public boolean flag(String key, boolean otherwise) {
        return hasKey(key) ? flag(key) : otherwise;
    }

    /** Returns an array of strings, a vocabulary for instance. */
    public List<String> strings(String key) {
        return List.of(get(key, String[].class, "an array of strings"));
    }

    /** Returns an array of float32 or float64. */
    public float[] floats(String key) {
        double[] all = get(key, double[].class, "an array of floats");
        float[] floats = new float[all.length];
        for (int i = 0; i < all.length; i++) {
            floats[i] = (float) all[i];
        }
        return floats;
    }

    /** Returns an array of integers of any width; each must fit an int. */
    public int[] integers(String key) {
        long[] all = get(key, long[].class, "an array of integers");
        int[] integers = new int[all.length];
        for (int i = 0; i < all.length; i++) {
            integers[i] = (int) all[i];
            if (integers[i] != all[i]) {
                throw wrong(key, "integers below 2^31", all[i] + " as element " + i);
            }
        }
        return integers;
    }

    /** Returns an array of bools. */
    boolean[] flags(String key) {
        return get(key, boolean[].class, "an array of bools").clone();
    }

    private <T> T get(String key, Class<T> type, String wanted) {
        GgufHeader.Value value = metadata.get(key);
        if (value == null || !type.isInstance(value.data())) {
            throw wrong(key, wanted, value == null ? "no such key" : value.type());
        }
        return type.cast(value.data());
    }

    private IllegalArgumentException wrong(String key, String wanted, String found) {
        return new IllegalArgumentException(
                path.getFileName() + ": wanted " + wanted + " under the metadata key '" + key + "', found " + found
                        + "; the file is of another kind or from another version of the converter:"
                        + " try another conversion of the model");
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public long[] shape(String name) {
        return entry(name).shape().clone();
    }

    @Override
    public void read(String name, long first, long count, FloatBuffer into) {
        try {
            entry(name).read(file, first, count, into);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the tensor '" + name + "' of " + path + ": " + e, e);
        }
    }

    @Override
    public Optional<PackedTensor> packed(String name) {
        try {
            return entry(name).map(path);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot map the tensor '" + name + "' of " + path + ": " + e, e);
        }
    }

    private TensorEntry entry(String name) {
        TensorEntry entry = tensors.get(name);
        if (entry == null) {
            throw new IllegalArgumentException(
                    path.getFileName() + " (" + string("general.architecture", "no architecture") + ") has no tensor '"
                            + name + "' among its " + tensors.size()
                            + ": the file is incomplete or of another kind; try another conversion of the model");
        }
        return entry;
    }

    /** Closes the file; later reads throw an UncheckedIOException. */
    @Override
    public void close() throws IOException {
        file.close();
    }

    @Override
    public String toString() {
        long bytes = tensors.values().stream().mapToLong(TensorEntry::bytes).sum();
        return "GgufFile[" + path.getFileName() + ", " + string("general.architecture", "no architecture") + ", "
                + tensors.size() + " tensors, " + bytes / 1_000_000 + " MB]";
    }
}
