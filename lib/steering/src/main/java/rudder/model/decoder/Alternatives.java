package rudder.model.decoder;

import rudder.checkpoint.ModelConfig;
import rudder.kernel.Cores;
import rudder.kernel.PackedInput;

/**
 * Attention of alternatives for the last token of a text: each attends to the earlier tokens, and to itself.
 *
 * @param count of alternatives
 * @param last where they stand
 */
record Alternatives(ModelConfig config, int count, LastToken last) implements Attending {

    @Override
    public void heads(int k, DecoderBlock block, PackedInput normed, float[] out) {
        int width = normed.width();
        int size = config.headsWidth();
        float[] projected = new float[block.projections().rows() * width];
        block.projections().times(normed, projected);
        float[] heads = new float[count * size];
        Cores.Rows rows = (first, end, to, base) -> {
            for (int i = first; i < end; i++) {
                float[] value = new LastAttention(config, block, column(projected, width, i), last).value();
                System.arraycopy(value, 0, to, base + i * size, size);
            }
        };
        Cores.share(count, 1, size, rows, heads, 0);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < size; j++) {
                out[j * width + i] = heads[i * size + j];
            }
        }
    }

    private static float[] column(float[] rows, int width, int column) {
        float[] numbers = new float[rows.length / width];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = rows[i * width + column];
        }
        return numbers;
    }
}
