package rudder.steer.rival;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.model.LanguageModel;
import rudder.model.plant.ResidualTrace;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.Check;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;
import rudder.theory.control.FlowLaw;
import rudder.theory.control.HookPoint;
import rudder.theory.control.Rollout;

/**
 * ODESteer: carries the state behind a block along the gradient of the log odds that it belongs to a text with the
 * feature. {@link FlowLaw} has the equation. The odds are those of a logistic regression on a polynomial kernel of the
 * states' directions, fitted to the two sides of a contrast set. All settings are the authors': degree 2, gamma 0.1,
 * constant 1, penalty |w|^2 / 2, 10 steps of Euler's method.
 *
 * <p>Two things differ. The authors approximate the kernel by 8,000 random features, and here it is exact. They give
 * the path's length in units of the state, such as 5; here it is the strength times the gap mu_{k+1}, so that one
 * number serves all blocks.
 *
 * <p>Source: Zhao et al., arXiv 2602.17560 (ODESteer), and the authors' public code for the settings.
 */
public final class OdeSteer {

    private static final double GAMMA = 0.1;
    private static final double CONSTANT = 1;
    private static final int STEPS = 10;

    private final String name;
    private final List<Rollout> positive;
    private final List<Rollout> negative;
    private final Setpoint setpoint; // of strength 1

    private OdeSteer(String name, List<Rollout> positive, List<Rollout> negative, Setpoint setpoint) {
        this.name = name;
        this.positive = positive;
        this.negative = negative;
        this.setpoint = setpoint;
    }

    /**
     * Reads the states of a contrast set at the last tokens of its texts. All of them stay in memory: 8 (T + 1) d bytes
     * a text. Controllers are marked with the model's sha256, so that another model refuses them.
     */
    public static OdeSteer of(LanguageModel model, ContrastSet set) {
        var of = between(set.name(), runs(model, set.positive()), runs(model, set.negative()));
        return new OdeSteer(of.name, of.positive, of.negative, of.setpoint.measuredOn(model.sha256()));
    }

    private static List<Rollout> runs(LanguageModel model, List<String> texts) {
        return model.traces(texts).stream().map(ResidualTrace::rollout).toList();
    }

    /** Takes the states of any plant's runs. Controllers carry no mark of a plant. */
    public static OdeSteer between(String name, List<Rollout> positive, List<Rollout> negative) {
        var features = Features.between(name, positive, negative);
        return new OdeSteer(name, List.copyOf(positive), List.copyOf(negative), features.setpoint(1));
    }

    /**
     * Fits the odds of the state behind a block, and returns the controller that follows them there.
     *
     * @param strength length of the path, in gaps
     * @throws IllegalArgumentException if there is no such block, or the strength is not finite
     */
    public Controller atBlock(int block, double strength) {
        Check.block(block, setpoint.horizon() - 1);
        var support = support(block + 1); // [n, d]
        var products = new DMatrixRMaj(support.numRows, support.numRows);
        CommonOps_DDRM.multTransB(support, support, products);
        var fitted = KernelLogistic.fit(kernel(products), positive.size());
        var law = new FlowLaw(
                support, fitted.coefficients(), GAMMA, CONSTANT, strength * setpoint.gap(block + 1), STEPS, 1);
        return Controller.of(
                "ODESteer " + strength + " behind block " + block,
                HookPoint.RESID_POST,
                Map.of(block, law),
                setpoint.withStrength(strength));
    }

    /** Returns the directions of all states z_k, the positive ones first. */
    private DMatrixRMaj support(int k) {
        return new DMatrixRMaj(Stream.of(positive, negative)
                .flatMap(List::stream)
                .map(run -> Vectors.unit(run.states()[k]))
                .toArray(double[][]::new));
    }

    private static DMatrixRMaj kernel(DMatrixRMaj products) {
        var kernel = new DMatrixRMaj(products.numRows, products.numCols);
        for (int i = 0; i < kernel.getNumElements(); i++) {
            double root = GAMMA * products.data[i] + CONSTANT;
            kernel.data[i] = root * root; // (gamma x_i.x_j + constant)^2
        }
        return kernel;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "OdeSteer[%s, %d against %d texts]", name, positive.size(), negative.size());
    }
}
