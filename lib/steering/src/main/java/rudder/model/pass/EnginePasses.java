package rudder.model.pass;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.model.engine.Overflow;
import rudder.model.engine.PaddedTokens;
import rudder.model.plant.PromptPlant;
import rudder.model.plant.ResidualTrace;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.KvCache;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.SteeredPass;
import rudder.model.transformer.Transformer;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/** Runs the passes of a batch on the engine. */
public final class EnginePasses implements Passes {

    private final Transformer transformer;
    private final PrefixCache prefixes;
    private final PaddedTokens prompts;
    private final Function<List<PromptPlant>, DeviceLaws> anew;
    private final NDManager scope; // of what all passes share
    private final Function<List<Controller>, DeviceLaws> makeLaws;
    private final List<Controller> first;
    private final List<Setpoint> measured;
    private DeviceLaws laws; // null before the first pass, as the directions
    private NDArray directions; // [T + 1, d, features]
    private final KvCache cache;
    private final EngineChoices choices;
    private final Readings readings;
    private List<boolean[]> begun; // steered tokens of prompts that no pass has read; null once one has
    private int step; // passes so far
    private NDManager last; // of the last pass's results; null before the first

    /**
     * @param prefixes keep what prompts have in common
     * @param controllers of each text's prompt, and of all its tokens if {@code anew} is null
     * @param laws makes the laws of controllers, for the first pass and where controllers change
     * @param anew makes the laws for the next generated tokens from their plants; may be null
     * @param room tokens that will follow the prompts
     */
    public EnginePasses(
            Transformer transformer,
            PrefixCache prefixes,
            PaddedTokens prompts,
            int room,
            List<Controller> controllers,
            Function<List<Controller>, DeviceLaws> laws,
            Function<List<PromptPlant>, DeviceLaws> anew,
            List<Setpoint> measured) {
        this.transformer = transformer;
        this.prefixes = prefixes;
        this.prompts = prompts;
        first = controllers;
        makeLaws = laws;
        this.measured = measured;
        this.anew = anew;
        scope = transformer.manager.newSubManager();
        choices = new EngineChoices(scope);
        readings = new Readings(scope);
        cache = transformer.cache(prompts.pads(), prompts.columns() + room);
    }

    private NDArray directions() {
        var each = new NDList();
        for (var feature : measured) {
            double[][] v = new double[feature.horizon() + 1][];
            Arrays.setAll(v, feature::direction);
            each.add(transformer.rows(scope, v));
        }
        return NDArrays.stack(each, 2);
    }

    /** {@inheritDoc} All of them: their tokens stand in the same columns of keys and values. */
    @Override
    public int places() {
        return first.size();
    }

    /** {@inheritDoc} The next pass reads the whole prompts. */
    @Override
    public void begin(int from, int end, List<boolean[]> steered) {
        laws = makeLaws.apply(first);
        directions = measured.isEmpty() ? null : directions();
        begun = steered;
    }

    @Override
    public Result next(int[] tokens, boolean[] steered, BitSet going) {
        if (begun != null) {
            var pass = SteeredPass.of(laws, begun);
            begun = null;
            return run(pass.earlier() ? prompts.tokens() : prefixes.read(prompts, cache), pass);
        }
        int[][] column =
                Arrays.stream(tokens).mapToObj(token -> new int[] {token}).toArray(int[][]::new);
        var flags = IntStream.range(0, steered.length)
                .mapToObj(i -> new boolean[] {steered[i]})
                .toList();
        if (anew == null || flags.stream().noneMatch(row -> row[0])) {
            return run(column, SteeredPass.of(laws, flags));
        }
        try (DeviceLaws own = anew.apply(plants(tokens))) {
            return run(column, SteeredPass.of(own, flags));
        }
    }

