package rudder.model.plant;

import java.util.List;
import java.util.function.Function;
import org.ejml.data.DMatrixRMaj;
import rudder.kernel.Floats;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapJacobians;
import rudder.model.decoder.LastToken;
import rudder.model.engine.Lifetime;
import rudder.theory.Vectors;

/** Sums of one block's Jacobians at some points, computed on the heap in single precision. */
record HeapSums(Lifetime lifetime, Decoder decoder) {

    /**
     * A point of a block's last token.
     *
     * @param z state, [d]
     * @param last where the token stands in the block
     */
    record Point(double[] z, LastToken last) {}

    /** Returns the sum over the points, in their order. */
    DMatrixRMaj sum(int k, List<Point> points) {
        return within(jacobians -> matrix(jacobians, sum(jacobians, k, points), 1));
    }

    /** Returns the mean: sums so many points at a time, then the sums. */
    DMatrixRMaj mean(int k, List<Point> points, int chunk) {
        return within(jacobians -> {
            float[] total = null;
            for (int first = 0; first < points.size(); first += chunk) {
                float[] sum = sum(jacobians, k, points.subList(first, Math.min(points.size(), first + chunk)));
                if (total == null) {
                    total = sum;
                } else {
                    Floats.add(1, sum, 0, total, 0, sum.length);
                }
            }
            return matrix(jacobians, total, points.size());
        });
    }

    private DMatrixRMaj within(Function<HeapJacobians, DMatrixRMaj> computed) {
        return lifetime.during(() -> decoder.withJacobians(computed));
    }

    private float[] sum(HeapJacobians jacobians, int k, List<Point> points) {
        float[] sum = jacobians.zero();
        for (int i = 0; i < points.size(); i++) {
            lifetime.check(i, points.size(), "Jacobians of block " + k);
            Point at = points.get(i);
            jacobians.add(k, Vectors.floats(at.z), at.last, sum);
        }
        return sum;
    }

    private static DMatrixRMaj matrix(HeapJacobians jacobians, float[] sum, float count) {
        int width = jacobians.width();
        int d = sum.length / width;
        var matrix = new DMatrixRMaj(d, d);
        for (int i = 0, at = 0; i < d; i++) {
            for (int j = 0; j < d; j++) {
                matrix.data[at++] = sum[i * width + j] / count;
            }
        }
        return matrix;
    }
}
