package rudder.checkpoint.format;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes small GGUF files for tests, sound or malformed. */
public final class GgufBytes {

    private final ByteArrayOutputStream metadata = new ByteArrayOutputStream();
    private final ByteArrayOutputStream infos = new ByteArrayOutputStream();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private long keys;
    private long tensors;
    int magic = 0x46554747;
    int version = 3;
    int alignment = 32;

    static byte[] u32(long... values) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long v : values) {
            b.putInt((int) v);
        }
        return b.array();
    }

    static byte[] u64(long... values) {
        ByteBuffer b = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long v : values) {
            b.putLong(v);
        }
        return b.array();
    }

    static byte[] f32(float... values) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(values);
        return b.array();
    }

    static byte[] text(String s) {
        byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
        return join(u64(utf8.length), utf8);
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    /** A metadata value of the format's type number, its bytes given. */
    public GgufBytes value(String key, int type, byte[]... value) {
        metadata.writeBytes(join(text(key), u32(type), join(value)));
        keys++;
        return this;
    }

    public GgufBytes string(String key, String value) {
        return value(key, 8, text(value));
    }

    public GgufBytes strings(String key, String... values) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (String v : values) {
            all.writeBytes(text(v));
        }
        return value(key, 9, u32(8), u64(values.length), all.toByteArray());
    }

    public GgufBytes uint32(String key, long value) {
        return value(key, 4, u32(value));
    }

    public GgufBytes float32(String key, float value) {
        return value(key, 6, f32(value));
    }

    public GgufBytes floats(String key, float... values) {
        return value(key, 9, u32(6), u64(values.length), f32(values));
    }

    public GgufBytes int32s(String key, long... values) {
        return value(key, 9, u32(5), u64(values.length), u32(values));
    }

    /** A float32 tensor, its shape slowest axis first. */
    public GgufBytes tensor(String name, long[] shape, float... values) {
        return tensor(name, 0, shape, f32(values));
    }

    /** A tensor of the format's type number, at the next aligned place. */
    public GgufBytes tensor(String name, int type, long[] shape, byte[] bytes) {
        data.writeBytes(new byte[Math.floorMod(-data.size(), alignment)]);
        info(name, type, shape, data.size());
        data.writeBytes(bytes);
        return this;
    }

    /** A tensor's description alone. */
    public GgufBytes info(String name, int type, long[] shape, long offset) {
        long[] dims = new long[shape.length];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = shape[dims.length - 1 - i];
        }
        infos.writeBytes(join(text(name), u32(shape.length), u64(dims), u32(type), u64(offset)));
        tensors++;
        return this;
    }

    public byte[] bytes() {
        byte[] header = join(u32(magic, version), u64(tensors, keys), metadata.toByteArray(), infos.toByteArray());
        byte[] padding = new byte[Math.floorMod(-header.length, alignment)];
        return join(header, padding, data.toByteArray());
    }

    public Path write(Path file) throws IOException {
        return Files.write(file, bytes());
    }
}
