package rudder.steer;

import java.util.List;
import java.util.Map;
import rudder.model.LanguageModel;
import rudder.model.PromptPlant;
import rudder.model.ResidualTrace;
import rudder.theory.control.ActivationTransport;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * Controllers of the literature that are fitted to a contrast set and know no setpoint; {@link Controller#times} sets
 * their strength, 1 being the fitted one.
 */
public final class Baselines {

    private Baselines() {}

    /** {@link ActivationTransport#mean Mean-AcT} from the negative texts to the positive ones. */
    public static Controller meanAcT(LanguageModel model, ContrastSet set) {
        return transports(model, set).mean();
    }

    /**
     * {@link ActivationTransport#linear Linear-AcT} from the negative texts to the positive ones, of which there must
     * be as many.
     */
    public static Controller linearAcT(LanguageModel model, ContrastSet set) {
        return transports(model, set).linear();
    }

    /**
     * What both transports are fitted to: plants of the negative texts, with the states that enter their first blocks,
     * and runs of the positive ones.
     */
    public record Transports(List<PromptPlant> plants, double[][] first, List<Rollout> targets) {
        public Controller mean() {
            return ActivationTransport.mean(plants, first, targets);
        }

        public Controller linear() {
            return ActivationTransport.linear(plants, first, targets);
        }
    }

    public static Transports transports(LanguageModel model, ContrastSet set) {
        var plants = model.plants(set.negative());
        return new Transports(
                plants,
                plants.stream().map(plant -> plant.nominal().state(0)).toArray(double[][]::new),
                model.traces(set.positive()).stream()
                        .map(ResidualTrace::rollout)
                        .toList());
    }

    /**
     * Angular steering at one block: rotates the state that enters it, in the plane of the two sides' mean states, by a
     * multiple of the angle between them; 0 changes nothing, 1 carries the mean without the feature onto the ray of the
     * mean with it.
     *
     * @throws IllegalArgumentException if the block is none of the features'
     */
    public static Controller angular(Features features, double lambda, int block) {
        double[] with = features.positive().states()[block];
        double[] without = features.negative().states()[block];
        double degrees = lambda * ControlLaw.degreesBetween(without, with);
        return Controller.of(
                "angular " + lambda + " at block " + block,
                Map.of(block, ControlLaw.rotation(without, with, degrees)),
                features.setpoint(lambda));
    }
}
