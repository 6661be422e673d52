package rudder.steer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.checkpoint.store.ModelStore;
import rudder.model.LanguageModel;
import rudder.theory.DenseAlgebra;
import rudder.theory.LinearSystem;

/**
 * A language model as a linear time-varying system: the Jacobians A_k of its blocks, last token to last token, at one
 * prompt or averaged over several. Its heavy products are done on the model's device, so that
 * {@link rudder.theory.Lqr#solve} is quick; it lives as long as its model.
 *
 * <pre>{@code
 * var system = Linearisation.mean(model, ocean.positive());   // LinearSystem[T=30, d=576, mean of 24 Jacobians]
 * }</pre>
 *
 * <p>{@link #save} writes the Jacobians in single precision, in which they were computed, with what they were computed
 * from; {@link #load} refuses them for any other model. {@link #kept} never holds more than one of them while it
 * writes.
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
     * The mean over prompts of each block's Jacobian, the paper's choice: one regulator serves every prompt.
     *
     * @throws IllegalArgumentException if there is no prompt, or one is empty or longer than the model's context
     * @throws IllegalStateException if they do not fit into memory; {@link #kept} then leaves them on disk
     */
    public static Linearisation mean(LanguageModel model, List<String> prompts) {
        return dense(model.meanJacobians(prompts), model, Provenance.of(KIND, model, prompts));
    }

    /** The Jacobians at one prompt, which near its own trace are exact. */
    public static Linearisation own(LanguageModel model, String prompt) {
        return mean(model, List.of(prompt));
    }

    /**
     * {@link #mean}, kept: the first call saves it in the folder {@code artefacts} of {@link ModelStore#cache()}, under
     * a name made from model, prompts and this library's version; later ones {@link #load} that file. It takes 4 T d^2
     * bytes, 40 MB for 30 blocks of width 576.
     *
     * <p>Blocks are computed and written one by one: of all T never more than one is in memory, so that this is the way
     * for a model of any width. Then
     *
     * <pre>{@code
     * var system = Linearisation.kept(model, ocean.positive());            // LinearSystem[T=32, d=4096, mean of 24 Jacobians, on disk]
     * var lqr = Controller.lqr(Lqr.feedback(system, cost, target), target);  // keeps K_k v_k only
     * }</pre>
     *
     * @throws IOException if the file cannot be written or, once there, read
     */
    public static Linearisation kept(LanguageModel model, List<String> prompts) throws IOException {
        return kept(model, prompts, ModelStore.cache());
    }

    static Linearisation kept(LanguageModel model, List<String> prompts, Path cache) throws IOException {
        var provenance = Provenance.of(KIND, model, prompts);
        var file = cache.resolve("artefacts").resolve(provenance.digest() + ".safetensors");
        if (!Files.exists(file)) {
            write(file, provenance, model.dimension(), model.meanJacobian(prompts));
        }
        return load(file, model);
    }

    /**
     * Writes the Jacobians, float32, as safetensors named {@code A.0} .. {@code A.T-1}, with their provenance in the
     * header. Written beside and renamed: there is a whole file or none.
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
                            return floats(jacobians.apply(block));
                        },
                        d,
                        d);
            }
            writer.write(file);
        }
    }

    /** {@link #save(Path)}, as a notebook writes paths. */
    public void save(String file) throws IOException {
        save(Path.of(file));
    }

    /**
     * Reads what {@link #save} wrote, in well under a second. Where all Jacobians and as many gains would not fit into
     * memory, see {@link rudder.model.MemoryPlan#denseFits}, they stay on disk: each A_k is read when it is asked for,
     * so the file must remain.
     *
     * @throws IOException if there is no such file, or it is damaged or not one of these; the message says what was
     *     found
     * @throws IllegalArgumentException if it was computed from another model
     */
    public static Linearisation load(Path file, LanguageModel model) throws IOException {
        return load(file, model, model.plan(1, 1, 1).denseFits());
    }

    static Linearisation load(Path file, LanguageModel model, boolean dense) throws IOException {
        try (var tensors = Safetensors.open(file)) {
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
                    ? dense(
                            IntStream.range(0, model.horizon())
                                    .mapToObj(k -> matrix(tensors, k, d))
                                    .toList(),
                            model,
                            provenance)
                    : new Linearisation(new OnDisk(file.toAbsolutePath(), d, model.algebra(), provenance), provenance);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath() + "; Linearisation.save writes one", e);
        }
    }

    private static DMatrixRMaj matrix(Safetensors tensors, int k, int d) {
        return DMatrixRMaj.wrap(d, d, tensors.doubles(name(k)));
    }

    /** A system of which no block is in memory; the file, of this provenance, is opened for each. */
    private record OnDisk(Path file, int dimension, DenseAlgebra algebra, Provenance provenance)
            implements LinearSystem {

        @Override
        public int horizon() {
            return provenance.blocks();
        }

        @Override
        public DMatrixRMaj jacobian(int k) {
            if (k < 0 || k >= horizon()) {
                throw new IllegalArgumentException("block " + k + ", wanted 0.." + (horizon() - 1));
            }
            try (var tensors = Safetensors.open(file)) {
                if (!provenance.equals(Provenance.read(file, tensors.metadata()))) {
                    throw new IOException(file + " was replaced by another since it was loaded: load it again");
                }
                return matrix(tensors, k, dimension);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public String toString() {
            return "LinearSystem[T=" + horizon() + ", d=" + dimension + ", " + describe(provenance) + ", on disk]";
        }
    }

    /** {@link #load(Path, LanguageModel)}, as a notebook writes paths. */
    public static Linearisation load(String file, LanguageModel model) throws IOException {
        return load(Path.of(file), model);
    }

    private static String name(int k) {
        return "A." + k;
    }

    private static float[] floats(DMatrixRMaj a) {
        var values = new float[a.getNumElements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) a.data[i];
        }
        return values;
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

    @Override
    public String toString() {
        return system.toString();
    }
}
