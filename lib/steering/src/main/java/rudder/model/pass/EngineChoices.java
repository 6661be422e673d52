package rudder.model.pass;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import rudder.checkpoint.tokenizer.Ranked;
import rudder.model.engine.Sampler;
import rudder.model.transformer.Tensors;

/**
 * Finds in the engine the few tokens that a sampling chooses among, so that not every logit comes to the host. Of equal
 * logits at the end of the list, the engine keeps any.
 */
final class EngineChoices {

    private final NDManager scope;
    private NDArray penalty; // one element; null before the first use, as the next
    private NDArray temperature;

    /** @param scope owns what all calls share */
    EngineChoices(NDManager scope) {
        this.scope = scope;
    }

    /**
     * The candidates of all rows.
     *
     * @param ranked keys of the largest logits behind the repetition penalty, [B][n], sorted
     * @param weights sum of exp((logit - largest) / temperature) over the vocabulary [B]; zeros if not needed
     * @param extra the number that came with them; 0 if none was given
     */
    record Candidates(long[][] ranked, double[] weights, double extra) {}

    /**
     * Returns the largest logits of each row, in one transfer of B (2 n + 1) + 1 numbers at most.
     *
     * @param logits [B, vocabulary], single precision; not modified
     * @param n logits of each row
     * @param extra a number that comes with them, [1]; may be null
     */
    Candidates of(NDArray logits, List<Sampler> rows, int n, NDArray extra) {
        Sampler any = rows.get(0);
        int size = rows.size();
        try (NDManager within = scope.newSubManager()) {
            NDArray after = penalised(within, logits, rows);
            NDList top = after.topK(n, -1, true, true);
            NDArray values = top.get(0); // [B, n]
            var wanted = new NDList(
                    values.reshape(-1),
                    top.get(1).toType(DataType.FLOAT32, false).reshape(-1));
            if (any.needsWeight()) {
                wanted.add(scaled(after.sub(values.get(":, 0:1")), any).exp().sum(new int[] {-1}));
            }
            if (extra != null) {
                wanted.add(extra.toType(DataType.FLOAT32, false));
            }
            float[] all = NDArrays.concat(wanted).toFloatArray();
            int count = size * n;
            var ranked = new long[size][n];
            for (int i = 0; i < count; i++) {
                ranked[i / n][i % n] = Ranked.key(all[i], (int) all[count + i]); // ids below 2^24 are exact
            }
            Arrays.stream(ranked).forEach(Arrays::sort); // the engine leaves equal ones in any order
            return new Candidates(
                    ranked,
                    IntStream.range(0, size)
                            .mapToDouble(i -> any.needsWeight() ? all[2 * count + i] : 0)
                            .toArray(),
                    extra == null ? 0 : all[all.length - 1]);
        }
    }

    private NDArray scaled(NDArray x, Sampler any) {
        if (any.temperature() == 1) {
            return x;
        }
        if (temperature == null) {
            temperature = scope.create(new float[] {(float) any.temperature()});
        }
        return x.divi(temperature);
    }

    /** Returns the logits behind the repetition penalty: of seen tokens l / p where l > 0, else l p. */
    private NDArray penalised(NDManager within, NDArray logits, List<Sampler> rows) {
        long vocabulary = logits.getShape().get(1);
        long[] seen = IntStream.range(0, rows.size())
                .boxed()
                .flatMapToLong(i -> Arrays.stream(rows.get(i).penalised()).mapToLong(id -> i * vocabulary + id))
                .toArray();
        NDArray view = Tensors.within(within, logits);
        if (seen.length == 0) {
            return view;
        }
        float factor = rows.get(0).penalty();
        if (penalty == null) {
            penalty = scope.create(new float[] {factor});
        }
        NDArray index = within.create(seen, new Shape(seen.length));
        NDArray before = view.take(index);
        NDArray less = before.div(penalty);
        NDArray more = before.mul(penalty);
        // for p > 1 the smaller one is l / p where l > 0 and l p elsewhere; for p < 1 the larger one is
        NDArray after = factor > 1 ? less.minimum(more) : less.maximum(more);
        return view.duplicate().put(index, after);
    }
}
