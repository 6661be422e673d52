package rudder;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import rudder.model.LanguageModel;
import rudder.model.ModelStore;
import rudder.model.Safetensors;
import rudder.model.SafetensorsWriter;
import rudder.theory.DenseAlgebra;
import rudder.theory.LinearSystem;

/**
 * A language model as a linear time-varying system: the Jacobians A_k of its blocks, last token to last token, at one prompt or averaged over
 * several. Its heavy products are done on the model's device, so that {@link rudder.theory.Lqr#solve} is quick; it lives as long as its model.
 *
 * <pre>{@code
 * var system = Linearization.mean(model, ocean.positive());   // LinearSystem[T=30, d=576, mean of 24 Jacobians]
 * }</pre>
 *
 * <p>{@link #save} writes the Jacobians in single precision, in which they were computed, with what they were computed from; {@link #load} refuses
 * them for any other model.
 */
public final class Linearization implements LinearSystem {

    private static final String KIND = "mean Jacobians";

    private final LinearSystem system;
    private final Provenance provenance;

    private Linearization(List<DMatrixRMaj> jacobians, DenseAlgebra algebra, Provenance provenance) {
        this.system = LinearSystem.of(jacobians, algebra,
                provenance.count() == 1 ? "one prompt's Jacobians" : "mean of " + provenance.count() + " Jacobians");
        this.provenance = provenance;
    }

    /**
     * The mean over prompts of each block's Jacobian, the paper's choice: one regulator serves every prompt.
     *
     * @throws IllegalArgumentException if there is no prompt, or one is empty or longer than the model's context
     */
    public static Linearization mean(LanguageModel model, List<String> prompts) {
        return new Linearization(model.meanJacobians(prompts), model.algebra(), Provenance.of(KIND, model, prompts));
    }

    /** The Jacobians at one prompt, which near its own trace are exact. */
    public static Linearization own(LanguageModel model, String prompt) {
        return mean(model, List.of(prompt));
    }

    /**
     * {@link #mean}, kept: the first call saves it in the folder {@code artefacts} of {@link ModelStore#cache()}, under a name made from model,
     * prompts and this library's version; later ones read that file. It takes 4 T d^2 bytes, 40 MB for 30 blocks of width 576.
     *
     * @throws IOException if the file cannot be written or, once there, read
     */
    public static Linearization kept(LanguageModel model, List<String> prompts) throws IOException {
        return kept(model, prompts, ModelStore.cache());
    }

    static Linearization kept(LanguageModel model, List<String> prompts, Path cache) throws IOException {
        var file = cache.resolve("artefacts").resolve(Provenance.of(KIND, model, prompts).digest() + ".safetensors");
        if (!Files.exists(file)) {
            mean(model, prompts).save(file);
        }
        return load(file, model);
    }

    /**
     * Writes the Jacobians, float32, as safetensors named {@code A.0} .. {@code A.T-1}, with their provenance in the header. Written beside and
     * renamed: there is a whole file or none.
     */
    public void save(Path file) throws IOException {
        var writer = new SafetensorsWriter();
        provenance.metadata().forEach(writer::metadata);
        for (int k = 0; k < horizon(); k++) {
            var a = jacobian(k);
            writer.floats(name(k), () -> floats(a), a.numRows, a.numCols);
        }
        writer.write(file);
    }

    /** {@link #save(Path)}, as a notebook writes paths. */
    public void save(String file) throws IOException {
        save(Path.of(file));
    }

    /**
     * Reads what {@link #save} wrote, in well under a second.
     *
     * @throws IOException if there is no such file, or it is damaged or not one of these; the message says what was found
     * @throws IllegalArgumentException if it was computed from another model
     */
    public static Linearization load(Path file, LanguageModel model) throws IOException {
        try (var tensors = Safetensors.open(file)) {
            var provenance = Provenance.read(file, tensors.metadata());
            provenance.require(file, KIND, model);
            int d = model.dimension();
            var jacobians = new ArrayList<DMatrixRMaj>();
            for (int k = 0; k < model.horizon(); k++) {
                if (!tensors.has(name(k))) {
                    throw new IOException(file + " has no Jacobian of block " + k + ", wanted blocks 0.." + (model.horizon() - 1) + ": it is damaged");
                }
                var shape = tensors.shape(name(k));
                if (shape.length != 2 || shape[0] != d || shape[1] != d) {
                    throw new IOException(file + " has a Jacobian of shape " + Arrays.toString(shape) + " at block " + k + ", wanted ["
                            + d + ", " + d + "]: it is damaged");
                }
                var values = new float[d * d];
                tensors.read(name(k), FloatBuffer.wrap(values));
                jacobians.add(matrix(d, values));
            }
            return new Linearization(jacobians, model.algebra(), provenance);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath() + "; Linearization.save writes one", e);
        }
    }

    /** {@link #load(Path, LanguageModel)}, as a notebook writes paths. */
    public static Linearization load(String file, LanguageModel model) throws IOException {
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

    private static DMatrixRMaj matrix(int d, float[] values) {
        var a = new DMatrixRMaj(d, d);
        for (int i = 0; i < values.length; i++) {
            a.data[i] = values[i];
        }
        return a;
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
