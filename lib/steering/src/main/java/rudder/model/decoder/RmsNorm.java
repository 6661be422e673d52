package rudder.model.decoder;

import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.Floats;

/**
 * RMS normalisation, {@code gamma x / sqrt(mean(x^2) + eps)}.
 *
 * @param gain gamma, with the offset of Gemma's
 */
record RmsNorm(float[] gain, double epsilon) {

    static RmsNorm of(TensorSource source, String name, ModelConfig config) {
        float[] gain = source.read(name + ".weight");
        for (int i = 0; i < gain.length; i++) {
            gain[i] += config.gainOffset();
        }
        return new RmsNorm(gain, config.epsilon());
    }

    /** Writes the norm of {@code x[from ..]} to {@code y[at ..]}, which may be the same place. */
    void of(float[] x, int from, float[] y, int at) {
        int n = gain.length;
        float scale = scale(Floats.dot(x, from, x, from, n));
        for (int i = 0; i < n; i++) {
            y[at + i] = x[from + i] * scale * gain[i];
        }
    }

    /** Writes the norm of each column of x, [d, width], to y, which may be the same array. */
    void columns(float[] x, int width, float[] y) {
        if (width == 1) {
            of(x, 0, y, 0);
            return;
        }
        int n = gain.length;
        var scales = new float[width]; // sums of squares first
        for (int i = 0, at = 0; i < n; i++, at += width) {
            for (int column = 0; column < width; column++) {
                scales[column] += x[at + column] * x[at + column];
            }
        }
        for (int column = 0; column < width; column++) {
            scales[column] = scale(scales[column]);
        }
        for (int i = 0, at = 0; i < n; i++, at += width) {
            float gamma = gain[i];
            for (int column = 0; column < width; column++) {
                y[at + column] = x[at + column] * scales[column] * gamma;
            }
        }
    }

    private float scale(float squares) {
        return (float) (1 / Math.sqrt(squares / gain.length + epsilon));
    }

    /** Returns the norm's derivative D at {@code x[from ..]}. */
    Derivative derivative(float[] x, int from) {
        int n = gain.length;
        float scale = scale(Floats.dot(x, from, x, from, n));
        float[] direction = new float[n];
        float[] factors = new float[n];
        for (int i = 0; i < n; i++) {
            direction[i] = x[from + i] * scale;
            factors[i] = gain[i] * scale;
        }
        return new Derivative(direction, factors);
    }

    /**
     * D = diag(gamma) (I - v v'/n) / r, with r = sqrt(mean(x^2) + eps) and v = x / r.
     *
     * @param direction v
     * @param factors gamma / r
     */
    record Derivative(float[] direction, float[] factors) {

        /** Multiplies the row {@code y[at ..]} by D from the right. */
        void row(float[] y, int at) {
            int n = factors.length;
            Floats.scale(y, at, n, factors);
            Floats.add(-Floats.dot(y, at, direction, 0, n) / n, direction, 0, y, at, n);
        }

        /** Multiplies the columns of x, [n, width], by D from the left. */
        void columns(float[] x, int width) {
            int n = factors.length;
            float[] along = new float[width]; // v'x / n
            Floats.combine(direction, 0, n, x, width, along, 0);
            for (int i = 0, at = 0; i < n; i++, at += width) {
                float part = direction[i] / n;
                float factor = factors[i];
                for (int column = 0; column < width; column++) {
                    x[at + column] = factor * (x[at + column] - part * along[column]);
                }
            }
        }
    }
}
