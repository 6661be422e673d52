package rudder.theory;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The error of a linear model of one block: {@code phi_k(z + dz) - phi_k(z)} against {@code A dz}. The block is
 * evaluated once, along rays from z. Its answers can then be compared with any number of matrices A. Source: the
 * paper's measurements of local linearity.
 */
public final class LocalLinearity {
    private final double norm;
    private final double[] radii;
    private final DMatrixRMaj directions;
    private final double[][][] answers;

    private LocalLinearity(double norm, double[] radii, DMatrixRMaj directions, double[][][] answers) {
        this.norm = norm;
        this.radii = radii;
        this.directions = directions;
        this.answers = answers;
    }

    /**
     * Evaluates {@code phi_k(z + eps |z| w) - phi_k(z)} for every direction w and radius eps.
     *
     * @param directions m vectors of d numbers, of any length but 0; w is the unit vector
     * @param radii relative to |z|
     * @throws IllegalArgumentException naming the direction that has a wrong width or the length 0
     */
    public static LocalLinearity around(Plant plant, int k, double[] z, double[][] directions, double... radii) {
        int d = plant.dimension();
        Check.length("the state", z.length, d);
        double norm = Vectors.norm(z);
        var units = new DMatrixRMaj(d, directions.length); // [d, m]
        var states = new double[1 + directions.length * radii.length][];
        states[0] = z;
        for (int i = 0; i < directions.length; i++) {
            Check.length("direction " + i, directions[i].length, d);
            double length = Vectors.norm(directions[i]);
            Check.that(
                    length > 0 && Double.isFinite(length),
                    "direction %d has length %s, wanted a positive one",
                    i,
                    length);
            for (int j = 0; j < d; j++) {
                units.set(j, i, directions[i][j] / length);
            }
            for (int r = 0; r < radii.length; r++) {
                states[1 + i * radii.length + r] = Vectors.plus(z, radii[r] * norm / length, directions[i]);
            }
        }
        double[][] next = plant.next(k, states);
        var answers = new double[directions.length][radii.length][];
        for (int i = 0; i < directions.length; i++) {
            for (int r = 0; r < radii.length; r++) {
                answers[i][r] = Vectors.minus(next[1 + i * radii.length + r], next[0]);
            }
        }
        return new LocalLinearity(norm, radii.clone(), units, answers);
    }

    /**
     * Returns {@code |phi_k(z + dz) - phi_k(z) - A dz| / |phi_k(z + dz) - phi_k(z)|}, [direction][radius]. A perfect
     * model has 0; A = 0 has 1.
     */
    public double[][] errors(DMatrixRMaj a, DenseAlgebra algebra) {
        try (var here = algebra.open()) {
            return errors(here.put(a), algebra);
        }
    }

    /** Returns the same errors for an A on the device, which can be compared with many answers. */
    public double[][] errors(DenseAlgebra.Matrix a, DenseAlgebra algebra) {
        var image = CommonOps_DDRM.transpose(algebra.multiply(a, directions), null); // (A W)' [m, d]
        var errors = new double[answers.length][radii.length];
        for (int i = 0; i < answers.length; i++) {
            double[] along = Arrays.copyOfRange(image.data, i * image.numCols, (i + 1) * image.numCols);
            for (int r = 0; r < radii.length; r++) {
                errors[i][r] = Vectors.norm(Vectors.plus(answers[i][r], -radii[r] * norm, along))
                        / Vectors.norm(answers[i][r]);
            }
        }
        return errors;
    }

    @Override
    public String toString() {
        return "LocalLinearity[" + answers.length + " directions, radii " + Arrays.toString(radii) + " of |z|]";
    }
}
