package rudder.theory.control;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;

/**
 * Linear feedback: {@code u = W y + sum_i past_i y_i} for the errors {@code y = b - C z} read here and, where a
 * controller remembers, the errors y_i of earlier readings of the same pass. It reads m numbers of the state and
 * answers along m vectors, so it costs 2 m d multiplications however its gains were computed; tracking one feature has
 * m = 1.
 *
 * @param reading C and b
 * @param W what is added for each unit of error, d x m
 * @param past what is added for each unit of an earlier reading's error, d x that reading's m; empty for most laws
 */
public record LinearFeedback(Measurement reading, DMatrixRMaj W, Map<Measurement, DMatrixRMaj> past)
        implements ControlLaw {
    /**
     * @throws IllegalArgumentException naming the part whose shape does not fit or that holds a number that is not
     *     finite
     */
    public LinearFeedback {
        Check.shape("W", W, reading.dimension(), reading.rank());
        Check.finite("W", W);
        past = Collections.unmodifiableMap(
                new LinkedHashMap<>(past)); // in the order given: sums round the same in every run
        past.forEach((earlier, gain) -> {
            Check.shape("the gain on an earlier " + earlier, gain, W.numRows, earlier.rank());
            Check.finite("the gain on an earlier " + earlier, gain);
        });
    }

    /** Feedback without memory, {@code u = W (b - C z)}. */
    public LinearFeedback(DMatrixRMaj C, double[] b, DMatrixRMaj W) {
        this(new Measurement(C, b), W, Map.of());
    }

    @Override
    public int dimension() {
        return reading.dimension();
    }

    /** m, how many numbers are read. */
    public int rank() {
        return reading.rank();
    }

    @Override
    public LinearFeedback times(double factor) {
        var scaled = new LinkedHashMap<Measurement, DMatrixRMaj>();
        past.forEach((earlier, gain) -> scaled.put(earlier, times(factor, gain)));
        return new LinearFeedback(reading, times(factor, W), scaled);
    }

    private static DMatrixRMaj times(double factor, DMatrixRMaj matrix) {
        var product = new DMatrixRMaj(matrix.numRows, matrix.numCols);
        CommonOps_DDRM.scale(factor, matrix, product);
        return product;
    }

    @Override
    public <X> Input<X> on(Arithmetic<X> arithmetic) {
        var errors = reading.on(arithmetic);
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
                + (past.isEmpty() ? "]" : ", remembers " + past.size() + " readings]");
    }
}