    /** The plants of the next tokens: what is cached makes them, and their nominal run is the unsteered one. */
    private List<PromptPlant> plants(int... next) {
        var plants = new ArrayList<PromptPlant>();
        double[][] first = transformer.embeddings(next);
        for (int i = 0; i < next.length; i++) {
            // as many tokens as there are: a plant asks for the position alone
            int[] tokens = new int[cache.columns() - cache.pads[i] + 1];
            tokens[tokens.length - 1] = next[i];
            float[][] keys = cache.keysBefore(cache.columns(), i);
            float[][] values = cache.valuesBefore(cache.columns(), i);
            var at = new ResidualTrace(tokens, new Rollout(new double[][] {first[i]}, new double[0][]));
            var unsteered =
                    Rollout.of(new PromptPlant(transformer, null, at, keys, values), Controller.none(), first[i]);
            plants.add(new PromptPlant(transformer, null, new ResidualTrace(tokens, unsteered), keys, values));
        }
        return plants;
    }

    @Override
    public void steer(List<Controller> controllers) {
        DeviceLaws others = makeLaws.apply(controllers);
        laws.close();
        laws = others;
    }

    private Result run(int[][] tokens, SteeredPass pass) {
        if (last != null) {
            last.close();
        }
        last = scope.newSubManager();
        var trace = new Transformer.Trace();
        NDArray x = transformer.run(last, tokens, cache, pass.laws(), pass.everyToken(), trace);
        NDArray logits = transformer.lastLogits(x).toType(DataType.FLOAT32, false); // [B, vocabulary]
        String where = Overflow.atGenerated(step++);
        var measured = new InEngine(trace, tokens.length, where);
        NDArray squares = pass.laws() == null ? null : Overflow.squares(x);
        var left = new EngineLogits(logits, choices, squares, sum -> {
            if (!Double.isFinite(sum)) {
                measured.energies(); // names the block
            }
            Overflow.refuse(sum, where);
        });
        return new Result(IntStream.range(0, tokens.length).toArray(), left, measured);
    }

    /** Measurements of a pass, which wait in the engine. */
    private final class InEngine implements Measured {
        private final int rows;
        private final int horizon;
        private final String where;
        private final Readings.Reading products; // v.z [T + 1, B, features]; null where nothing is measured
        private final int[] blocks; // of the inputs; a block may have two
        private final Readings.Reading squares; // [inputs, B]; null where there is no input
        private List<double[][]> strengths; // null before they are asked for, as the next
        private double[][] energies;

        InEngine(Transformer.Trace trace, int rows, String where) {
            this.rows = rows;
            this.where = where;
            products = directions == null
                    ? null
                    : readings.keep(stack(trace.states()).batchMatMul(directions));
            horizon = trace.inputs().size();
            var inputs = Stream.concat(trace.inputs().stream(), trace.mixed().stream())
                    .toList();
            int[] given = IntStream.range(0, inputs.size())
                    .filter(i -> inputs.get(i) != null)
                    .toArray();
            blocks = IntStream.of(given).map(i -> i % horizon).toArray();
            squares = given.length == 0
                    ? null
                    : readings.keep(
                            stack(IntStream.of(given).mapToObj(inputs::get).toList())
                                    .square()
                                    .sum(new int[] {2}));
        }

        @Override
        public List<double[][]> strengths() {
            if (strengths == null) {
                int features = measured.size();
                double[] all = products == null ? new double[0] : products.numbers();
                strengths = IntStream.range(0, features)
                        .mapToObj(feature -> {
                            var of = new double[rows][horizon + 1];
                            for (int i = 0; i < rows * (horizon + 1); i++) {
                                of[i % rows][i / rows] = all[i * features + feature];
                            }
                            return of;
                        })
                        .toList();
            }
            return strengths;
        }

        @Override
        public double[][] energies() {
            if (energies == null) {
                energies = new double[rows][horizon];
                double[] all = squares == null ? new double[0] : squares.numbers();
                for (int i = 0; i < all.length; i++) {
                    energies[i % rows][blocks[i / rows]] += all[i];
                }
                Overflow.refuse(energies, row -> where);
            }
            return energies;
        }
    }

    private static NDArray stack(List<NDArray> arrays) {
        return NDArrays.stack(new NDList(arrays), 0);
    }

    @Override
    public void close() {
        cache.close();
        readings.close();
        scope.close();
        if (laws != null) {
            laws.close();
        }
    }
}
