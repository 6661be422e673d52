package rudder.model.decoder;

import rudder.checkpoint.AttentionSpan;
import rudder.checkpoint.ModelConfig;

/**
 * The rotary turn of a head of width w: the pair (x_i, x_{i + w/2}) turns by its position's angle.
 *
 * @param interleaved whether the weights' rows are pairs (2 i, 2 i + 1), as files of the architecture llama have them
 */
record Rotary(int width, boolean interleaved) {

    static Rotary of(ModelConfig config) {
        return new Rotary(config.headDimension(), config.interleavedHeads());
    }

    /** Returns the row of the weights that holds coordinate i of a head. */
    int stored(int i) {
        return interleaved ? 2 * i % width + 2 * i / width : i;
    }

    /** Moves what the weights give for a head, {@code x[at ..]}, to the order of coordinates. */
    void order(float[] x, int at, float[] spare) {
        if (interleaved) {
            System.arraycopy(x, at, spare, 0, width);
            for (int i = 0; i < width; i++) {
                x[at + i] = spare[stored(i)];
            }
        }
    }

    /** Returns amplitude times cos of a position's w/2 angles, and amplitude times sin behind them. */
    float[] turn(AttentionSpan span, int position) {
        int half = width / 2;
        float[] turn = new float[width];
        for (int i = 0; i < half; i++) {
            double angle = span.angle(position, i, width);
            turn[i] = (float) (span.amplitude() * Math.cos(angle));
            turn[half + i] = (float) (span.amplitude() * Math.sin(angle));
        }
        return turn;
    }

    /** Turns the head {@code x[at ..]}: R x. */
    void forth(float[] x, int at, float[] turn) {
        turn(x, at, turn, 1);
    }

    /** Multiplies the row {@code y[at ..]} by the turn from the right: y R. */
    void back(float[] y, int at, float[] turn) {
        turn(y, at, turn, -1);
    }

    private void turn(float[] x, int at, float[] turn, float sign) {
        int half = width / 2;
        for (int i = 0; i < half; i++) {
            float a = x[at + i];
            float b = x[at + half + i];
            float sin = sign * turn[half + i];
            x[at + i] = a * turn[i] - b * sin;
            x[at + half + i] = b * turn[i] + a * sin;
        }
    }
}
