package rudder.checkpoint.format;

import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.text.LfsPointer;

/**
 * The header of a GGUF file:
 *
 * <pre>
 *   magic "GGUF", uint32 version, uint64 count of tensors, uint64 count of metadata
 *   each of the metadata: key, uint32 type, value
 *   each of the tensors: name, uint32 rank, uint64 dimensions (fastest first), uint32 type,
 *                        uint64 offset into the data
 *   string: uint64 length, UTF-8
 *   array:  uint32 type, uint64 count, elements
 * </pre>
 *
 * The data begin at the next multiple of {@code general.alignment} (default 32). Source: ggml's {@code docs/gguf.md}.
 *
 * <p>The reader checks each length and count against the bytes that are left, and reads at most {@link #MAX_BYTES}. A
 * hostile file therefore cannot make it allocate more than some hundred megabytes. Real headers, with their vocabulary,
 * stay below 20 MB.
 */
final class GgufHeader {

    /**
     * A metadata value: Long for integers, Double, Boolean or String; for arrays long[], double[], boolean[], String[],
     * or Object[] of arrays.
     */
    record Value(String type, Object data) {}

    static final int MAX_BYTES = 64 << 20;
    /** "GGUF" */
    static final int MAGIC = 0x46554747;

    private static final List<String> TYPES = List.of(
            "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array", "uint64",
            "int64", "float64");
    private static final int[] LEAST_BYTES = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
    private static final int STRING = 8;
    private static final int ARRAY = 9;
    private static final int MAX_NESTING = 4;
    private static final int MAX_RANK = 4;
    /** Tensors, or keys; a model of 126 blocks has 1,138 tensors and 40 keys. */
    private static final int MOST = 100_000;

    private final Path file;
    private final long fileSize;
    private final ByteBuffer in;

    final Map<String, Value> metadata;
    final Map<String, TensorEntry> tensors;

    /** @param start the file's first bytes: all of them, or {@link #MAX_BYTES} */
    GgufHeader(Path file, long fileSize, ByteBuffer start) throws IOException {
        this.file = file;
        this.fileSize = fileSize;
        this.in = start.order(ByteOrder.LITTLE_ENDIAN);
        try {
            LfsPointer.refuse(file, in);
            if (in.remaining() < 4 || in.getInt() != MAGIC) {
                throw broken("it does not begin with the letters GGUF; it is not a GGUF file, or its download failed:"
                        + " fetch it again");
            }
            version(in.getInt());
            long tensorCount = few("tensors", 8 + 4 + 4 + 8);
            long keyCount = few("metadata keys", 8 + 4 + 1);
            metadata = metadata(keyCount);
            tensors = tensors(tensorCount);
        } catch (BufferUnderflowException e) {
            throw broken(
                    in.limit() < fileSize
                            ? "its header is longer than " + MAX_BYTES + " bytes; the file is damaged, fetch it again"
                            : "it ends inside its header, at byte " + fileSize
                                    + "; the file is truncated, fetch it again");
        }
    }

    private void version(int version) throws IOException {
        if (version == Integer.reverseBytes(2) || version == Integer.reverseBytes(3)) {
            throw broken("it is big-endian, wanted little-endian; convert it again for this kind of machine");
        }
        if (version != 2 && version != 3) {
            throw broken("it is version " + Integer.toUnsignedString(version)
                    + " of the format, wanted 2 or 3; convert the model again");
        }
    }

