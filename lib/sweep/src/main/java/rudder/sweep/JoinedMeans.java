package rudder.sweep;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;
import org.ejml.data.DMatrixRMaj;

/**
 * The means of Jacobians from sums over chunks of prompts. Units lie chunk after chunk, and within a chunk one group of
 * blocks after the other. Holds the sums of one group.
 *
 * <p>Adds and divides in single precision, in which the model sums; see
 * {@link rudder.model.plant.PromptPlant#meanJacobian}.
 */
final class JoinedMeans {

    private final int prompts;
    private final int groups;
    private final int together; // blocks of a group
    private final int chunks;
    private final Survey.Tables units;
    private final Map<String, float[]> sums = new TreeMap<>(); // of the group
    private int group = -1;

    JoinedMeans(int prompts, int groups, int together, int chunks, Survey.Tables units) {
        this.prompts = prompts;
        this.groups = groups;
        this.together = together;
        this.chunks = chunks;
        this.units = units;
    }

    /** Returns the mean of block k, [d, d]. */
    DMatrixRMaj block(int k) {
        try {
            if (k / together != group) {
                read(k / together);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
        float[] sum = sums.get(Measurements.JacobianSums.block(k));
        int d = (int) Math.round(Math.sqrt(sum.length));
        var mean = new DMatrixRMaj(d, d);
        for (int i = 0; i < sum.length; i++) {
            mean.data[i] = sum[i] / prompts;
        }
        return mean;
    }

    private void read(int wanted) throws IOException {
        sums.clear();
        group = wanted;
        for (int chunk = 0; chunk < chunks; chunk++) {
            units.of(chunk * groups + wanted).forEach((name, rows) -> {
                float[] sum = sums.computeIfAbsent(name, any -> new float[rows.length * rows.length]);
                int i = 0;
                for (double[] row : rows) {
                    for (double a : row) {
                        sum[i++] += (float) a;
                    }
                }
            });
        }
    }
}
