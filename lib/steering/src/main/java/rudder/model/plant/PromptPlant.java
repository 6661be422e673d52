package rudder.model.plant;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.AttentionSpan;
import rudder.checkpoint.ModelConfig;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.LastToken;
import rudder.model.engine.EngineAlgebra;
import rudder.model.gradient.BlockCurvature;
import rudder.model.transformer.Block;
import rudder.model.transformer.ForwardPass;
import rudder.model.transformer.Transformer;
import rudder.theory.Check;
import rudder.theory.Differential;
import rudder.theory.Plant;
import rudder.theory.bound.CertifiedBound;
import rudder.theory.control.Rollout;

/**
 * The dynamical system that a prompt makes of a model: phi_k takes the last token's residual stream through block k.
 * The keys and values of earlier tokens are held fixed, as the unsteered model computed them. The derivative A_k is a
 * closed form, at the prompt's own trace unless a state is given. Products with A_k need no d x d matrix.
 *
 * <p>A plant holds copies on the Java heap only. It lives as long as its model, and is not closed.
 */
public final class PromptPlant implements Plant, Differential {

    /** So many Jacobians are summed at a time, see {@link #meanJacobian}. */
    public static final int CHUNK = 32;

    private final Transformer transformer;
    private final Decoder decoder; // null where the engine computes Jacobians
    private final ResidualTrace nominal;
    private final float[][] keys;
    private final float[][] values;

    /**
     * Makes the plant of a prompt that a model has read; {@code LanguageModel.plant} does so.
     *
     * @param decoder computes Jacobians on the heap; null where the engine does
     * @param nominal states entering each block, and the prompt's tokens
     * @param keys of the tokens before the last, for each block [key heads, tokens, head dimension]
     * @param values as the keys
     */
    public PromptPlant(
            Transformer transformer, Decoder decoder, ResidualTrace nominal, float[][] keys, float[][] values) {
        this.transformer = transformer;
        this.decoder = decoder;
        this.nominal = nominal;
        this.keys = keys;
        this.values = values;
    }

    @Override
    public int horizon() {
        return transformer.config.horizon();
    }

    @Override
    public int dimension() {
        return transformer.config.dimension();
    }

    /** Returns the nominal run: the prompt's own, unsteered run, or the run given to {@link #about}. */
    public ResidualTrace nominal() {
        return nominal;
    }

    /** Returns the same plant, linearised about another run. */
    public PromptPlant about(Rollout run) {
        return new PromptPlant(transformer, decoder, new ResidualTrace(nominal.tokens(), run), keys, values);
    }

    @Override
    public double[] next(int k, double[] z) {
        return next(k, new double[][] {z})[0];
    }

    /** Returns phi_k of several states, [m][d] to [m][d]. */
    @Override
    public double[][] next(int k, double[][] z) {
        return within(scope -> {
            var at = new Point(scope, block(scope, k));
            return Transformer.toRows(at.block.last(upload(scope, z), at.view, at.keys, at.values));
        });
    }

    /** Returns A_k at the nominal state, [d, d]. */
    public DMatrixRMaj jacobian(int k) {
        return jacobian(k, nominal.state(k));
    }

    /** Returns A_k = d phi_k / d z at z, [d, d]. */
    public DMatrixRMaj jacobian(int k, double[] z) {
        requireBlock(k);
        requireWidths(z);
        return decoder != null
                ? onHeap().sum(k, List.of(point(k, z)))
                : within(scope -> EngineAlgebra.down(derivative(scope, k, z).matrix()));
    }

    /** Returns Jacobian-vector products A_k x at the nominal state for rows x [m, d]: [m, d]. */
    @Override
    public DMatrixRMaj jvp(int k, DMatrixRMaj x) {
        return within(scope -> EngineAlgebra.down(derivative(scope, k, nominal.state(k))
                .times(upload(scope, x).transpose())
                .transpose()));
    }

    /** Returns vector-Jacobian products y'A_k at the nominal state for rows y [m, d]: [m, d]. */
    @Override
    public DMatrixRMaj vjp(int k, DMatrixRMaj y) {
        return within(scope ->
                EngineAlgebra.down(derivative(scope, k, nominal.state(k)).leftTimes(upload(scope, y))));
    }

    /**
     * Bounds the second derivatives of the blocks about the nominal states, from norms of the weights, for a
     * {@link CertifiedBound} of this plant. The bounds hold up to rounding and are very loose; {@code BlockCurvature}
     * has the derivation. Takes some matrix products for each block, once.
     *
     * @throws UnsupportedOperationException if attention's scores have a soft cap, as in Gemma 2
     */
    public CertifiedBound.Curvature curvature() {
        var blocks = IntStream.range(0, horizon())
                .mapToObj(k -> within(scope -> {
                    var at = new Point(scope, block(scope, k));
                    double amplitude = transformer.config.spans().get(k).amplitude();
                    return new BlockCurvature(
                            at.block, amplitude, upload(scope, nominal.state(k)), at.view, at.keys, at.values);
                }))
                .toList();
        return (k, radius) -> blocks.get(k).within(radius);
    }

