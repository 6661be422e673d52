package rudder.model.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import rudder.checkpoint.ModelConfig;
import rudder.checkpoint.ModelShape;
import rudder.model.plant.PromptPlant;
import rudder.model.transformer.PrefixCache;
import rudder.model.transformer.Staging;
import rudder.model.transformer.TokenMatrix;

/**
 * The memory that a model and its regulator take, in bytes, estimated from sizes alone. Weights, keys, values and
 * states are float32 on the model's device; {@link #inFloat16} halves the weights. Jacobians and gains are float64 on
 * Java's heap, T d^2 8 each. {@link rudder.model.LanguageModel#load} and
 * {@link rudder.model.LanguageModel#meanJacobians} check the plan before they begin.
 *
 * <pre>{@code
 * MemoryPlan.of(ModelShape.paper().get(1), 24, 20, 1).route(24L << 30)   // STREAMED
 * }</pre>
 *
 * @param name the model.
 * @param parameters weights, norms and biases.
 * @param weights 4 bytes for each parameter, 2 in float16. An upper bound: the output head is loaded when logits are
 *     first asked for, and an untied embedding stays in its file. Where weights stay packed, two unpacked blocks.
 * @param cache keys and values of a batch while it is generated, batch x tokens x T x 2 x key heads x head dimension x
 *     4.
 * @param passing activations and logits of one pass, the prefix cache, and while loading a staging buffer of 4 MiB.
 * @param prompts keys and values of the prompts at which the model is linearised, on the heap until their mean is
 *     computed.
 * @param jacobians A_0..A_{T-1}, T d^2 8.
 * @param gains K_0..K_{T-1}, T d^2 8.
 * @param matrix a single d x d matrix in double precision, d^2 8.
 * @param block products of one block: its Jacobian's factors in float32 (of f d and d^2), or a Riccati step's in
 *     float64 (of d^2), whichever is more.
 * @param tracker two rows for each block, one to measure and one to add, 2 T d 8: all that steering by one feature
 *     needs at run time.
 */
