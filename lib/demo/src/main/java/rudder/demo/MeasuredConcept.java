package rudder.demo;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.ejml.data.DMatrixRMaj;
import rudder.steer.Features;
import rudder.steer.natural.NaturalGradient;
import rudder.theory.Differential;
import rudder.theory.LqrSolution;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

/**
 * A concept that was measured on the demo's model. Makes controllers of any strength in milliseconds: what they need
 * beside the strength is computed once.
 */
final class MeasuredConcept {

    private final Features features;
    private final String plant;
    private final LqrSolution solution;
    private List<DMatrixRMaj> ahead; // sensitivities of the tracker at all blocks; null before its first use
    private List<DMatrixRMaj> last; // those of the last state alone
    private NaturalGradient natural; // null before its first use

    /** @param plant the mark of the model, which setpoints carry */
    MeasuredConcept(Features features, String plant, LqrSolution solution) {
        this.features = features;
        this.plant = plant;
        this.solution = solution;
    }

    Features features() {
        return features;
    }

    Setpoint setpoint(double strength) {
        return features.setpoint(strength).measuredOn(plant);
    }

    /**
     * Returns the controller of a law.
     *
     * @param block the only block with an input; empty for all blocks
     */
    synchronized Controller controller(Law law, double strength, Optional<Integer> block) {
        var setpoint = setpoint(strength);
        int T = setpoint.horizon();
        return switch (law) {
            case NONE -> Controller.none();
            case ACT_ADD ->
                block.map(k -> Controller.actAdd(setpoint, k)).orElseGet(() -> Controller.spreadActAdd(setpoint, 0));
            case P ->
                block.map(k -> Controller.proportional(setpoint, 1, k))
                        .orElseGet(() -> Controller.proportionalFrom(setpoint, 1.0 / T, 0));
            case LQR -> Controller.lqr(solution.feedback(setpoint), setpoint);
            case TRACKER -> block.map(k -> preview(setpoint, k)).orElseGet(() -> tracker(setpoint));
            case NATURAL ->
                block.map(k -> natural.atBlock(strength, k)).orElseGet(() -> natural.spread(strength, T / 3));
        };
    }

    /** Whether {@link #along} was called, without which there is no controller of {@link Law#NATURAL}. */
    synchronized boolean hasDirections() {
        return natural != null;
    }

    synchronized void along(NaturalGradient directions) {
        natural = directions;
    }

    /** Weight 0.1 on the strength from the middle on, weight 10 on the inputs. */
    private Controller tracker(Setpoint setpoint) {
        var weights = weights(setpoint, setpoint.horizon() / 2, 0.1);
        if (ahead == null) {
            ahead = FeatureTracker.sensitivities(Differential.of(solution.system()), setpoint, weights);
        }
        return FeatureTracker.of(ahead, nominal(), setpoint, weights, 10, InputMatrix.everywhere());
    }

    /** Weight 1 on the last state's strength alone, and inputs along v at one block that cost almost nothing. */
    private Controller preview(Setpoint setpoint, int block) {
        var weights = weights(setpoint, setpoint.horizon(), 1);
        if (last == null) {
            last = FeatureTracker.sensitivities(Differential.of(solution.system()), setpoint, weights);
        }
        var inputs = InputMatrix.along(setpoint).onlyAtBlock(block);
        return FeatureTracker.of(last, nominal(), setpoint, weights, 1e-3, inputs);
    }

    private double[][] nominal() {
        return features.negative().states();
    }

    private static double[] weights(Setpoint setpoint, int from, double weight) {
        var weights = new double[setpoint.horizon() + 1];
        Arrays.fill(weights, from, weights.length, weight);
        return weights;
    }
}
