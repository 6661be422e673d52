package rudder.model.pass;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import rudder.model.decoder.Decoder;
import rudder.model.engine.PaddedTokens;
import rudder.model.engine.ParallelBatches;
import rudder.model.plant.PromptPlant;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.Transformer;
import rudder.theory.Setpoint;
import rudder.theory.Stop;
import rudder.theory.control.Controller;

/**
 * Where texts are written, and where known ones are read: on the heap where the model can do it there and they fit,
 * else in the engine.
 *
 * @param decoder null where the engine must
 * @param laws makes the engine's laws of controllers
 * @param maker makes a controller for every token; null where controllers are given
 */
public record Placement(
        Transformer transformer,
        PrefixCache prefixes,
        Decoder decoder,
        Function<List<Controller>, DeviceLaws> laws,
        Function<PromptPlant, Controller> maker) {

    /** The part of the Java heap that keys, values and logits of a batch may take. */
    private static final double HEAP_SHARE = 0.4;

    /** A controller of each token is made from the engine's keys and values. */
    public Placement {
        decoder = maker == null ? decoder : null;
    }

    /**
     * Returns the passes of texts.
     *
     * @param room tokens that will follow each prompt
     * @param places texts that go on at the same time on the heap; 0 for the engine, where all do
     */
    public Passes passes(
            List<int[]> prompts, int room, int places, List<Controller> controllers, List<Setpoint> measured) {
        if (places > 0) {
            transformer.requireFiniteTokenMatrices();
            return new HeapPasses(transformer.lifetime, decoder, prompts, room, places, controllers, measured);
        }
        Function<List<PromptPlant>, DeviceLaws> anew = maker == null
                ? null
                : plants -> laws.apply(plants.stream().map(maker).toList());
        return new EnginePasses(
                transformer, prefixes, PaddedTokens.of(prompts), room, controllers, laws, anew, measured);
    }

    /**
     * Returns how many texts can go on at the same time on the heap, the longest ones; 0 if the engine must write them.
     *
     * @param room tokens that will follow each prompt
     * @param least fewer are better written by the engine
     */
    public int places(List<int[]> prompts, int room, int least, int most) {
        if (decoder == null) {
            return 0;
        }
        int[] lengths = prompts.stream()
                .mapToInt(prompt -> prompt.length + room)
                .sorted()
                .toArray();
        int places = 0;
        long tokens = 0;
        for (int i = lengths.length - 1; i >= 0 && places < most; i--) {
            tokens += lengths[i];
            if (!fits(decoder.bytes(tokens) + decoder.logits(places + 1))) {
                break;
            }
            places++;
        }
        return places < Math.min(least, lengths.length) ? 0 : places;
    }

    private static boolean fits(long bytes) {
        return bytes <= room();
    }

    private static long room() {
        return (long) (HEAP_SHARE * Runtime.getRuntime().maxMemory());
    }

    /**
     * Returns what computes likelihoods.
     *
     * @param longest number of tokens of the longest text, which has a copy of its prompt's keys and values
     */
    public Likelihoods likelihoods(int longest) {
        if (decoder != null && fits(decoder.bytes(2L * longest))) {
            transformer.requireFiniteTokenMatrices();
            return new HeapLikelihoods(transformer.lifetime, decoder);
        }
        return engineLikelihoods();
    }

    /**
     * Returns what reads prompts.
     *
     * @param longest number of tokens of the longest one
     */
    public Prompts prompts(int longest) {
        if (decoder != null && fits(decoder.bytes(2L * longest))) { // what is kept is copied
            transformer.requireFiniteTokenMatrices();
            long most = room() / decoder.bytes(2L * Math.max(1, longest));
            boolean jacobians = jacobianBytes() > 0;
            return new HeapPrompts(transformer, decoder, jacobians, (int) Math.min(HeapPrompts.BATCH, most));
        }
        return enginePrompts();
    }

    /**
     * Returns the bytes of the heap that computing Jacobians takes, beside results; 0 where the engine computes them.
     */
    public long jacobianBytes() {
        return decoder != null && fits(decoder.jacobianBytes()) ? decoder.jacobianBytes() : 0;
    }

    /** Returns what reads prompts in the engine. */
    public EnginePrompts enginePrompts() {
        return new EnginePrompts(transformer, prefixes, laws);
    }

    /** Returns what computes likelihoods in the engine. */
    public EngineLikelihoods engineLikelihoods() {
        return new EngineLikelihoods(transformer, prefixes, laws);
    }

    /** Returns how many texts are in memory at the same time, see {@link #inBatches}. */
    public int together(int batch) {
        return decoder == null ? ParallelBatches.together(transformer.manager.getDevice()) * batch : batch;
    }

    /**
     * Makes results in batches, and returns all in order. Batches of the heap run one after another, since each has all
     * cores; two would take twice the memory.
     */
    public <R> List<R> inBatches(int size, int batch, BiFunction<Integer, Integer, List<R>> made) {
        if (decoder == null) {
            return ParallelBatches.of(transformer.manager.getDevice(), size, batch, made, done -> {}).stream()
                    .flatMap(List::stream)
                    .toList();
        }
        return Stream.iterate(0, first -> first < size, first -> first + batch)
                .flatMap(first -> {
                    Stop.ifInterrupted(first, size, "texts");
                    return made.apply(first, Math.min(size, first + batch)).stream();
                })
                .toList();
    }
}
