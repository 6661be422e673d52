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
