package rudder.checkpoint.format;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Writes a GGUF file (version 3) of strings, integers and float32 vectors, as a control vector needs, in the layout of
 * {@link GgufHeader}. The data of every tensor, the last included, are padded to the alignment, because llama.cpp reads
 * all data in one piece.
 */
public final class GgufWriter {

    private static final int ALIGNMENT = 32;
    private static final int UINT32 = 4;
    private static final int STRING = 8;

    private final ByteArrayOutputStream metadata = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private long keyCount;
    private long tensorCount;

    /** Adds a string to the metadata. */
    public GgufWriter string(String key, String value) {
        string(metadata, key);
        metadata.writeBytes(little(4).putInt(STRING).array());
        string(metadata, value);
        keyCount++;
        return this;
    }

    /** Adds a uint32 to the metadata. */
    public GgufWriter integer(String key, int value) {
        string(metadata, key);
        metadata.writeBytes(little(8).putInt(UINT32).putInt(value).array());
        keyCount++;
        return this;
    }

    /** Adds a float32 tensor of one axis. */
    public GgufWriter floats(String name, float[] values) {
        string(tensors, name);
        tensors.writeBytes(little(24)
                .putInt(1)
                .putLong(values.length)
                .putInt(TensorType.F32.ggufId)
                .putLong(data.size())
                .array());
        ByteBuffer bytes = little(4 * values.length);
        bytes.asFloatBuffer().put(values);
        data.writeBytes(bytes.array());
        pad(data);
        tensorCount++;
        return this;
    }

    /** Writes the file, all or nothing. Replaces an existing file and makes missing folders. */
    public void write(Path path) throws IOException {
        var file = new ByteArrayOutputStream();
        file.writeBytes(little(24)
                .putInt(GgufHeader.MAGIC)
                .putInt(3)
                .putLong(tensorCount)
                .putLong(keyCount)
                .array());
        file.writeBytes(metadata.toByteArray());
        file.writeBytes(tensors.toByteArray());
        pad(file);
        file.writeBytes(data.toByteArray());
        WholeFile.write(path, out -> WholeFile.writeAll(out, ByteBuffer.wrap(file.toByteArray())));
    }

    private static void string(ByteArrayOutputStream out, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        out.writeBytes(little(8).putLong(utf8.length).array());
        out.writeBytes(utf8);
    }

    private static void pad(ByteArrayOutputStream out) {
        out.writeBytes(new byte[Math.floorMod(-out.size(), ALIGNMENT)]);
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
