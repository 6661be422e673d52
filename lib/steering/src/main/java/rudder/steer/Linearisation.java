package rudder.steer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.checkpoint.store.ModelStore;
import rudder.checkpoint.text.FileNames;
import rudder.model.LanguageModel;
import rudder.theory.Check;
import rudder.theory.DenseAlgebra;
import rudder.theory.LinearSystem;
import rudder.theory.Vectors;

/**
 * A language model as a linear time-varying system: the Jacobians A_k of its blocks, last token to last token, at one
 * prompt or averaged over several. Its dense products run on the model's device, so it lives as long as its model.
 *
 * <pre>{@code
 * var system = Linearisation.mean(model, ocean.positive());   // LinearSystem[T=30, d=576, mean of 24 Jacobians]
 * }</pre>
 *
 * <p>{@link #save} writes the Jacobians in single precision, in which they were computed, with their provenance.
 * {@link #load} refuses the file for any other model. {@link #kept} computes once and holds one Jacobian at a time.
 */
public final class Linearisation implements LinearSystem {

    private static final String KIND = "mean Jacobians";

    private final LinearSystem system;
    private final Provenance provenance;

    private Linearisation(LinearSystem system, Provenance provenance) {
        this.system = system;
        this.provenance = provenance;
    }

    private static Linearisation dense(List<DMatrixRMaj> jacobians, LanguageModel model, Provenance provenance) {
        return new Linearisation(LinearSystem.of(jacobians, model.algebra(), describe(provenance)), provenance);
    }

    private static String describe(Provenance provenance) {
        return provenance.count() == 1 ? "one prompt's Jacobians" : "mean of " + provenance.count() + " Jacobians";
    }

    /**
     * Computes the mean over prompts of each block's Jacobian. This is the paper's choice: one regulator serves every
     * prompt.
     *
     * @throws IllegalArgumentException if there is no prompt, or a prompt is empty or longer than the model's context.
     * @throws IllegalStateException if the Jacobians do not fit into memory; use {@link #kept}, which leaves them on
     *     disk
     */
    public static Linearisation mean(LanguageModel model, List<String> prompts) {
        return dense(model.meanJacobians(prompts), model, Provenance.of(KIND, model, prompts));
    }

    /**
     * Computes {@link #mean} of prompts given as tokens, such as messages in the chat template
     * ({@link LanguageModel#encodeChat(String)}).
     *
     * @throws IllegalArgumentException if there is no prompt, or a prompt is empty or longer than the model's context.
     * @throws IllegalStateException if the Jacobians do not fit into memory
     */
    public static Linearisation meanOfTokens(LanguageModel model, List<int[]> prompts) {
        var texts = prompts.stream()
                .map(tokens -> "tokens " + Arrays.toString(tokens))
                .toList();
        return dense(model.meanJacobiansOfTokens(prompts), model, Provenance.of(KIND, model, texts));
    }

    /** Computes the Jacobians at one prompt, which are exact near this prompt's own trace. */
    public static Linearisation own(LanguageModel model, String prompt) {
        return mean(model, List.of(prompt));
    }

    /**
     * Computes {@link #mean} once and keeps it: later calls {@link #load} the file. The file lies in the folder
     * {@code artefacts} of {@link ModelStore#cache()}; its name depends on model, prompts and Rudder's version. It
     * takes 4 T d^2 bytes: 40 MB for 30 blocks of width 576.
     *
     * <p>Computes and writes one block at a time, so a model of any width fits. For a wide model:
     *
     * <pre>{@code
     * // LinearSystem[T=32, d=4096, mean of 24 Jacobians, on disk]
     * var system = Linearisation.kept(model, ocean.positive());
     * // holds the vectors K_k v_k only
     * var lqr = Controller.lqr(Lqr.feedback(system, cost, target), target);
     * }</pre>
     *
     * @throws IOException if the file cannot be written or read, or was changed since it was written
     */
    public static Linearisation kept(LanguageModel model, List<String> prompts) throws IOException {
        return kept(model, prompts, ModelStore.cache());
    }

    /**
     * Keeps mean Jacobians that were computed elsewhere, as on a cluster, as {@link #kept(LanguageModel, List)} keeps
     * its own. If the file is there, no mean is asked for.
     *
     * @param means the mean over the prompts of each block's Jacobian, [d, d]
     * @throws IOException if the file cannot be written or read, or was changed since it was written
     */
    public static Linearisation kept(LanguageModel model, List<String> prompts, IntFunction<DMatrixRMaj> means)
            throws IOException {
        return kept(model, prompts, () -> means, ModelStore.cache());
    }

    static Linearisation kept(LanguageModel model, List<String> prompts, Path cache) throws IOException {
        return kept(model, prompts, () -> model.meanJacobian(prompts), cache);
    }

    private static Linearisation kept(
            LanguageModel model, List<String> prompts, Supplier<IntFunction<DMatrixRMaj>> means, Path cache)
            throws IOException {
        var provenance = Provenance.of(KIND, model, prompts);
        var file = provenance.file(cache);
        if (!Files.exists(file)) {
            ModelStore.requireWritable(file.getParent());
            write(file, provenance, model.dimension(), means.get());
        }
        return load(file, model);
    }

