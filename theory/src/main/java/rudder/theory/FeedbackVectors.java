package rudder.theory;

import java.util.Optional;

/**
 * The vectors {@code w_k = K_k v_k}, k = 0..T-1, of a regulated system and the directions of one setpoint. They are all
 * that {@link rudder.theory.control.Controller#lqr(FeedbackVectors, Setpoint)} needs: T d numbers instead of the T d^2
 * of the gains. They do not depend on lambda, so one computation serves every strength.
 *
 * <p>{@link Lqr#feedback} computes them from the Jacobians, {@link MatrixFreeLqr#feedback} without any matrix. Source:
 * the paper's A-LQR, whose input is {@code u_k = alpha_k K_k v_k}.
 */
public final class FeedbackVectors {
    private final double[][] vectors;
    private final String plant; // null where it is not known

    private FeedbackVectors(double[][] vectors, String plant) {
        this.vectors = vectors;
        this.plant = plant;
    }

    /**
     * Takes vectors that were computed elsewhere.
     *
     * @param vectors w_0..w_{T-1}, [T][d]
     * @throws IllegalArgumentException if there is no vector, the lengths differ, or a number is not finite
     */
    public static FeedbackVectors of(double[][] vectors) {
        return of(vectors, Optional.empty());
    }

    static FeedbackVectors of(double[][] vectors, Optional<String> plant) {
        Check.that(vectors.length > 0, "no vectors K_k v_k, wanted one for each block");
        for (int k = 0; k < vectors.length; k++) {
            Check.length("the vector of block " + k, vectors[k].length, vectors[0].length);
            Check.finite("the vector of block " + k, vectors[k]);
        }
        return new FeedbackVectors(Vectors.copy(vectors), plant.orElse(null));
    }

    /**
     * Returns the same vectors, marked as measured on a plant. Controllers made from them keep the mark, and another
     * plant refuses such a controller.
     *
     * @param plant what identifies the plant, such as the sha256 of a model's weights
     */
    public FeedbackVectors measuredOn(String plant) {
        return new FeedbackVectors(vectors, plant);
    }

    /** Returns the mark of the plant that was linearised; empty if none was given. */
    public Optional<String> plant() {
        return Optional.ofNullable(plant);
    }

    /** Returns T, the number of vectors. */
    public int horizon() {
        return vectors.length;
    }

    /** Returns d, the length of each vector. */
    public int dimension() {
        return vectors[0].length;
    }

    /** Returns a copy of w_k, d numbers, k = 0..T-1. */
    public double[] vector(int k) {
        Check.block(k, horizon() - 1);
        return vectors[k].clone();
    }

    @Override
    public String toString() {
        return "FeedbackVectors[T=" + horizon() + ", d=" + dimension() + "]";
    }
}