public record MemoryPlan(
        String name,
        long parameters,
        long weights,
        long cache,
        long passing,
        long prompts,
        long jacobians,
        long gains,
        long matrix,
        long block,
        long tracker) {

    /** Ways to compute a regulator, in order of memory, the largest first. */
    public enum Route {
        /**
         * {@link rudder.model.LanguageModel#meanJacobians} and {@link rudder.theory.Lqr#solve}, with all Jacobians and
         * all gains in memory: O(T d^2).
         */
        DENSE,
        /**
         * Jacobians on disk ({@code rudder.steer.Linearisation.kept}) and {@link rudder.theory.Lqr#feedback}, which
         * keeps only K_k v_k: O(d^2 + T d).
         */
        STREAMED,
        /**
         * {@link rudder.theory.MatrixFreeLqr} or {@link rudder.theory.control.FeatureTracker} on {@link PromptPlant}'s
         * products with vectors, without any d x d matrix: O(T d).
         */
        MATRIX_FREE,
        /** None: the weights and a pass do not fit. */
        NONE
    }

    private static final Path MEMINFO = Path.of("/proc/meminfo");

    /**
     * Returns the plan for linearising at some prompts and generating a batch of texts.
     *
     * @param prompts number of prompts at which the model is linearised.
     * @param tokens length of each prompt, and of each text with its prompt.
     * @param batch texts generated side by side.
     * @throws IllegalArgumentException if a number is not positive
     */
    public static MemoryPlan of(ModelShape shape, int prompts, int tokens, int batch) {
        return of(shape.name(), shape.config(), prompts, tokens, batch);
    }

    /** Returns the plan of a model of another name or shape, as {@link #of(ModelShape, int, int, int)} does. */
    public static MemoryPlan of(String name, ModelConfig c, long prompts, long tokens, long batch) {
        if (prompts < 1 || tokens < 1 || batch < 1) {
            throw new IllegalArgumentException(prompts + " prompts of " + tokens + " tokens, " + batch
                    + " texts at once: wanted at least one of each");
        }
        long d = c.dimension();
        long f = c.feedForward();
        long square = c.horizon() * d * d * Double.BYTES;
        long token = 2L * c.horizon() * c.keyValueHeads() * c.headDimension() * Float.BYTES;
        long cache = batch * tokens * token;
        long passing = Math.max(
                        Float.BYTES * Staging.STAGED,
                        Float.BYTES * batch * (tokens * (3 * f + 6 * d) + 2L * c.vocabulary()))
                + Math.min(cache, PrefixCache.LIMIT);
        long block = Math.max(Float.BYTES * (4 * f * d + 6 * d * d), Double.BYTES * 9 * d * d);
        return new MemoryPlan(
                name,
                c.parameters(),
                Float.BYTES * c.parameters(),
                cache,
                passing,
                prompts * tokens * token,
                square,
                square,
                d * d * Double.BYTES,
                block,
                2L * c.horizon() * d * Double.BYTES);
    }

    /**
     * Returns the same plan with weights in float16. Linearising a block then also takes a float32 copy of its weights,
     * at most as large as its products.
     */
    public MemoryPlan inFloat16() {
        return holding(Short.BYTES * parameters, 2 * block);
    }

    /**
     * Returns the same plan for weights that stay packed in their file, which is mapped. Mapped pages are not counted,
     * because the system drops them when memory is short. Two passes side by side unpack a block each, or a part of the
     * output head.
     */
    public MemoryPlan packed(ModelConfig c) {
        long tokens = (c.tiedHead() ? 1L : 2L) * c.vocabulary() * c.dimension();
        long unpacked = Math.max((parameters - tokens) / c.horizon(), TokenMatrix.PART);
        return holding(2 * Float.BYTES * unpacked, block);
    }

    private MemoryPlan holding(long weights, long block) {
        return new MemoryPlan(
                name, parameters, weights, cache, passing, prompts, jacobians, gains, matrix, block, tracker);
    }

    /** Returns the bytes that a route needs at the same time, on the device and on the heap. */
    public long bytes(Route route) {
        return device(route) + heap(route);
    }

    /** Returns the bytes on the model's device. */
    public long device(Route route) {
        return weights + cache + passing + (route == Route.DENSE || route == Route.STREAMED ? block : 0);
    }

    /** Returns the bytes on Java's heap. */
    public long heap(Route route) {
        return switch (route) {
            case DENSE -> jacobians + gains + prompts + tracker;
            case STREAMED -> 2 * matrix + prompts + tracker; // one is computed while the one before is stored, or read
            case MATRIX_FREE -> prompts + tracker;
            case NONE -> 0;
        };
    }

    /** Returns the first route that fits where device and heap share one memory, as on a CPU. */
    public Route route(long memory) {
        return route(memory, memory, memory);
    }

    /** Returns the first route that fits a device with its own memory, such as a GPU, and its host. */
    public Route route(long device, long host) {
        return route(device, host, Long.MAX_VALUE);
    }

    private Route route(long device, long heap, long both) {
        for (var route : new Route[] {Route.DENSE, Route.STREAMED, Route.MATRIX_FREE}) {
            if (device(route) <= device && heap(route) <= heap && bytes(route) <= both) {
                return route;
            }
        }
        return Route.NONE;
    }

    /**
     * Returns the first route that fits beside the weights, which are loaded: into Java's largest heap and the memory
     * that is available now.
     */
    public Route routeBesideWeights() {
        return routeBesideWeights(Runtime.getRuntime().maxMemory(), available());
    }

    /** Returns {@link #routeBesideWeights()} of a heap and a memory of so many bytes. */
    public Route routeBesideWeights(long heap, long available) {
        return route(Long.MAX_VALUE, heap, weights + available);
    }

    /**
     * Returns the bytes that are available on this machine: MemAvailable on Linux, at most what a container's limit
     * leaves beside all its processes; on other systems, the total memory.
     */
    public static long available() {
        long total = ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getTotalMemorySize();
        if (!Files.exists(MEMINFO)) {
            return total;
        }
        try {
            return ControlGroups.lines(MEMINFO).stream()
                    .filter(line -> line.startsWith("MemAvailable:")) // MemAvailable:   17163420 kB
                    .mapToLong(line -> 1024 * Long.parseLong(line.split("\\s+")[1]))
                    .reduce(Math.min(total, ControlGroups.free()), Math::min);
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /**
     * Refuses a model that is too large.
     *
     * @throws IllegalStateException if weights and a pass take more memory than is available
     */
    public void requireLoadable(long available) {
        if (device(Route.MATRIX_FREE) > available) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT,
                    "%s has %.3g billion parameters, %.1f GB of weights, and needs %.1f GB to run; "
                            + "%.1f GB are available: close other programs, take a smaller model, "
                            + "or a machine or GPU (RUDDER_DEVICE) with more memory",
                    name,
                    parameters / 1e9,
                    weights / 1e9,
                    device(Route.MATRIX_FREE) / 1e9,
                    available / 1e9));
        }
    }

    /**
     * Refuses texts that are too long together.
     *
     * @throws IllegalStateException if their keys and values take more memory than is available
     */
    public void requireCache(int texts, int tokens, long available) {
        if (cache > available) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT,
                    "%d texts of %d tokens take %.2f GB of keys and values in %s, and %.2f GB are available: "
                            + "ask for fewer tokens, or give fewer texts at once",
                    texts,
                    tokens,
                    cache / 1e9,
                    name,
                    available / 1e9));
        }
    }

    /**
     * Returns whether all Jacobians and all gains fit together into Java's largest heap and this machine's available
     * memory.
     */
    public boolean denseFits() {
        return denseFits(Runtime.getRuntime().maxMemory(), available());
    }

    private boolean denseFits(long heap, long available) {
        return heap(Route.DENSE) <= heap && heap(Route.DENSE) + block <= available;
    }

    /**
     * Refuses a set of Jacobians that is too large.
     *
     * @throws IllegalStateException if Jacobians and gains take more than the largest heap, or more than is available
     */
    public void requireDense(long heap, long available) {
        if (!denseFits(heap, available)) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT,
                    "the Jacobians of %s take %.2f GB in double precision, its gains as much, and the "
                            + "prompts' keys and values %.2f GB; "
                            + "Java's heap may grow to %.2f GB, and %.2f GB are available: "
                            + "raise -Xmx (RUDDER_HEAP in notebooks), take fewer prompts, "
                            + "let Regulator.feedback choose a way that fits, or steer by "
                            + "FeatureTracker.of(model.plant(prompt), ...), which forms none",
                    name,
                    jacobians / 1e9,
                    prompts / 1e9,
                    heap / 1e9,
                    available / 1e9));
        }
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "MemoryPlan[%s, %.3g billion parameters, weights %.1f GB, Jacobians %.2f GB, dense %.1f GB, "
                        + "streamed %.1f GB, matrix-free %.1f GB]",
                name,
                parameters / 1e9,
                weights / 1e9,
                jacobians / 1e9,
                bytes(Route.DENSE) / 1e9,
                bytes(Route.STREAMED) / 1e9,
                bytes(Route.MATRIX_FREE) / 1e9);
    }
}
