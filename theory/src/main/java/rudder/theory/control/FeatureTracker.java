package rudder.theory.control;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.MatrixFeatures_DDRM;
import rudder.theory.Check;
import rudder.theory.DenseAlgebra;
import rudder.theory.Differential;
import rudder.theory.Plant;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;

/**
 * The linear quadratic tracker of a feature. It penalises only the feature's error, leaves the rest of the state free,
 * and looks ahead. It minimises
 *
 * <pre>
 * sum_{j=1..T} q_j (v_j.z_j - beta*_j)^2 + r sum_k |u_k|^2
 * subject to   z_{k+1} = nominal_{k+1} + A_k (z_k - nominal_k) + B_k u_k.
 * </pre>
 *
 * <p>The sensitivity of the strength at block j to the state at block k is {@code c_{k,j}' = v_j' A_{j-1} ... A_k}. Let
 * y = phi_k(z_k) be the output of block k before its input. Without further inputs block j would show the strength
 * {@code v_j.nominal_j + c_{k+1,j}.(y - nominal_{k+1})}. The best input responds to the errors e of all these
 * forecasts, j > k, at once:
 *
 * <pre>B_k u_k = B_k B_k' C_k' X_k^-1 e,   X_k = r diag(1/q_j) + sum_{i=k}^{T-1} C_i B_i B_i' C_i'.</pre>
 *
 * <p>The rows of C_i are the c_{i+1,j}', zero for j &lt;= i. The law is {@link LinearFeedback} with one row for each
 * later block that has a weight, so steering costs at most 2 T d multiplications a block. The tracker needs only
 * vector-Jacobian products; no d x d matrix is formed.
 *
 * <p>The tracker acts at {@link HookPoint#RESID_POST}. It measures the output of block k instead of predicting it, so
 * it corrects that block's linearisation error at once. At the last block nothing is left to predict: without other
 * weights the last error is {@code r / (r + q_T)} of the error without the last input. This holds for every plant and
 * whatever the Jacobians. On a linear plant, measuring z_k would give the same inputs.
 *
 * <p>Source: Rudder's. It eliminates a rank-m cost to go (C z - b)' M (C z - b) backwards, with M = r X^-1.
 */
public final class FeatureTracker {
    private FeatureTracker() {}

    /**
     * Returns the tracker of a plant linearised about a nominal run.
     *
     * @param plant A_k about the nominal run.
     * @param nominal z_0..z_T.
     * @param setpoint v_j and beta*_j.
     * @param weights q_j >= 0, j = 0..T, the weight of block j's error. No input reaches z_0, so q_0 has no effect.
     * @param r weight of the inputs, r > 0.
     * @param inputs the input matrices B_k.
     * @throws IllegalArgumentException if shapes differ, a weight is negative, or none is positive; also if plant and
     *     setpoint have the marks of different plants
     */
    public static Controller of(
            Differential plant, double[][] nominal, Setpoint setpoint, double[] weights, double r, InputMatrix inputs) {
        return Controller.measured(
                plant.plant(), of(sensitivities(plant, setpoint, weights), nominal, setpoint, weights, r, inputs));
    }

    /**
     * Returns the tracker linearised about its own run. The first pass linearises about the uncontrolled run, and each
     * later pass about the run of the tracker before it, until a run overflows. The tracker of least cost is returned.
     * Where a plant is far from linear between its own run and the setpoint, this one reaches the target with smaller
     * inputs. Source: iterative LQR (Li and Todorov, 2004), with full steps instead of a line search.
     *
     * @param plant the plant itself.
     * @param linearised linearises the plant about a run.
     * @param z0 the first state.
     * @param passes number of linearisations, at least 1; with 1 this is {@link #of}
     * @throws IllegalArgumentException as {@link #of}, or if there is no pass
     */
    public static Controller iterated(
            Plant plant,
            Function<Rollout, ? extends Differential> linearised,
            double[] z0,
            Setpoint setpoint,
            double[] weights,
            double r,
            InputMatrix inputs,
            int passes) {
        Check.that(passes > 0, "%d linearisations, wanted at least 1", passes);
        Controller best = null;
        double least = Double.POSITIVE_INFINITY;
        var run = Rollout.of(plant, Controller.none(), z0);
        for (int pass = 0; pass < passes; pass++) {
            var about = linearised.apply(run);
            var controller = Controller.measured(
                    about.plant(), of(sensitivities(about, setpoint, weights), run, setpoint, weights, r, inputs));
            run = Rollout.of(plant, controller, z0);
            double cost = r * run.energy();
            double[] errors = run.errors(setpoint);
            for (int j = 1; j < errors.length; j++) {
                cost += weights[j] * errors[j] * errors[j];
            }
            if (best == null || cost < least) {
                least = cost;
                best = controller;
            }
            if (!Double.isFinite(cost)) {
                break; // nothing can be linearised about a run that overflowed
            }
        }
        return best;
    }