    /**
     * Writes the Jacobians as safetensors in float32, named {@code A.0} .. {@code A.T-1}, with their provenance in the
     * header. Writes all or nothing, and replaces a file of that name.
     */
    public void save(Path file) throws IOException {
        write(file, provenance, dimension(), this::jacobian);
    }

    private static void write(Path file, Provenance provenance, int d, IntFunction<DMatrixRMaj> jacobians)
            throws IOException {
        var writer = new SafetensorsWriter();
        provenance.metadata().forEach(writer::metadata);
        try (var job = Progress.of("Jacobians of " + provenance.blocks() + " blocks, to disk", provenance.blocks())) {
            for (int k = 0; k < provenance.blocks(); k++) {
                int block = k;
                writer.floats(
                        name(k),
                        () -> {
                            job.advance(1);
                            return Vectors.floats(jacobians.apply(block));
                        },
                        d,
                        d);
            }
            writer.write(file);
        }
    }

    /** Saves to a path given as text. */
    public void save(String file) throws IOException {
        save(FileNames.path(file));
    }

    /**
     * Reads a file that {@link #save} wrote. If all Jacobians and as many gains would not fit into memory
     * ({@link rudder.model.memory.MemoryPlan#denseFits}), the Jacobians stay on disk. Then each A_k is read when it is
     * asked for, so the file must stay in place.
     *
     * @throws IOException if there is no such file, it is damaged, or it is no linearisation; the message says what was
     *     found
     * @throws IllegalArgumentException if the Jacobians were computed from another model
     */
    public static Linearisation load(Path file, LanguageModel model) throws IOException {
        return load(file, model, model.plan(1, 1, 1).denseFits());
    }

    static Linearisation load(Path file, LanguageModel model, boolean dense) throws IOException {
        try (var tensors = Safetensors.open(file)) {
            tensors.verify();
            var provenance = Provenance.read(file, tensors.metadata());
            provenance.require(file, KIND, model);
            int d = model.dimension();
            for (int k = 0; k < model.horizon(); k++) {
                if (!tensors.has(name(k))) {
                    throw new IOException(file + " has no Jacobian of block " + k + ", wanted blocks 0.."
                            + (model.horizon() - 1) + ": it is damaged");
                }
                var shape = tensors.shape(name(k));
                if (shape.length != 2 || shape[0] != d || shape[1] != d) {
                    throw new IOException(file + " has a Jacobian of shape " + Arrays.toString(shape) + " at block " + k
                            + ", wanted [" + d + ", " + d + "]: it is damaged");
                }
            }
            return dense
                    ? inMemory(file, tensors, model, provenance)
                    : new Linearisation(new OnDisk(file.toAbsolutePath(), d, model.algebra(), provenance), provenance);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath() + "; Linearisation.save writes one", e);
        }
    }

    private static Linearisation inMemory(Path file, Safetensors tensors, LanguageModel model, Provenance provenance)
            throws IOException {
        var jacobians = IntStream.range(0, model.horizon())
                .mapToObj(k -> matrix(tensors, k, model.dimension()))
                .toList();
        try {
            return dense(jacobians, model, provenance);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " is damaged: " + e.getMessage() + "; remove it and make it again", e);
        }
    }

    private static DMatrixRMaj matrix(Safetensors tensors, int k, int d) {
        return DMatrixRMaj.wrap(d, d, tensors.doubles(name(k)));
    }

    /** A system whose Jacobians stay on disk; the file is opened for each, and checked to have this provenance. */
    private record OnDisk(Path file, int dimension, DenseAlgebra algebra, Provenance provenance)
            implements LinearSystem {

        @Override
        public int horizon() {
            return provenance.blocks();
        }

        @Override
        public DMatrixRMaj jacobian(int k) {
            Check.block(k, horizon() - 1);
            try (var tensors = Safetensors.open(file)) {
                if (!provenance.equals(Provenance.read(file, tensors.metadata()))) {
                    throw new IOException(file + " was replaced by another since it was loaded: load it again");
                }
                return matrix(tensors, k, dimension);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }

        @Override
        public String toString() {
            return "LinearSystem[T=" + horizon() + ", d=" + dimension + ", " + describe(provenance) + ", on disk]";
        }
    }

    /** Loads from a path given as text. */
    public static Linearisation load(String file, LanguageModel model) throws IOException {
        return load(FileNames.path(file), model);
    }

    private static String name(int k) {
        return "A." + k;
    }

    @Override
    public int horizon() {
        return system.horizon();
    }

    @Override
    public int dimension() {
        return system.dimension();
    }

    @Override
    public DMatrixRMaj jacobian(int k) {
        return system.jacobian(k);
    }

    @Override
    public DenseAlgebra algebra() {
        return system.algebra();
    }

    /** Returns the sha256 of the model's weights: another model refuses controllers made from this system. */
    @Override
    public Optional<String> plant() {
        return Optional.of(provenance.sha256());
    }

    @Override
    public String toString() {
        return system.toString();
    }
}