    private Map<String, Value> metadata(long count) throws IOException {
        Map<String, Value> all = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            String key = string("a metadata key");
            int type = type(key);
            Object data = type == ARRAY ? array(key, 1) : scalar(type, key);
            String name = type == ARRAY ? describe(data) : TYPES.get(type);
            if (all.put(key, new Value(name, data)) != null) {
                throw broken("the metadata key '" + key + "' occurs twice, wanted it once; convert the model again");
            }
        }
        return Collections.unmodifiableMap(all);
    }

    private int type(String key) throws IOException {
        int type = in.getInt();
        if (type < 0 || type >= TYPES.size()) {
            throw broken("the value of '" + key + "' has the unknown type " + Integer.toUnsignedString(type)
                    + ", wanted 0 to 12; the file is damaged or newer than this reader");
        }
        return type;
    }

    private Object scalar(int type, String key) throws IOException {
        return switch (type) {
            case 0 -> (long) (in.get() & 0xff);
            case 1 -> (long) in.get();
            case 2 -> (long) (in.getShort() & 0xffff);
            case 3 -> (long) in.getShort();
            case 4 -> in.getInt() & 0xffffffffL;
            case 5 -> (long) in.getInt();
            case 6 -> (double) in.getFloat();
            case 7 -> bool(key);
            case STRING -> string("the value of '" + key + "'");
            case 10, 11 -> in.getLong();
            case 12 -> in.getDouble();
            default -> throw new AssertionError(type);
        };
    }

    private Object array(String key, int nesting) throws IOException {
        if (nesting > MAX_NESTING) {
            throw broken("the arrays of '" + key + "' are nested deeper than " + MAX_NESTING
                    + "; the file is damaged, fetch it again");
        }
        int type = type(key);
        int n = (int) count("elements of '" + key + "'", LEAST_BYTES[type]);
        switch (type) {
            case 6, 12 -> {
                double[] all = new double[n];
                for (int i = 0; i < n; i++) {
                    all[i] = (double) scalar(type, key);
                }
                return all;
            }
            case 7 -> {
                boolean[] all = new boolean[n];
                for (int i = 0; i < n; i++) {
                    all[i] = bool(key);
                }
                return all;
            }
            case STRING -> {
                String[] all = new String[n];
                for (int i = 0; i < n; i++) {
                    all[i] = string("an element of '" + key + "'");
                }
                return all;
            }
            case ARRAY -> {
                Object[] all = new Object[n];
                for (int i = 0; i < n; i++) {
                    all[i] = array(key, nesting + 1);
                }
                return all;
            }
            default -> {
                long[] all = new long[n];
                for (int i = 0; i < n; i++) {
                    all[i] = (long) scalar(type, key);
                }
                return all;
            }
        }
    }

    private static String describe(Object array) {
        String kind = array instanceof long[]
                ? "integers"
                : array instanceof double[]
                        ? "floats"
                        : array instanceof boolean[] ? "bools" : array instanceof String[] ? "strings" : "arrays";
        return "array of " + Array.getLength(array) + " " + kind;
    }

    private boolean bool(String key) throws IOException {
        byte value = in.get();
        if (value != 0 && value != 1) {
            throw broken("the bool '" + key + "' is " + value + ", wanted 0 or 1; the file is damaged, fetch it again");
        }
        return value == 1;
    }

    private String string(String what) throws IOException {
        byte[] utf8 = new byte[(int) count("bytes of " + what, 1)];
        in.get(utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }

    /** Reads a uint64 count of things that take at least so many bytes each; all of them must still fit. */
    private long count(String what, int leastBytes) throws IOException {
        long n = in.getLong();
        if (Long.compareUnsigned(n, in.remaining() / leastBytes) > 0) {
            throw broken("it announces " + Long.toUnsignedString(n) + " " + what + " at byte " + (in.position() - 8)
                    + ", with "
                    + in.remaining() + " bytes left"
                    + (in.limit() < fileSize ? " of the most a header may have, " + MAX_BYTES : "")
                    + "; the file is truncated or damaged, fetch it again");
        }
        return n;
    }

    /** Reads a count of things that take more memory than bytes in the file. */
    private long few(String what, int leastBytes) throws IOException {
        long n = count(what, leastBytes);
        if (n > MOST) {
            throw broken("it announces " + n + " " + what + ", wanted at most " + MOST
                    + "; the file is damaged, fetch it again");
        }
        return n;
    }

    private Map<String, TensorEntry> tensors(long count) throws IOException {
        List<TensorEntry> relative = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            relative.add(tensor());
        }
        int alignment = alignment();
        long start = -Math.floorDiv(-in.position(), (long) alignment) * alignment; // the next multiple
        Map<String, TensorEntry> all = new LinkedHashMap<>();
        for (TensorEntry t : relative) {
            if (t.offset() % alignment != 0
                    || t.offset() < 0
                    || t.offset() > fileSize - start
                    || t.bytes() > fileSize - start - t.offset()) {
                throw broken("tensor '" + t.name() + "' lies at offset " + Long.toUnsignedString(t.offset()) + " with "
                        + t.bytes()
                        + " bytes, wanted a multiple of " + alignment + " and its end within the "
                        + Math.max(0, fileSize - start)
                        + " bytes of data; the file is truncated or damaged, fetch it again");
            }
            if (all.put(t.name(), new TensorEntry(t.name(), t.type(), t.shape(), start + t.offset())) != null) {
                throw broken("the tensor '" + t.name() + "' occurs twice, wanted it once; convert the model again");
            }
        }
        refuseOverlaps(all.values());
        return Collections.unmodifiableMap(all);
    }

    /** Reads an entry; its offset counts from the start of the data. */
    private TensorEntry tensor() throws IOException {
        String name = string("a tensor's name");
        int rank = in.getInt();
        if (rank < 1 || rank > MAX_RANK) {
            throw broken("tensor '" + name + "' has " + Integer.toUnsignedString(rank) + " dimensions, wanted 1 to "
                    + MAX_RANK + "; the file is damaged, fetch it again");
        }
        long[] shape = new long[rank];
        for (int i = rank - 1; i >= 0; i--) { // GGUF stores the fastest axis first
            shape[i] = in.getLong();
        }
        int id = in.getInt();
        TensorType type = TensorType.ofGguf(id)
                .orElseThrow(() -> broken("tensor '" + name + "' has the type number "
                        + Integer.toUnsignedString(id) + ", wanted one of "
                        + Arrays.toString(TensorType.values())
                        + "; fetch the model in one of these types, Q4_K_M or Q8_0 for instance"));
        // every dimension is positive, and the file can hold their product
        long most = fileSize / type.bytes * type.values;
        for (long n : shape) {
            if (n <= 0 || n > most) {
                throw broken("tensor '" + name + "' has the shape " + Arrays.toString(shape) + " in " + type
                        + ", wanted at least one value and at most the file's " + fileSize
                        + " bytes; the file is truncated or damaged, fetch it again");
            }
            most /= n;
        }
        if (shape[rank - 1] % type.values != 0) {
            throw broken("tensor '" + name + "' has rows of " + shape[rank - 1] + " values, wanted a multiple of "
                    + type.values + " for " + type + "; the file is damaged, fetch it again");
        }
        return new TensorEntry(name, type, shape, in.getLong());
    }

    private int alignment() throws IOException {
        Value found = metadata.getOrDefault("general.alignment", new Value("uint32", 32L));
        if (!(found.data() instanceof Long n) || n < 1 || n > 1 << 30 || Long.bitCount(n) != 1) {
            throw broken("general.alignment is the " + found.type() + " " + found.data() + ", wanted a power of two;"
                    + " the file is damaged, fetch it again");
        }
        return (int) (long) n;
    }

    private void refuseOverlaps(Iterable<TensorEntry> entries) throws IOException {
        List<TensorEntry> inOrder = new ArrayList<>();
        entries.forEach(inOrder::add);
        inOrder.sort(Comparator.comparingLong(TensorEntry::offset));
        for (int i = 1; i < inOrder.size(); i++) {
            TensorEntry before = inOrder.get(i - 1);
            if (before.offset() + before.bytes() > inOrder.get(i).offset()) {
                throw broken("the tensors '" + before.name() + "' and '"
                        + inOrder.get(i).name() + "' overlap; the file is damaged, fetch it again");
            }
        }
    }

    private IOException broken(String found) {
        return new IOException("cannot read " + file + ": " + found);
    }
}