    /**
     * Returns the sensitivities C_0..C_{T-1} to the blocks' outputs. C_k has one row {@code c_{k+1,j}'} for each j =
     * k+1..T with q_j > 0, in that order. Costs T - 1 products of at most T - 1 rows.
     */
    public static List<DMatrixRMaj> sensitivities(Differential plant, Setpoint setpoint, double[] weights) {
        setpoint.requireFits(plant.horizon(), plant.dimension());
        Check.length("the weights", weights.length, plant.horizon() + 1);
        var all = new ArrayList<DMatrixRMaj>();
        var after = new DMatrixRMaj(0, plant.dimension());
        for (int k = plant.horizon() - 1; k >= 0; k--) {
            var behind = after.numRows == 0 ? after : plant.vjp(k + 1, after); // C_{k+1} A_{k+1}
            after = weights[k + 1] > 0
                    ? CommonOps_DDRM.concatRowsMulti(Vectors.row(setpoint.direction(k + 1)), behind)
                    : behind;
            all.add(after);
        }
        Collections.reverse(all);
        return all;
    }

    /** Returns the tracker of the given sensitivities; the other parameters are those of the first form. */
    public static Controller of(
            List<DMatrixRMaj> sensitivities,
            double[][] nominal,
            Setpoint setpoint,
            double[] weights,
            double r,
            InputMatrix inputs) {
        Check.length("the nominal states", nominal.length, setpoint.horizon() + 1);
        return of(
                sensitivities,
                new Rollout(nominal, new double[nominal.length - 1][setpoint.dimension()]),
                setpoint,
                weights,
                r,
                inputs);
    }

    /**
     * Returns the tracker about a controlled run, where {@code z_{k+1} = nominal_{k+1} + A_k (z_k - nominal_k) + B_k
     * u_k - nominal's u_k}.
     */
    private static Controller of(
            List<DMatrixRMaj> sensitivities,
            Rollout nominal,
            Setpoint setpoint,
            double[] weights,
            double r,
            InputMatrix inputs) {
        int T = setpoint.horizon();
        int d = setpoint.dimension();
        Check.length("the sensitivities", sensitivities.size(), T);
        Check.length("the nominal states", nominal.states().length, T + 1);
        Check.length("the weights", weights.length, T + 1);
        Check.that(
                Arrays.stream(weights).allMatch(q -> q >= 0 && Double.isFinite(q)),
                "weights %s, wanted finite q_j >= 0",
                Arrays.toString(weights));
        Check.that(
                Arrays.stream(weights, 1, T + 1).anyMatch(q -> q > 0),
                "no block 1..%d has a weight, wanted at least one q_j > 0",
                T);
        Check.that(r > 0 && Double.isFinite(r), "the inputs' weight r is %s, wanted a finite r > 0", r);

        var laws = new TreeMap<Integer, ControlLaw>();
        var x = new DMatrixRMaj(0, 0);
        var slack = new double[0]; // beta*_j - v_j.nominal_j + sum_{i > k} c_{i+1,j}.(nominal's u_i)
        for (int k = T - 1; k >= 0; k--) {
            var c = sensitivities.get(k); // [m, d]
            if (weights[k + 1] > 0) {
                x = bordered(r / weights[k + 1], x); // diag(r/q, X)
                slack = prepended(setpoint.error(k + 1, nominal.states()[k + 1]), slack);
            }
            Check.shape("the sensitivities of block " + k, c, slack.length, d);
            if (c.numRows == 0) {
                continue;
            }
            double[] b = Vectors.plus(slack, 1, Vectors.multiply(c, nominal.states()[k + 1]));
            slack = Vectors.plus(slack, 1, Vectors.multiply(c, nominal.inputs()[k]));
            var answer = inputs.weigh(k, c); // C B B'
            CommonOps_DDRM.multAddTransB(c, answer, x); // X = diag(r/q, X) + C B B' C'
            if (MatrixFeatures_DDRM.isZeros(answer, 0)) {
                continue; // no input there
            }
            var w = CommonOps_DDRM.transpose(DenseAlgebra.ejml().solveSpd(x, answer), null); // B B' C' X^-1
            laws.put(k, new LinearFeedback(c, b, w));
        }
        return Controller.of("tracker " + setpoint.lambda() + " mu_k", HookPoint.RESID_POST, laws, setpoint);
    }

    private static DMatrixRMaj bordered(double corner, DMatrixRMaj m) {
        var bordered = new DMatrixRMaj(m.numRows + 1, m.numCols + 1);
        bordered.set(0, 0, corner);
        CommonOps_DDRM.insert(m, bordered, 1, 1);
        return bordered;
    }

    private static double[] prepended(double first, double[] rest) {
        var all = new double[rest.length + 1];
        all[0] = first;
        System.arraycopy(rest, 0, all, 1, rest.length);
        return all;
    }
}
