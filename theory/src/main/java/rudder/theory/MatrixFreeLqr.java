package rudder.theory;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;

/**
 * Computes A-LQR's vectors {@code w_k = K_k v_k} without any d x d matrix. The vector {@code -w_k} is the first of the
 * optimal inputs that regulate dz_k = v_k from block k on. These inputs solve {@code H u = -g}, where H u + g is half
 * the gradient of the cost. One sweep forwards and one backwards computes it:
 *
 * <pre>dz_{i+1} = A_i dz_i + u_i,   l_T = qf dz_T,   gradient_i = r u_i + l_{i+1},   l_i = q dz_i + A_i' l_{i+1}.</pre>
 *
 * <p>H is symmetric and {@code H >= rI}, so the method of conjugate gradients solves the problem. All T problems run at
 * once: at block i the problems of the blocks {@code k <= i} share one product. An iteration costs T(T+1)/2 vector
 * products forwards and as many backwards. Source: {@link Lqr}; Hestenes and Stiefel, "Methods of conjugate gradients
 * for solving linear systems", 1952.
 */
public final class MatrixFreeLqr {
    private static final int ITERATIONS = 2000;

    private final Differential plant;
    private final QuadraticCost cost;

    private MatrixFreeLqr(Differential plant, QuadraticCost cost) {
        this.plant = plant;
        this.cost = cost;
    }

    /**
     * Computes w_0..w_{T-1} for {@link rudder.theory.control.Controller#lqr(FeedbackVectors, Setpoint)}.
     *
     * @param tolerance residual of each problem relative to its right side, for instance 1e-10; use 1e-6 for products
     *     in single precision
     * @throws IllegalArgumentException if the setpoint does not fit the plant; also naming the block, if a product is
     *     not finite, or the system grows too fast for double precision
     * @throws ArithmeticException if a problem does not converge. Its products are then not linear, or not transposes
     *     of each other, to that precision.
     */
    public static FeedbackVectors feedback(
            Differential plant, QuadraticCost cost, Setpoint setpoint, double tolerance) {
        setpoint.requireFits(plant.horizon(), plant.dimension());
        Check.that(tolerance > 0, "the tolerance is %s, wanted a number > 0", tolerance);
        return FeedbackVectors.of(new MatrixFreeLqr(plant, cost).solve(setpoint, tolerance), plant.plant());
    }

    /** Runs conjugate gradients on all problems k, each a flat vector of its T - k inputs. */
    private double[][] solve(Setpoint setpoint, double tolerance) {
        int T = plant.horizon();
        int d = plant.dimension();
        var u = new double[T][];
        var start = new double[T][];
        for (int k = 0; k < T; k++) {
            u[k] = new double[(T - k) * d];
            start[k] = setpoint.direction(k);
        }
        int[] active = IntStream.range(0, T).toArray();
        double[][] residual = costates(active, start, u); // g
        for (int k = 0; k < T; k++) {
            residual[k] = Vectors.times(-1, residual[k]); // -g - H 0
        }
        double[][] p = Vectors.copy(residual);
        double[] square = new double[T];
        Arrays.setAll(square, k -> square(k, residual[k]));
        double[] goal =
                Arrays.stream(square).map(s -> tolerance * tolerance * s).toArray();
        for (int iteration = 0; ; iteration++) {
            active = Arrays.stream(active).filter(k -> square[k] > goal[k]).toArray();
            if (active.length == 0) {
                return IntStream.range(0, T)
                        .mapToObj(k -> Vectors.times(-1, Arrays.copyOf(u[k], d)))
                        .toArray(double[][]::new);
            }
            if (iteration == ITERATIONS) {
                throw new ArithmeticException(
                        "block " + active[0] + " did not reach a residual of " + tolerance + " in " + ITERATIONS
                                + " iterations; ask for less, or check that jvp and vjp are transposes of each other");
            }
            double[][] curvature = costates(active, new double[T][d], p);
            for (int k : active) {
                double[] hp = Vectors.plus(curvature[k], cost.r(), p[k]); // H p
                double step = square[k] / Vectors.dot(p[k], hp);
                u[k] = Vectors.plus(u[k], step, p[k]);
                residual[k] = Vectors.plus(residual[k], -step, hp);
                double next = square(k, residual[k]);
                p[k] = Vectors.plus(residual[k], next / square[k], p[k]);
                square[k] = next;
            }
        }
    }

    /** Returns the squared length; what is not finite is below no goal, and would count as solved. */
    private static double square(int k, double[] residual) {
        double square = Vectors.dot(residual, residual);
        Check.that(
                Double.isFinite(square),
                "the residual of block %d is no longer finite: the system grows too fast for double precision",
                k);
        return square;
    }

    /** Returns l_{k+1}..l_T, flat, of each given problem for its first state and inputs. */
    private double[][] costates(int[] problems, double[][] start, double[][] inputs) {
        int T = plant.horizon();
        int d = plant.dimension();
        var z = new DMatrixRMaj[T + 1]; // dz_i of the problems k <= i, in rows
        z[0] = new DMatrixRMaj(0, d);
        for (int i = 0; i < T; i++) {
            int[] here = upTo(i, problems);
            z[i] = joined(z[i], here, i, start);
            z[i + 1] = here.length == 0 ? z[i] : finite("jvp", i, plant.jvp(i, z[i]));
            for (int row = 0; row < here.length; row++) {
                for (int j = 0; j < d; j++) {
                    z[i + 1].add(row, j, inputs[here[row]][(i - here[row]) * d + j]);
                }
            }
        }
        var costates = new double[T][];
        for (int k : problems) {
            costates[k] = new double[(T - k) * d];
        }
        var l = scaled(cost.qf(), z[T]);
        for (int i = T - 1; i >= 0; i--) {
            int[] here = upTo(i, problems);
            for (int row = 0; row < here.length; row++) {
                System.arraycopy(l.data, row * d, costates[here[row]], (i - here[row]) * d, d);
            }
            int[] before = upTo(i - 1, problems);
            if (before.length == 0) {
                break;
            }
            l.reshape(before.length, d); // the problem that starts at block i is done
            l = finite("vjp", i, plant.vjp(i, l));
            for (int n = 0; n < before.length * d; n++) {
                l.data[n] += cost.q() * z[i].data[n];
            }
        }
        return costates;
    }

    private static DMatrixRMaj finite(String product, int block, DMatrixRMaj rows) {
        Check.finite("the " + product + " of block " + block, rows);
        return rows.copy();
    }

    /** Returns the problems that have started by block i; problems are in ascending order. */
    private static int[] upTo(int i, int[] problems) {
        return Arrays.stream(problems).filter(k -> k <= i).toArray();
    }

    /** Returns the states, with one more row if a problem starts here. */
    private static DMatrixRMaj joined(DMatrixRMaj states, int[] here, int i, double[][] start) {
        if (here.length == states.numRows) {
            return states;
        }
        var joined = new DMatrixRMaj(here.length, states.numCols);
        System.arraycopy(states.data, 0, joined.data, 0, states.getNumElements());
        System.arraycopy(start[i], 0, joined.data, states.getNumElements(), states.numCols);
        return joined;
    }

    private static DMatrixRMaj scaled(double a, DMatrixRMaj m) {
        return DMatrixRMaj.wrap(m.numRows, m.numCols, Vectors.times(a, Arrays.copyOf(m.data, m.getNumElements())));
    }
}
