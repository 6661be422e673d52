package rudder.checkpoint.format;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Writes a GGUF file (version 3) of strings, integers and float32 vectors, all that a control vector takes, in the
 * layout that {@link GgufHeader} describes. The data of every tensor, the last one's too, are padded to the alignment:
 * llama.cpp reads them in one piece.
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

    public GgufWriter string(String key, String value) {
        string(metadata, key);
        metadata.writeBytes(little(4).putInt(STRING).array());
        string(metadata, value);
        keyCount++;
        return this;
    }

    public GgufWriter integer(String key, int value) {
        string(metadata, key);
        metadata.writeBytes(little(8).putInt(UINT32).putInt(value).array());
        keyCount++;
        return this;
    }

    /** A tensor of one axis. */
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

    /** Writes the file, all or nothing, in place of one that may be there; missing folders are made. */
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
