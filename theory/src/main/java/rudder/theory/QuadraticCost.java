package rudder.theory;

/**
 * The cost {@code sum_{k<T} (q |dz_k|^2 + r |u_k|^2) + qf |dz_T|^2}. A large {@code r} gives small inputs. A large
 * {@code q} or {@code qf} gives fast or complete arrival. Source: the paper, with Q = qI, R = rI and Q_T = qf I.
 *
 * <p>{@code QuadraticCost.of(0.1, 10).terminal(1)} names the third weight; it equals {@code new QuadraticCost(0.1, 10,
 * 1)}.
 *
 * @param q weight of the states of blocks 0..T-1; q >= 0.
 * @param r weight of the inputs; r > 0. With r = 0 the gain is undefined where the state costs nothing.
 * @param qf weight of the last state z_T; qf >= 0
 */
public record QuadraticCost(double q, double r, double qf) {
    /** @throws IllegalArgumentException naming a weight that is not finite, a negative q or qf, or {@code r <= 0} */
    public QuadraticCost {
        Check.that(q >= 0 && Double.isFinite(q), "the state's weight q is %s, wanted a finite q >= 0", q);
        Check.that(r > 0 && Double.isFinite(r), "the input's weight r is %s, wanted a finite r > 0", r);
        Check.that(qf >= 0 && Double.isFinite(qf), "the last state's weight qf is %s, wanted a finite qf >= 0", qf);
    }

    /**
     * Returns the cost that weighs the last state like all others, qf = q.
     *
     * @param q weight of the states, q >= 0
     * @param r weight of the inputs, r > 0
     */
    public static QuadraticCost of(double q, double r) {
        return new QuadraticCost(q, r, q);
    }

    /** Returns the same cost with another weight of the last state, qf >= 0. */
    public QuadraticCost terminal(double qf) {
        return new QuadraticCost(q, r, qf);
    }
}
