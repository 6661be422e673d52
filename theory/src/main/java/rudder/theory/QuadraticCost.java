package rudder.theory;

/**
 * The cost {@code sum_{k<T} (q |dz_k|^2 + r |u_k|^2) + qf |dz_T|^2}. A large {@code r} asks for gentle inputs, a large
 * {@code q} or {@code qf} for quick or complete arrival.
 *
 * @param q weight of the state at blocks 0..T-1; q >= 0
 * @param r weight of the input; r > 0, else an input is free and the gain is not defined where the state costs nothing
 * @param qf weight of the last state; qf >= 0
 */
public record QuadraticCost(double q, double r, double qf) {
    /** @throws IllegalArgumentException naming the weight that is negative, not finite, or for r not positive */
    public QuadraticCost {
        Check.that(q >= 0 && Double.isFinite(q), "the state's weight q is %s, wanted a finite q >= 0", q);
        Check.that(r > 0 && Double.isFinite(r), "the input's weight r is %s, wanted a finite r > 0", r);
        Check.that(qf >= 0 && Double.isFinite(qf), "the last state's weight qf is %s, wanted a finite qf >= 0", qf);
    }
}
