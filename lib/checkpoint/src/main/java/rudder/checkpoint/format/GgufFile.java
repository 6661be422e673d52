package rudder.checkpoint.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GGUF checkpoint (versions 2 and 3): a file, or several parts, with a model's tensors, hyperparameters and
 * tokenizer. Opening reads the header only; tensors are read and converted on demand. Close a file that you opened. A
 * file inside a {@code Checkpoint} or a {@code LanguageModel} is closed with it.
 *
 * <p>Tensor types: F32, F64, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, IQ4_NL, IQ4_XS.
 *
 * <p>A typed getter throws an IllegalArgumentException if the key is absent and has no default, or the value is of
 * another type or does not fit. The message names the key and the type found.
 */
public final class GgufFile implements TensorSource {

    private static final Pattern PART = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

    private record Placed(OpenFile file, TensorEntry entry) {}

    private final Path path;
    private final Map<Path, OpenFile> files;
    private final Map<String, GgufHeader.Value> metadata;
    private final Map<String, Placed> tensors;

    private GgufFile(
            Path path, Map<Path, OpenFile> files, Map<String, GgufHeader.Value> metadata, Map<String, Placed> tensors) {
        this.path = path;
        this.files = files;
        this.metadata = metadata;
        this.tensors = tensors;
    }

    /**
     * Opens a file and checks its header: magic, version, every length and count against the file's size, and the type,
     * shape and place of every tensor. If the file is the first of several parts, named {@code *-00001-of-0000N.gguf},
     * opens the other parts beside it too.
     *
     * @throws IOException if a file does not exist or is malformed; the message says what was found
     */
    public static GgufFile open(Path path) throws IOException {
        Map<Path, OpenFile> files = new LinkedHashMap<>();
        Map<String, Placed> tensors = new LinkedHashMap<>();
        try {
            GgufFile first = part(path, files, tensors);
            first.addParts(tensors);
            return new GgufFile(path, files, first.metadata, Collections.unmodifiableMap(tensors));
        } catch (IOException | RuntimeException e) {
            for (OpenFile file : files.values()) {
                file.close();
            }
            throw e;
        }
    }

    /** Opens one file, which it adds to the files, and its tensors to the tensors. */
    private static GgufFile part(Path path, Map<Path, OpenFile> files, Map<String, Placed> tensors) throws IOException {
        OpenFile file = new OpenFile(path);
        files.put(path, file);
        var start = file.channel().map(FileChannel.MapMode.READ_ONLY, 0, Math.min(file.size(), GgufHeader.MAX_BYTES));
        var header = new GgufHeader(path, file.size(), start);
        for (TensorEntry entry : header.tensors.values()) {
            if (tensors.put(entry.name(), new Placed(file, entry)) != null) {
                throw broken(path, "tensor '" + entry.name() + "' is in another part too; fetch all parts again");
            }
        }
        return new GgufFile(path, files, header.metadata, tensors);
    }

    /** Opens the parts after this first one. */
    private void addParts(Map<String, Placed> all) throws IOException {
        long count = integer("split.count", 1);
        if (count <= 1) {
            return;
        }
        Matcher name = PART.matcher(path.getFileName().toString());
        if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
            throw broken(
                    path,
                    "it is one of " + count + " parts of a model, wanted a name that ends in "
                            + String.format(Locale.ROOT, "-00001-of-%05d.gguf", count)
                            + ", with the other parts beside it: give it the name that it was published under");
        }
        if (integer("split.no", 0) != 0 || Integer.parseInt(name.group(2)) != 1) {
            throw broken(
                    path,
                    "it is part " + (integer("split.no", 0) + 1) + " of " + count
                            + " of a model, wanted the first: open " + sibling(name, 1));
        }
        for (int i = 2; i <= count; i++) {
            if (!Files.exists(sibling(name, i))) {
                throw broken(
                        path,
                        "it is the first of " + count + " parts of a model, but found no file " + sibling(name, i)
                                + " beside it: fetch all parts");
            }
        }
        for (int i = 2; i <= count; i++) {
            GgufFile part = part(sibling(name, i), files, all);
            long no = part.integer("split.no", -1);
            long parts = part.integer("split.count", count);
            if (no != i - 1 || parts != count) {
                throw broken(
                        part.path,
                        "it has split.no " + no + " and split.count " + parts + ", wanted " + (i - 1) + " and " + count
                                + ", as its name says; fetch all parts again");
            }
        }
        long wanted = integer("split.tensors.count", all.size());
        if (wanted != all.size()) {
            throw broken(
                    path,
                    "its " + count + " parts have " + all.size() + " tensors together, wanted " + wanted
                            + " (split.tensors.count); fetch all parts again");
        }
    }

    private Path sibling(Matcher name, int part) {
        return path.resolveSibling(
                name.group(1) + String.format(Locale.ROOT, "-%05d-of-", part) + name.group(3) + ".gguf");
    }

    private static IOException broken(Path path, String found) {
        return new IOException("cannot read " + path + ": " + found);
    }

    /** Returns whether a file has the name of one of several parts of a model. */
    public static boolean isPart(Path path) {
        return PART.matcher(path.getFileName().toString()).matches();
    }

    /** Returns the file, or all parts of a model in several. */
    public List<Path> files() {
        return List.copyOf(files.keySet());
    }

    /**
     * Returns a view of this open file without {@code tokenizer.*}, so that the memory of the vocabulary can be freed.
     * Closing the view closes this file.
     */
    public GgufFile withoutTokenizer() {
        var others = new LinkedHashMap<>(metadata);
        others.keySet().removeIf(key -> key.startsWith("tokenizer."));
        return new GgufFile(path, files, others, tensors);
    }

    /**
     * Returns {@code general.architecture}: "llama", "qwen2" or "gemma3" for instance. The keys of hyperparameters
     * begin with this name.
     */
    public String architecture() {
        return string("general.architecture");
    }

    /** Returns the keys of the metadata, in the file's order. */
    public Set<String> keys() {
        return metadata.keySet();
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
        return placed(name).entry.shape().clone();
    }

    @Override
    public void read(String name, long first, long count, FloatBuffer into) {
        try {
            Placed tensor = placed(name);
            tensor.entry.read(tensor.file, first, count, into);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot read the tensor '" + name + "' of " + path + ": " + OpenFile.reason(e), e);
        }
    }

    @Override
    public Optional<PackedTensor> packed(String name) {
        try {
            Placed tensor = placed(name);
            return tensor.entry.map(tensor.file);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot map the tensor '" + name + "' of " + path + ": " + OpenFile.reason(e), e);
        }
    }

    private Placed placed(String name) {
        Placed tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException(
                    path.getFileName() + " (" + string("general.architecture", "no architecture") + ") has no tensor '"
                            + name + "' among its " + tensors.size()
                            + ": the file is incomplete or of another kind; try another conversion of the model");
        }
        return tensor;
    }

    /** Closes all files; later reads throw an UncheckedIOException. */
    @Override
    public void close() throws IOException {
        for (OpenFile file : files.values()) {
            file.close();
        }
    }

    @Override
    public String toString() {
        long bytes = tensors.values().stream()
                .mapToLong(tensor -> tensor.entry.bytes())
                .sum();
        return "GgufFile[" + path.getFileName() + ", " + string("general.architecture", "no architecture") + ", "
                + tensors.size() + " tensors"
                + (files.size() == 1 ? "" : " in " + files.size() + " files") + ", " + bytes / 1_000_000 + " MB]";
    }
}
