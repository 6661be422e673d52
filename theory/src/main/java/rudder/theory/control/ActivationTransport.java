package rudder.theory.control;

import java.util.List;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import rudder.theory.Check;
import rudder.theory.Plant;
import rudder.theory.Vectors;

/**
 * Controllers that carry the states of texts without a feature to where those with it are, block by block: fitted on
 * two samples, then added whatever the setpoint. Blocks are fitted in order, each on the states that the blocks before
 * it, already steered, give; without that, every block would add the whole difference again.
 *
 * <p>{@link Controller#times} sets the strength: 1 transports all the way.
 *
 * <p>Source: Rodriguez et al., arXiv 2410.23054, with states of the last token in place of means over tokens.
 */
public final class ActivationTransport {
    private ActivationTransport() {}

    /**
     * Linear-AcT: at every block's output the affine {@link TransportLaw#between} of each coordinate.
     *
     * @param plants one for each text without the feature
     * @param first the z_0 of each
     * @param targets runs of as many texts with it
     * @throws IllegalArgumentException if there are not as many runs as plants
     */
    public static Controller linear(List<? extends Plant> plants, double[][] first, List<Rollout> targets) {
        return fitted("Linear-AcT", plants, first, targets, TransportLaw::between);
    }

    /**
     * Mean-AcT: at every block's output the difference of the means, which does not depend on the state. Parameters as
     * above; counts may differ.
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
