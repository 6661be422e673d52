package rudder.steer;

import java.io.IOException;
import java.util.List;
import java.util.function.Function;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.model.LanguageModel;
import rudder.model.memory.MemoryPlan;
import rudder.model.plant.PromptPlant;
import rudder.theory.Check;
import rudder.theory.Differential;
import rudder.theory.FeedbackVectors;
import rudder.theory.Lqr;
import rudder.theory.MatrixFreeLqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * Computes the vectors {@code w_k = K_k v_k} of A-LQR by the route that fits into memory, whatever the model's width.
 * All routes regulate the same system, the mean of the blocks' Jacobians over some prompts.
 *
 * <pre>{@code
 * var lqr = Controller.lqr(Regulator.feedback(model, prompts, new QuadraticCost(0.1, 10, 1), target), target);
 * }</pre>
 *
 * <p>{@link MemoryPlan#routeBesideWeights} chooses. Dense and streamed vectors agree to the last bit. Matrix-free ones
 * agree with them to the precision of the model's products, about 1e-5 in float32. They take n times the products at n
 * prompts, where the other routes take a Jacobian for each prompt and one recursion. So they are for too little memory
 * only. At one prompt of 12 tokens on two cores they took 43 s and dense ones 1.4 s at width 576, 57 and 4.2 s at 896,
 * 193 and 23 s at 1536.
 */
public final class Regulator {

    private static final double TOLERANCE = 1e-6; // of residuals whose products are computed in float32

    private Regulator() {}

    /**
     * Computes the vectors for {@link Controller#lqr(FeedbackVectors, Setpoint)}. They carry the model's mark.
     *
     * @throws IOException if the streamed route is taken and its file cannot be written or read
     * @throws IllegalArgumentException if there is no prompt, a prompt does not fit the context, or the setpoint does
     *     not fit the model
     * @throws IllegalStateException if no route fits
     */
    public static FeedbackVectors feedback(
            LanguageModel model, List<String> prompts, QuadraticCost cost, Setpoint setpoint) throws IOException {
        setpoint.requireFits(model.horizon(), model.dimension());
        int longest = Check.some("prompt", prompts).stream()
                .mapToInt(prompt -> model.encode(prompt).length)
                .max()
                .orElseThrow();
        var plan = model.plan(prompts.size(), longest, 1);
        return feedback(plan.routeBesideWeights(), model, prompts, cost, setpoint);
    }

    static FeedbackVectors feedback(
            MemoryPlan.Route route, LanguageModel model, List<String> prompts, QuadraticCost cost, Setpoint setpoint)
            throws IOException {
        return switch (route) {
            case DENSE -> Lqr.feedback(Linearisation.mean(model, prompts), cost, setpoint);
            case STREAMED -> Lqr.feedback(Linearisation.kept(model, prompts), cost, setpoint);
            case MATRIX_FREE ->
                MatrixFreeLqr.feedback(new Mean(model.plants(prompts)), cost, setpoint, TOLERANCE)
                        .measuredOn(model.sha256());
            case NONE ->
                throw new IllegalStateException("the keys and values of " + prompts.size()
                        + " prompts and one pass of " + model.name()
                        + " do not fit into memory: take fewer or shorter prompts, or raise -Xmx (RUDDER_HEAP)");
        };
    }

    /** The mean system of several plants, as products. */
    private record Mean(List<PromptPlant> plants) implements Differential {

        @Override
        public int horizon() {
            return plants.get(0).horizon();
        }

        @Override
        public int dimension() {
            return plants.get(0).dimension();
        }

        @Override
        public DMatrixRMaj jvp(int k, DMatrixRMaj vectors) {
            return mean(plant -> plant.jvp(k, vectors));
        }

        @Override
        public DMatrixRMaj vjp(int k, DMatrixRMaj covectors) {
            return mean(plant -> plant.vjp(k, covectors));
        }

        private DMatrixRMaj mean(Function<PromptPlant, DMatrixRMaj> product) {
            var sum = product.apply(plants.get(0)).copy();
            plants.subList(1, plants.size()).forEach(plant -> CommonOps_DDRM.addEquals(sum, product.apply(plant)));
            CommonOps_DDRM.divide(sum, plants.size());
            return sum;
        }
    }
}
