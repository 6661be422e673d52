package rudder.steer.rival;

import java.util.List;
import java.util.Map;
import rudder.model.LanguageModel;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.Check;
import rudder.theory.control.ActivationTransport;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * Controllers of the literature, fitted to a contrast set. {@link Controller#times} sets the strength of {@link #caa}
 * and of the transports, with 1 as fitted. ActAdd is {@link Controller#actAdd}, ITI is {@link HeadProbes#iti}.
 *
 * <p>All controllers are marked with the sha256 of the model that they were fitted on, so that another model refuses
 * them.
 */
public final class Baselines {

    private Baselines() {}

    /**
     * Returns contrastive activation addition: adds the difference of the two sides' means behind one block, {@code u_k
     * = mu_{k+1} v_{k+1}}, whatever the state. This is {@link Controller#actAdd} of the setpoint of strength 1.
     *
     * <p>Source: Rimsky et al., arXiv 2312.06681.
     *
     * @throws IllegalArgumentException if the features have no such block
     */
    public static Controller caa(Features features, int block) {
        return Controller.actAdd(features.setpoint(1), block).named("CAA at block " + block);
    }

    /**
     * Returns {@link ActivationTransport#mean Mean-AcT} from the negative texts to the positive texts.
     *
     * <p>Source: Rodriguez et al., arXiv 2410.23054.
     */
    public static Controller meanAcT(LanguageModel model, ContrastSet set) {
        return Runs.of(model, set).mean();
    }

    /**
     * Returns {@link ActivationTransport#linear Linear-AcT} from the negative texts to the positive texts.
     *
     * <p>Source: Rodriguez et al., arXiv 2410.23054.
     *
     * @throws IllegalArgumentException if the two sides have different numbers of texts
     */
    public static Controller linearAcT(LanguageModel model, ContrastSet set) {
        return Runs.of(model, set).linear();
    }

    /**
     * Returns {@link ActivationTransport#pid PID-AcT} from the negative texts to the positive texts, with the gains kp,
     * ki and kd on the errors of the blocks.
     *
     * <p>Source: Nguyen et al., arXiv 2510.04309.
     *
     * @throws IllegalArgumentException if a gain is not finite
     */
    public static Controller pidAcT(LanguageModel model, ContrastSet set, double kp, double ki, double kd) {
        return Runs.of(model, set).pid(kp, ki, kd);
    }

    /**
     * The two transports of {@link #acT}.
     *
     * @param mean Mean-AcT
     * @param linear Linear-AcT
     */
    public record AcT(Controller mean, Controller linear) {}

    /**
     * Returns {@link #meanAcT} and {@link #linearAcT}, fitted to the same runs: the texts are traced once.
     *
     * @throws IllegalArgumentException if the two sides have different numbers of texts
     */
    public static AcT acT(LanguageModel model, ContrastSet set) {
        var runs = Runs.of(model, set);
        return new AcT(runs.mean(), runs.linear());
    }

    /**
     * The runs that transports are fitted to.
     *
     * @param plants of the negative texts.
     * @param first the states that enter the plants' first blocks, [text][d].
     * @param targets runs of the positive texts
     * @param model the sha256 of its weights
     */
    private record Runs(List<PromptPlant> plants, double[][] first, List<Rollout> targets, String model) {

        static Runs of(LanguageModel model, ContrastSet set) {
            var plants = model.plants(set.negative());
            return new Runs(
                    plants,
                    plants.stream().map(plant -> plant.nominal().state(0)).toArray(double[][]::new),
                    model.traces(set.positive()).stream()
                            .map(ResidualTrace::rollout)
                            .toList(),
                    model.sha256());
        }

        Controller mean() {
            return ActivationTransport.mean(plants, first, targets).measuredOn(model);
        }

        Controller pid(double kp, double ki, double kd) {
            return ActivationTransport.pid(plants, first, targets, kp, ki, kd).measuredOn(model);
        }

        Controller linear() {
            return ActivationTransport.linear(plants, first, targets).measuredOn(model);
        }
    }

    /**
     * Returns angular steering at one block. It measures the state z_k that enters the block, and adds to the block's
     * output what a rotation of z_k adds to z_k: {@code z_{k+1} = phi_k(z_k) + R z_k - z_k}. R rotates in the plane of
     * the two sides' mean states, by lambda times the angle between them: 0 changes nothing, and 1 would turn the
     * negative mean into the direction of the positive one. The block itself sees the state that is not turned.
     *
     * @throws IllegalArgumentException if the features have no such block
     */
    public static Controller angular(Features features, double lambda, int block) {
        Check.block(block, features.horizon() - 1);
        double[] with = features.positive().states()[block];
        double[] without = features.negative().states()[block];
        double degrees = lambda * ControlLaw.degreesBetween(without, with);
        return Controller.of(
                "angular " + lambda + " at block " + block,
                Map.of(block, ControlLaw.rotation(without, with, degrees)),
                features.setpoint(lambda));
    }
}
