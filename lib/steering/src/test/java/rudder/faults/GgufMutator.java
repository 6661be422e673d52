package rudder.faults;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Changes one value of a GGUF header and writes the rest as it was, so that readers get past it. */
final class GgufMutator {

    private static final int[] SIZES = {1, 1, 2, 2, 4, 4, 4, 1, -1, -1, 8, 8, 8}; // bytes by type; -1 is measured
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private static final class Entry {
        byte[] key;
        int type;
        byte[] value;
        long keyLength = -1;
    }

    private static final class Info {
        byte[] name;
        int axes;
        long[] sizes;
        int type;
        long offset;
    }

    private final Mutator by;
    private final ByteBuffer in;
    private final List<Entry> entries = new ArrayList<>();
    private final List<Info> infos = new ArrayList<>();
    private int magic;
    private int version;
    private long tensors;
    private long keys;
    private byte[] data;

    private GgufMutator(byte[] file, Mutator by) {
        this.by = by;
        in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        magic = in.getInt();
        version = in.getInt();
        tensors = in.getLong();
        keys = in.getLong();
        for (long i = 0; i < keys; i++) {
            var entry = new Entry();
            entry.key = bytes(in.getLong());
            entry.type = in.getInt();
            entry.value = bytes(size(in.position(), entry.type));
            entries.add(entry);
        }
        for (long i = 0; i < tensors; i++) {
            var info = new Info();
            info.name = bytes(in.getLong());
            info.axes = in.getInt();
            if (info.axes > in.remaining() / 8) {
                throw new IllegalArgumentException();
            }
            info.sizes = new long[info.axes];
            for (int a = 0; a < info.axes; a++) {
                info.sizes[a] = in.getLong();
            }
            info.type = in.getInt();
            info.offset = in.getLong();
            infos.add(info);
        }
        int start = Math.min(file.length, (in.position() + 31) / 32 * 32);
        data = Arrays.copyOfRange(file, start, file.length);
    }

    static byte[] change(byte[] file, Mutator by) {
        try {
            var gguf = new GgufMutator(file, by);
            if (!gguf.entries.isEmpty()) {
                gguf.change();
                return gguf.file();
            }
        } catch (BufferUnderflowException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | ArithmeticException
                | NegativeArraySizeException e) {
            by.did("its structure was lost"); // an earlier change has left no header that can be followed
        }
        return by.bytes(file);
    }

    private byte[] bytes(long n) {
        if (n < 0 || n > in.remaining()) {
            throw new IllegalArgumentException();
        }
        byte[] bytes = new byte[(int) n];
        in.get(bytes);
        return bytes;
    }

    private long size(int at, int type) {
        if (type == STRING) {
            return 8 + in.getLong(at);
        }
        if (type != ARRAY) {
            return SIZES[type];
        }
        int inner = in.getInt(at);
        long count = in.getLong(at + 4);
        if (inner != STRING) {
            return 12 + count * SIZES[inner];
        }
        int end = at + 12;
        for (long i = 0; i < count; i++) {
            end = Math.toIntExact(end + 8 + in.getLong(end));
        }
        return end - at;
    }

    private void change() {
        var entry = by.oneOf(entries);
        String name = new String(entry.key, StandardCharsets.UTF_8);
        switch (by.random.nextInt(infos.isEmpty() ? 13 : 16)) {
            case 0, 1, 2, 3, 4 -> value(entry, name);
            case 5 -> {
                entries.remove(entry);
                keys--;
                by.did(name + " removed");
            }
            case 6 -> {
                entries.add(entry);
                keys++;
                by.did(name + " twice");
            }
            case 7 -> {
                entry.type = by.below(15);
                by.did(name + " has the type " + entry.type);
            }
            case 8 -> {
                entry.key = by.text(name).getBytes(StandardCharsets.UTF_8);
                by.did(name + " renamed");
            }
            case 9 -> {
                var other = by.oneOf(entries);
                entry.type = other.type;
                entry.value = other.value;
                by.did(name + " = " + new String(other.key, StandardCharsets.UTF_8));
            }
            case 10 -> {
                entry.keyLength = by.edge(entry.key.length);
                by.did("length of the key " + name + " = " + entry.keyLength);
            }
            case 11 -> {
                if (by.random.nextBoolean()) {
                    keys = by.edge(keys);
                    by.did("number of keys = " + keys);
                } else {
                    tensors = by.edge(tensors);
                    by.did("number of tensors = " + tensors);
                }
            }
            case 12 -> {
                version = (int) by.edge(version);
                by.did("version = " + version);
            }
            case 13, 14 -> info(by.oneOf(infos));
            default -> {
                data = by.bytes(data);
                by.did("in the tensors");
            }
        }
    }

