package rudder.theory.control;

import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * A control law of one block: the input u as a function of the state z at its {@link HookPoint}. A law is data. Its
 * formula is written once, and {@link #on} runs it with the {@link Arithmetic} of the heap or of a device.
 */
public sealed interface ControlLaw permits LinearFeedback, TransportLaw, GatedLaw, SphericalLaw, FlowLaw {
    /** Returns d, the width of the states it measures and adds to. */
    int dimension();

    /** Returns the law {@code factor u}. */
    ControlLaw times(double factor);

    /** Uploads this law's numbers once and returns the law ready to run. */
    <X> Input<X> on(Arithmetic<X> arithmetic);

    /** Returns the linear feedback of this law, for a gated law with the gate open; empty for other laws. */
    default Optional<LinearFeedback> feedback() {
        return Optional.empty();
    }

    /** Returns {@link GatedLaw}: this law where {@code low <= c.z <= high}, and 0 elsewhere. */
    default ControlLaw where(double[] c, double low, double high) {
        return new GatedLaw(this, c, low, high);
    }

    /** Returns the law that adds u whatever the state: C = 0, b = 1, W = u. */
    static LinearFeedback constant(double[] u) {
        return new LinearFeedback(new DMatrixRMaj(1, u.length), new double[] {1}, Vectors.column(u.clone()));
    }

    /** Returns the law {@code (target - v.z) w}, which measures along v and adds along w. */
    static LinearFeedback along(double[] v, double target, double[] w) {
        return new LinearFeedback(Vectors.row(v.clone()), new double[] {target}, Vectors.column(w.clone()));
    }

    /**
     * Returns the law that rotates the state in the plane of two directions, from the first towards the second. The
     * state keeps its length and its part orthogonal to the plane. The rows of V, 2 x d, are an orthonormal basis of
     * the plane, and G(theta) is the rotation: {@code u = V' (G(theta) - I) V z}. Source: angular steering (Vu and
     * Nguyen, arXiv 2510.26243).
     *
     * @param from a direction of the plane, of any length but 0.
     * @param to another direction of the plane.
     * @param degrees the angle theta.
     * @throws IllegalArgumentException if the directions are parallel and span no plane
     */
    static LinearFeedback rotation(double[] from, double[] to, double degrees) {
        double[] first = Vectors.unit(from);
        double[] rest = Vectors.plus(to, -Vectors.dot(first, to), first);
        Check.that(
                Vectors.norm(rest) > 1e-9 * Vectors.norm(to),
                "the two directions are parallel: they span no plane to rotate in");
        double[] second = Vectors.unit(rest);
        double cosine = Math.cos(Math.toRadians(degrees));
        double sine = Math.sin(Math.toRadians(degrees));
        int d = from.length;
        var W = new DMatrixRMaj(d, 2); // -V' (G - I), since y = -V z
        for (int i = 0; i < d; i++) {
            W.set(i, 0, -((cosine - 1) * first[i] + sine * second[i]));
            W.set(i, 1, -(-sine * first[i] + (cosine - 1) * second[i]));
        }
        return new LinearFeedback(
                CommonOps_DDRM.concatRowsMulti(Vectors.row(first), Vectors.row(second)), new double[2], W);
    }

    /** Returns the angle between two directions, in degrees. */
    static double degreesBetween(double[] a, double[] b) {
        return Math.toDegrees(
                Math.acos(Math.max(-1, Math.min(1, Vectors.dot(a, b) / (Vectors.norm(a) * Vectors.norm(b))))));
    }

    /** A law ready to run: returns one row of inputs for each row of states. */
    @FunctionalInterface
    interface Input<X> {
        X of(X states, Memory<X> memory);
    }

    /** The measurements of one pass through the blocks. */
    interface Memory<X> {
        void keep(Measurement measurement, X errors);

        X recall(Measurement measurement);
    }
}
