package rudder.theory.control;

import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.theory.Check;
import rudder.theory.Vectors;

/**
 * What is added at one place of one block, as a function of what is measured there. A law is data and its formula is
 * written once: {@link #on} carries it out on whatever arithmetic the states live on.
 */
public sealed interface ControlLaw permits LinearFeedback, TransportLaw, GatedLaw {
    /** How many numbers it reads, and adds to. */
    int dimension();

    /** The law that adds {@code factor} times as much. */
    ControlLaw times(double factor);

    /** This law ready to run: its numbers are uploaded once, here. */
    <X> Input<X> on(Arithmetic<X> arithmetic);

    /** Its linear feedback, if it has one: what is left of a gated law when the gate is open. */
    default Optional<LinearFeedback> feedback() {
        return Optional.empty();
    }

    /** This law where {@code low <= c.z <= high}, and nothing elsewhere. */
    default ControlLaw where(double[] c, double low, double high) {
        return new GatedLaw(this, c, low, high);
    }

    /** u whatever the state: C = 0, b = 1, W = u. */
    static LinearFeedback constant(double[] u) {
        return new LinearFeedback(new DMatrixRMaj(1, u.length), new double[] {1}, Vectors.column(u.clone()));
    }

    /** {@code (target - v.z) w}: one direction read, one answered along. */
    static LinearFeedback along(double[] v, double target, double[] w) {
        return new LinearFeedback(Vectors.row(v.clone()), new double[] {target}, Vectors.column(w.clone()));
    }

    /**
     * Rotates the state by an angle in the plane of two directions, from the first towards the second; its length
     * stays, and what is orthogonal to both. With an orthonormal basis V of the plane and the rotation G(theta),
     * {@code u = V' (G(theta) - I) V z}. Source: angular steering (Vu and Nguyen, arXiv 2510.26243).
     *
     * @param from a direction of the plane, of any length
     * @param to another
     * @param degrees how far
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

    /** The angle between two directions, in degrees. */
    static double degreesBetween(double[] a, double[] b) {
        return Math.toDegrees(
                Math.acos(Math.max(-1, Math.min(1, Vectors.dot(a, b) / (Vectors.norm(a) * Vectors.norm(b))))));
    }

    /** A law ready to run: inputs, one row for each row of states. */
    @FunctionalInterface
    interface Input<X> {
        X of(X states, Memory<X> memory);
    }

    /** What has been measured in one pass through the blocks. */
    interface Memory<X> {
        void keep(Measurement reading, X errors);

        X recall(Measurement reading);
    }
}
