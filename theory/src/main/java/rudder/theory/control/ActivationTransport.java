package rudder.theory.control;

import java.util.List;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import rudder.theory.Check;
import rudder.theory.Plant;
import rudder.theory.Vectors;

/**
 * Controllers that transport the states of texts without a feature to the states of texts with it, block by block. The
 * maps are fitted on two samples and need no setpoint. Blocks are fitted in order, each on the states that the steered
 * blocks before it produce. Otherwise every block would add the whole difference again.
 *
 * <p>{@link Controller#times} sets the strength: 1 transports all the way.
 *
 * <p>Source: Rodriguez et al., arXiv 2410.23054, with the states of the last token instead of means over tokens.
 */
public final class ActivationTransport {
    private ActivationTransport() {}

    /**
     * Fits Linear-AcT: at every block's output the affine map {@link TransportLaw#between} of each coordinate.
     *
     * @param plants one plant for each text without the feature.
     * @param first z_0 of each plant, [n][d].
     * @param targets runs of as many texts with the feature
     * @throws IllegalArgumentException if the numbers of plants, first states and runs differ
     */
    public static Controller linear(List<? extends Plant> plants, double[][] first, List<Rollout> targets) {
        return fitted("Linear-AcT", plants, first, targets, TransportLaw::between);
    }

    /**
     * Fits Mean-AcT: at every block's output the difference of the two means, which does not depend on the state. The
     * parameters are those of {@link #linear}, but there may be more or fewer targets than plants.
     */
    public static Controller mean(List<? extends Plant> plants, double[][] first, List<Rollout> targets) {
        return fitted(
                "Mean-AcT",
                plants,
                first,
                targets,
                (from, to) -> ControlLaw.constant(Vectors.minus(Vectors.mean(to), Vectors.mean(from))));
    }

    /**
     * Fits PID-AcT: at every block's output a sum of the differences of the two means, in the manner of a PID
     * controller over the blocks. Let r_k be the mean of the targets less the mean of the outputs of block k. The
     * inputs of earlier blocks have changed these outputs already. Then
     *
     * <pre>u_k = kp r_k + ki (r_0 + ... + r_{k-1}) + kd (r_k - r_{k-1}),   the difference is 0 at block 0.</pre>
     *
     * <p>With kp = 1 and ki = kd = 0 this is {@link #mean}. The parameters are otherwise those of {@link #mean}.
     *
     * <p>Source: Nguyen et al., arXiv 2510.04309, u(k) of PID Steering, on Mean-AcT's sequential differences.
     *
     * @throws IllegalArgumentException also if a gain is not finite
     */
    public static Controller pid(
            List<? extends Plant> plants, double[][] first, List<Rollout> targets, double kp, double ki, double kd) {
        Check.finite("the gains kp, ki and kd", new double[] {kp, ki, kd});
        var name = "PID-AcT " + kp + " " + ki + " " + kd;
        return fitted(name, plants, first, targets, new PidFit(kp, ki, kd));
    }

    /** Blocks are fitted in order, so this remembers the errors before. */
    private static final class PidFit implements BiFunction<double[][], double[][], ControlLaw> {
        private final double kp;
        private final double ki;
        private final double kd;
        private double[] sum; // null before block 0
        private double[] last;

        PidFit(double kp, double ki, double kd) {
            this.kp = kp;
            this.ki = ki;
            this.kd = kd;
        }

        @Override
        public ControlLaw apply(double[][] from, double[][] to) {
            double[] r = Vectors.minus(Vectors.mean(to), Vectors.mean(from));
            double[] u = Vectors.times(kp, r);
            if (sum != null) {
                u = Vectors.plus(u, ki, sum);
                u = Vectors.plus(u, kd, Vectors.minus(r, last));
            }
            sum = sum == null ? r : Vectors.plus(sum, 1, r);
            last = r;
            return ControlLaw.constant(u);
        }
    }

    private static Controller fitted(
            String name,
            List<? extends Plant> plants,
            double[][] first,
            List<Rollout> targets,
            BiFunction<double[][], double[][], ControlLaw> fit) {
        Check.that(
                !plants.isEmpty() && plants.size() == first.length,
                "%d plants and %d first states, wanted one of each for every text, at least one",
                plants.size(),
                first.length);
        Check.that(!targets.isEmpty(), "no run that shows the feature, wanted at least one");
        var laws = new TreeMap<Integer, ControlLaw>();
        double[][] states = first;
        for (int k = 0; k < plants.get(0).horizon(); k++) {
            int block = k;
            double[][] entering = states;
            double[][] outputs = IntStream.range(0, plants.size())
                    .mapToObj(i -> plants.get(i).next(block, entering[i]))
                    .toArray(double[][]::new);
            double[][] wanted =
                    targets.stream().map(run -> run.states()[block + 1]).toArray(double[][]::new);
            var law = fit.apply(outputs, wanted);
            laws.put(k, law);
            var input = law.on(Arithmetic.heap());
            states = IntStream.range(0, outputs.length)
                    .mapToObj(i -> Vectors.plus(
                            outputs[i], 1, input.of(Vectors.row(outputs[i]), new MeasurementMemory()).data))
                    .toArray(double[][]::new);
        }
        return Controller.of(name, HookPoint.RESID_POST, laws, null);
    }
}