    /** Computes in a scope of its own, while the model is open. */
    private <R> R within(Function<NDManager, R> computed) {
        return transformer.lifetime.during(() -> {
            try (NDManager scope = transformer.manager.newSubManager()) {
                return computed.apply(scope);
            }
        });
    }

    /**
     * Returns the mean of A_k over several plants of one model, each at its nominal state, [d, d]. Sums {@value #CHUNK}
     * plants at a time, then the sums, all in the model's precision. So sums that were computed apart give the same
     * mean.
     *
     * @throws IllegalArgumentException if there is no plant
     */
    public static DMatrixRMaj meanJacobian(List<PromptPlant> plants, int k) {
        PromptPlant any = Check.some("plant", plants).get(0);
        any.requireBlock(k);
        if (onHeap(plants)) {
            return any.onHeap().mean(k, points(plants, k), CHUNK);
        }
        return any.within(scope -> EngineAlgebra.down(any.inEngine(scope, k).mean(scope, plants, CHUNK)));
    }

    /**
     * Returns the sum of A_k over at most {@value #CHUNK} plants of one model, [d, d], in the model's precision.
     *
     * @throws IllegalArgumentException if there is no plant, or there are more
     */
    public static DMatrixRMaj jacobianSum(List<PromptPlant> plants, int k) {
        PromptPlant any = Check.some("plant", plants).get(0);
        any.requireBlock(k);
        if (plants.size() > CHUNK) {
            throw new IllegalArgumentException(
                    plants.size() + " plants, wanted at most " + CHUNK + ": their sums are added in turn");
        }
        if (onHeap(plants)) {
            return any.onHeap().sum(k, points(plants, k));
        }
        return any.within(scope -> EngineAlgebra.down(any.inEngine(scope, k).sum(scope, plants)));
    }

    private static boolean onHeap(List<PromptPlant> plants) {
        return plants.stream().allMatch(plant -> plant.decoder != null);
    }

    private static List<HeapSums.Point> points(List<PromptPlant> plants, int k) {
        return plants.stream()
                .map(plant -> plant.point(k, plant.nominal.state(k)))
                .toList();
    }

    private HeapSums.Point point(int k, double[] z) {
        return new HeapSums.Point(z, new LastToken(nominal.tokens().length - 1, keys[k], values[k]));
    }

    private HeapSums onHeap() {
        return new HeapSums(transformer.lifetime, decoder);
    }

    private EngineSums inEngine(NDManager scope, int k) {
        Block block = block(scope, k);
        return new EngineSums((within, plant) ->
                plant.derivative(within, block, plant.nominal.state(k)).matrix());
    }

    private Block.Derivative derivative(NDManager scope, int k, double[] z) {
        return derivative(scope, block(scope, k), z);
    }

    private Block block(NDManager scope, int k) {
        requireBlock(k);
        return transformer.block(scope, k);
    }

    private void requireBlock(int k) {
        if (k < 0 || k >= horizon()) {
            throw new IllegalArgumentException("block " + k + ", wanted 0.." + (horizon() - 1));
        }
    }

    private Block.Derivative derivative(NDManager scope, Block block, double[] z) {
        var at = new Point(scope, block);
        return at.block.linearise(upload(scope, z), at.view, at.keys, at.values);
    }

    /** Block k at the last token: its rotary angles, and the earlier keys and values within the window. */
    private final class Point {
        final Block block;
        final ForwardPass.RotaryAndMask view;
        final NDArray keys;
        final NDArray values;

        Point(NDManager scope, Block block) {
            ModelConfig config = transformer.config;
            int k = block.index();
            transformer.lifetime.check(k, config.horizon(), "blocks");
            this.block = block;
            AttentionSpan span = config.spans().get(k);
            int last = nominal.tokens().length - 1;
            view = new ForwardPass(scope, transformer.type, List.of(span), config.headDimension(), new int[1], last, 1)
                    .view(span);
            keys = earlier(scope, span, PromptPlant.this.keys[k], last);
            values = earlier(scope, span, PromptPlant.this.values[k], last);
        }

        private NDArray earlier(NDManager scope, AttentionSpan span, float[] all, int count) {
            int seen = span.window() == 0 ? count : Math.min(count, span.window() - 1);
            int width = transformer.config.headDimension();
            NDArray array = scope.create(all, new Shape(transformer.config.keyValueHeads(), count, width))
                    .toType(transformer.type, false);
            return seen == count ? array : array.get(":, {}:", count - seen);
        }
    }

    private NDArray upload(NDManager scope, DMatrixRMaj rows) {
        requireWidth(rows.numCols);
        return EngineAlgebra.up(scope, rows).toType(transformer.type, false);
    }

    private NDArray upload(NDManager scope, double[]... rows) {
        requireWidths(rows);
        return transformer.rows(scope, rows);
    }

    private void requireWidths(double[]... rows) {
        for (double[] row : rows) {
            requireWidth(row.length);
        }
    }

    private void requireWidth(int found) {
        if (found != dimension()) {
            throw new IllegalArgumentException("a vector has " + found + " numbers, wanted d = " + dimension());
        }
    }

    @Override
    public String toString() {
        return "PromptPlant[T=" + horizon() + ", d=" + dimension() + ", " + nominal.tokens().length + " tokens]";
    }
}
