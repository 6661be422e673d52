package rudder.theory.control;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.MatrixFeatures_DDRM;
import rudder.theory.Check;

/**
 * Linear feedback: {@code u = W y + sum_i past_i y_i}. Here {@code y = b - C z} are the errors of this block, and y_i
 * are the errors of earlier measurements in the same pass. A law measures m numbers of the state and adds along m
 * vectors, so it costs 2 m d multiplications. A-LQR of one feature has m = 1.
 *
 * <p>All linear controllers have this form; {@link Controller} names their sources.
 *
 * @param measurement C, m x d, and b, m numbers.
 * @param W gain on the errors, d x m.
 * @param past gains on earlier measurements' errors, each d x the rank of its measurement; empty for most laws
 */
public record LinearFeedback(Measurement measurement, DMatrixRMaj W, Map<Measurement, DMatrixRMaj> past)
        implements ControlLaw {
    /** @throws IllegalArgumentException naming the part that has a wrong shape or a number that is not finite */
    public LinearFeedback {
        Check.shape("W", W, measurement.dimension(), measurement.rank());
        Check.finite("W", W);
        past = Collections.unmodifiableMap(
                new LinkedHashMap<>(past)); // in the order given: sums round the same in every run
        past.forEach((earlier, gain) -> {
            Check.shape("the gain on an earlier " + earlier, gain, W.numRows, earlier.rank());
            Check.finite("the gain on an earlier " + earlier, gain);
        });
    }

    /** Creates feedback without memory, {@code u = W (b - C z)}. */
    public LinearFeedback(DMatrixRMaj C, double[] b, DMatrixRMaj W) {
        this(new Measurement(C, b), W, Map.of());
    }

    @Override
    public int dimension() {
        return measurement.dimension();
    }

    /** Returns m, the number of measured numbers. */
    public int rank() {
        return measurement.rank();
    }

    /** Returns whether u is 0 whatever was measured: all gains are 0. */
    boolean addsNothing() {
        return MatrixFeatures_DDRM.isZeros(W, 0)
                && past.values().stream().allMatch(gain -> MatrixFeatures_DDRM.isZeros(gain, 0));
    }

    @Override
    public LinearFeedback times(double factor) {
        var scaled = new LinkedHashMap<Measurement, DMatrixRMaj>();
        past.forEach((earlier, gain) -> scaled.put(earlier, times(factor, gain)));
        return new LinearFeedback(measurement, times(factor, W), scaled);
    }

    private static DMatrixRMaj times(double factor, DMatrixRMaj matrix) {
        var product = new DMatrixRMaj(matrix.numRows, matrix.numCols);
        CommonOps_DDRM.scale(factor, matrix, product);
        return product;
    }

    @Override
    public <X> Input<X> on(Arithmetic<X> arithmetic) {
        var errors = measurement.on(arithmetic);
        X w = arithmetic.matrix(W);
        var gains = new LinkedHashMap<Measurement, X>();
        past.forEach((earlier, gain) -> gains.put(earlier, arithmetic.matrix(gain)));
        return (states, memory) -> {
            X u = arithmetic.linear(errors.of(states, memory), w, null); // W y
            for (var gain : gains.entrySet()) {
                u = arithmetic.plus(u, arithmetic.linear(memory.recall(gain.getKey()), gain.getValue(), null));
            }
            return u;
        };
    }

    @Override
    public Optional<LinearFeedback> feedback() {
        return Optional.of(this);
    }

    @Override
    public String toString() {
        return "LinearFeedback[m=" + rank() + ", d=" + dimension()
                + (past.isEmpty() ? "]" : ", remembers " + past.size() + " measurements]");
    }
}
