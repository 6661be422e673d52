package rudder.theory.control;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * Carries the state along the gradient of a classifier's log odds, in several steps. With {@code x(z) = z / |z|} the
 * log odds are those of a kernel machine with the polynomial kernel of degree 2:
 *
 * <pre>
 * h(z)  = sum_i a_i (gamma x(z).x_i + constant)^2 + bias
 * dz/ds = grad h(z) / |grad h(z)|,   z(0) = the state,   u = gain (z(length) - z(0))
 * </pre>
 *
 * <p>The equation is solved by Euler's method in equal steps. Each step has the same length, and takes its direction
 * anew from where the last step ended. The bias moves nothing and is not kept.
 *
 * <p>Source: ODESteer (Zhao et al., arXiv 2602.17560), whose barrier function is the log-density ratio of states with
 * and without a feature; their code takes 10 steps. They approximate the kernel by random features (a count sketch);
 * this law computes the kernel itself.
 *
 * @param support the directions x_i of norm 1, [m, d].
 * @param coefficients a_i, m numbers, not all 0.
 * @param gamma factor of the products in the kernel.
 * @param constant added to the products in the kernel.
 * @param length of the path from z(0) to z(length), in units of the state; negative leads downwards.
 * @param steps number of Euler steps, 1 to 1,000.
 * @param gain factor of the input
 */
public record FlowLaw(
        DMatrixRMaj support,
        double[] coefficients,
        double gamma,
        double constant,
        double length,
        int steps,
        double gain)
        implements ControlLaw {

    /** @throws IllegalArgumentException naming the part that has a wrong shape, or a number out of its bounds */
    public FlowLaw {
        Check.shape("the support", support, coefficients.length, support.numCols);
        Check.finite("the support", support);
        Check.finite("the coefficients", coefficients);
        Check.that(
                Arrays.stream(coefficients).anyMatch(a -> a != 0),
                "all %d coefficients are 0: such log odds have no gradient",
                coefficients.length);
        Check.that(Double.isFinite(gamma), "gamma is %s, wanted a finite number", gamma);
        Check.that(Double.isFinite(constant), "the kernel's constant is %s, wanted a finite number", constant);
        Check.that(Double.isFinite(length), "the length is %s, wanted a finite number", length);
        Check.that(1 <= steps && steps <= 1000, "%d steps, wanted 1..1000", steps);
        Check.that(Double.isFinite(gain), "the gain is %s, wanted a finite number", gain);
        coefficients = coefficients.clone();
    }

    @Override
    public int dimension() {
        return support.numCols;
    }

    @Override
    public FlowLaw times(double factor) {
        return new FlowLaw(support, coefficients, gamma, constant, length, steps, factor * gain);
    }

    /** Returns the log odds without their bias, h(z) - bias. */
    public double logOdds(double[] z) {
        double[] products = Vectors.multiply(support, Vectors.unit(z));
        double sum = 0;
        for (int i = 0; i < products.length; i++) {
            double kernel = gamma * products[i] + constant;
            sum += coefficients[i] * kernel * kernel;
        }
        return sum;
    }

    @Override
    public <X> Input<X> on(Arithmetic<X> arithmetic) {
        // only the gradient's direction counts; in single precision its length should be near 1
        double largest = Arrays.stream(coefficients).map(Math::abs).max().orElseThrow();
        double[] a = Vectors.times(gamma / largest, coefficients);
        var rows = new RowArithmetic<>(arithmetic, dimension());
        X x = arithmetic.matrix(support);
        X transposed = arithmetic.matrix(CommonOps_DDRM.transpose(support, null));
        X slopes = arithmetic.row(Vectors.times(gamma, a));
        X offsets = arithmetic.row(Vectors.times(constant, a));
        X minusOne = arithmetic.row(-1);
        X step = arithmetic.row(length / steps);
        X scale = arithmetic.row(gain);
        return (states, memory) -> {
            X u = null;
            for (int i = 0; i < steps; i++) {
                X direction = rows.unit(u == null ? states : arithmetic.plus(states, u));
                X kernel = arithmetic.linear(direction, x, null); // [n, m]
                X weights = arithmetic.plus(arithmetic.times(kernel, slopes), offsets);
                X ascent = arithmetic.linear(weights, transposed, null); // half the gradient with respect to x, [n, d]
                // the derivative of x(z) takes out the part along x, and divides by |z|, which the unit length undoes
                X radial = arithmetic.times(rows.dot(ascent, direction), minusOne);
                X tangent = arithmetic.plus(ascent, arithmetic.times(direction, radial));
                X moved = arithmetic.times(rows.unit(tangent), step);
                u = u == null ? moved : arithmetic.plus(u, moved);
            }
            return arithmetic.times(u, scale);
        };
    }

    @Override
    public String toString() {
        return "FlowLaw[m=" + coefficients.length + ", d=" + dimension() + ", length " + length + " in " + steps
                + " steps]";
    }
}
