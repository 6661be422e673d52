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
        float scale = (float) (1 / Math.sqrt(Floats.dot(x, from, x, from, n) / n + epsilon));
        for (int i = 0; i < n; i++) {
            y[at + i] = x[from + i] * scale * gain[i];
        }
    }
}
