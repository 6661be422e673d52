package rudder.faults;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes a small encoder as ONNX, which is a protocol buffer: fields of a number, a kind and a value. */
final class OnnxBytes {

    private static final int FLOAT = 1;
    private static final int INT64 = 7;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private OnnxBytes() {}

    private OnnxBytes varint(long value) {
        while ((value & ~0x7FL) != 0) {
            bytes.write((int) (value & 0x7F | 0x80));
            value >>>= 7;
        }
        bytes.write((int) value);
        return this;
    }

    private OnnxBytes number(int field, long value) {
        return varint(field << 3).varint(value);
    }

    private OnnxBytes content(int field, byte[] value) {
        varint(field << 3 | 2).varint(value.length);
        bytes.writeBytes(value);
        return this;
    }

    private OnnxBytes text(int field, String value) {
        return content(field, value.getBytes(StandardCharsets.UTF_8));
    }

    private OnnxBytes message(int field, OnnxBytes value) {
        return content(field, value.bytes.toByteArray());
    }

    /**
     * Returns a model with the inputs and the output of a sentence encoder: states[i] = words[ids[i]] + types[type[i]].
     *
     * @param words rows of the embedding
     * @param width of a state
     */
    static byte[] encoder(int words, int width) {
        var graph = new OnnxBytes()
                .message(1, node("Gather", "w", "words", "input_ids"))
                .message(1, node("Gather", "t", "types", "token_type_ids"))
                .message(1, node("Add", "last_hidden_state", "w", "t"))
                .text(2, "encoder")
                .message(5, tensor("words", words, width))
                .message(5, tensor("types", 2, width));
        for (String input : new String[] {"input_ids", "attention_mask", "token_type_ids"}) {
            graph.message(11, value(input, INT64, 2));
        }
        graph.message(12, value("last_hidden_state", FLOAT, 3));
        return new OnnxBytes()
                .number(1, 8) // version of the format
                .message(7, graph)
                .message(8, new OnnxBytes().text(1, "").number(2, 13)) // version of the operators
                .bytes
                .toByteArray();
    }

    private static OnnxBytes node(String operator, String output, String... inputs) {
        var node = new OnnxBytes();
        for (String input : inputs) {
            node.text(1, input);
        }
        return node.text(2, output).text(4, operator);
    }

    private static OnnxBytes tensor(String name, int rows, int columns) {
        var values = ByteBuffer.allocate(4 * rows * columns).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < rows * columns; i++) {
            values.putFloat((float) Math.sin(i + 1));
        }
        return new OnnxBytes()
                .number(1, rows)
                .number(1, columns)
                .number(2, FLOAT)
                .text(8, name)
                .content(9, values.array());
    }

    /** Describes an input or output, all of whose axes may have any length. */
    private static OnnxBytes value(String name, int type, int axes) {
        var shape = new OnnxBytes();
        for (int i = 0; i < axes; i++) {
            shape.message(1, new OnnxBytes().text(2, "n" + i));
        }
        return new OnnxBytes()
                .text(1, name)
                .message(
                        2,
                        new OnnxBytes()
                                .message(1, new OnnxBytes().number(1, type).message(2, shape)));
    }
}