    private void value(Entry entry, String name) {
        var value = ByteBuffer.wrap(entry.value.clone()).order(ByteOrder.LITTLE_ENDIAN);
        entry.value = value.array();
        switch (entry.type) {
            case 0, 1, 7 -> value.put(0, (byte) by.edge(value.get(0)));
            case 2, 3 -> value.putShort(0, (short) by.edge(value.getShort(0)));
            case 4, 5 -> value.putInt(0, (int) by.edge(value.getInt(0)));
            case 6 -> value.putFloat(0, (float) number(value.getFloat(0)));
            case 10, 11 -> value.putLong(0, by.edge(value.getLong(0)));
            case 12 -> value.putDouble(0, number(value.getDouble(0)));
            case STRING -> {
                if (by.random.nextInt(4) == 0) {
                    value.putLong(0, by.edge(value.getLong(0)));
                } else {
                    entry.value =
                            string(by.text(new String(entry.value, 8, entry.value.length - 8, StandardCharsets.UTF_8)));
                }
            }
            default -> array(entry, value);
        }
        by.did(name + " = " + (entry.value.length > 12 ? entry.value.length + " bytes" : Arrays.toString(entry.value)));
    }

    private double number(double now) {
        double[] edges = {0, -now, Double.NaN, Double.POSITIVE_INFINITY, 1e-300, 1e300, -1, 0.5, now * 1e6};
        return edges[by.below(edges.length)];
    }

    private void array(Entry entry, ByteBuffer value) {
        int inner = value.getInt(0);
        long count = value.getLong(4);
        if (by.random.nextInt(4) == 0) {
            value.putLong(4, by.edge(count));
        } else if (by.random.nextInt(8) == 0) {
            value.putInt(0, by.below(14));
        } else if (inner != STRING || count == 0) {
            int size = inner == STRING || SIZES[inner] < 0 ? 1 : SIZES[inner];
            int at = 12 + size * by.below((int) count);
            if (at + size <= entry.value.length) {
                switch (size) {
                    case 4 -> value.putInt(at, inner == 6 ? Float.floatToIntBits((float) number(1)) : (int) by.edge(1));
                    case 8 -> value.putLong(at, by.edge(1));
                    default -> value.put(at, (byte) by.edge(1));
                }
            }
        } else {
            int at = 12;
            int chosen = by.below((int) count);
            for (int i = 0; i < chosen; i++) {
                at = Math.toIntExact(at + 8 + value.getLong(at));
            }
            int end = Math.toIntExact(at + 8 + value.getLong(at));
            byte[] changed = by.random.nextInt(12) == 0
                    ? string("the ".repeat(100_000))
                    : by.random.nextInt(3) == 0
                            ? Arrays.copyOfRange(entry.value, 12, Math.toIntExact(20 + value.getLong(12)))
                            : string(by.text(new String(entry.value, at + 8, end - at - 8, StandardCharsets.UTF_8)));
            entry.value = Mutator.splice(entry.value, at, end, changed);
            by.did("element " + chosen);
        }
    }

    private void info(Info info) {
        String name = new String(info.name, StandardCharsets.UTF_8);
        switch (by.random.nextInt(5)) {
            case 0 -> info.axes = (int) by.edge(info.axes);
            case 1 -> {
                if (info.sizes.length > 0) {
                    int axis = by.below(info.sizes.length);
                    info.sizes[axis] = by.edge(info.sizes[axis]);
                }
            }
            case 2 -> info.type = by.below(45);
            case 3 -> info.offset = by.edge(info.offset);
            default -> info.name = by.text(name).getBytes(StandardCharsets.UTF_8);
        }
        by.did("tensor " + name + ": axes " + info.axes + ", sizes " + Arrays.toString(info.sizes) + ", type "
                + info.type + ", offset " + info.offset);
    }

    private static byte[] string(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + utf8.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(utf8.length)
                .put(utf8)
                .array();
    }

    private byte[] file() {
        var out = new ByteArrayOutputStream(in.capacity() + 64);
        u32(out, magic);
        u32(out, version);
        u64(out, tensors);
        u64(out, keys);
        for (var entry : entries) {
            u64(out, entry.keyLength == -1 ? entry.key.length : entry.keyLength);
            out.writeBytes(entry.key);
            u32(out, entry.type);
            out.writeBytes(entry.value);
        }
        for (var info : infos) {
            u64(out, info.name.length);
            out.writeBytes(info.name);
            u32(out, info.axes);
            for (long size : info.sizes) {
                u64(out, size);
            }
            u32(out, info.type);
            u64(out, info.offset);
        }
        out.writeBytes(new byte[Math.floorMod(-out.size(), 32)]);
        out.writeBytes(data);
        return out.toByteArray();
    }

    private static void u32(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    private static void u64(ByteArrayOutputStream out, long value) {
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array());
    }
}
