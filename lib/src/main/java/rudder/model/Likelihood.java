package rudder.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import rudder.theory.Controller;

/** How likely a model behind a controller is to write given texts: as if it had chosen their tokens itself. */
public final class Likelihood {

    private Likelihood() {}

    /**
     * Negative log-likelihoods in nats of the tokens of continuations of one prompt. The prompt is read once, the continuations side by side.
     *
     * @return [continuation][token]
     * @throws IllegalArgumentException if prompt and a continuation do not fit the model's context, or one has no token
     */
    public static double[][] surprisals(LanguageModel model, Controller controller, Positions positions, int[] prompt, List<int[]> continuations) {
        int rows = continuations.size();
        int longest = continuations.stream().mapToInt(tokens -> model.requireTokens(tokens, 0).length).max().orElseThrow();
        model.requireTokens(prompt, longest);
        Transformer transformer = model.transformer();
        double[][] surprisals = new double[rows][];
        try (NDManager scope = transformer.manager.newSubManager();
                var laws = new DeviceLaws(transformer.manager, transformer.type, List.of(controller), transformer.config);
                KvCache one = transformer.cache(new int[1], prompt.length); KvCache all = transformer.cache(new int[rows], prompt.length + longest)) {
            NDArray first = transformer.run(scope, new int[][] {prompt}, one, positions.last ? laws : null, positions.earlier, null);
            NDArray logP = transformer.lastLogits(first).logSoftmax(-1); // [1, vocabulary]
            NDArray states = null;
            if (longest > 1) {
                one.spread(all);
                // zeros behind the shorter ones: no token that counts sees them
                int[][] read = continuations.stream().map(tokens -> Arrays.copyOf(tokens, longest - 1)).toArray(int[][]::new);
                states = transformer.run(scope, read, all, positions.written ? laws : null, true, null); // [rows, longest - 1, d]
            }
            for (int row = 0; row < rows; row++) {
                int[] tokens = continuations.get(row);
                double[] head = chosen(logP, tokens[0]);
                double[] rest = new double[0];
                if (tokens.length > 1) {
                    try (NDManager within = scope.newSubManager()) {
                        NDArray z = states.get(within, new NDIndex().addIndices(row).addSliceDim(0, tokens.length - 1));
                        rest = chosen(transformer.logits(z).logSoftmax(-1), Arrays.copyOfRange(tokens, 1, tokens.length));
                    }
                }
                surprisals[row] = DoubleStream.concat(DoubleStream.of(head), DoubleStream.of(rest)).toArray();
            }
        }
        return surprisals;
    }

    /** -log p of one token a row of log p [n, vocabulary]. */
    private static double[] chosen(NDArray logP, int... tokens) {
        NDArray index = logP.getManager().create(Arrays.stream(tokens).asLongStream().toArray(), new Shape(tokens.length, 1));
        double[] chosen = logP.gather(index, 1).toType(DataType.FLOAT64, false).toDoubleArray();
        return Arrays.stream(chosen).map(x -> -x).toArray();
    }
}
