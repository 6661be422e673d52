package rudder.steer.natural;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.checkpoint.store.ModelStore;
import rudder.checkpoint.text.FileNames;
import rudder.model.Continuation;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.steer.Provenance;
import rudder.theory.Check;
import rudder.theory.DenseAlgebra;
import rudder.theory.Vectors;

/**
 * The Fisher information of a model's texts, pulled back to the output of each block: {@code R_k = E[g g']}. Here g is
 * the gradient of the log-likelihood of the model's own continuation with respect to the output of block k at a token.
 * All later tokens count, through their keys and values too.
 *
 * <p>For a small input w behind block k at one token, {@code w'R_k w} is about twice the KL divergence that the input
 * causes. So {@link #norm} compares inputs by how much they disturb the texts. An input at all tokens causes more than
 * half this square in nats a token, because R_k leaves out the products between tokens: 2.1 to 3.6 times as much in
 * notebook 13-natural-gradient. Where a dose matters, measure it.
 *
 * <p>The continuations are drawn from the model's own distribution. A block's matrix takes 8 d^2 bytes. If all do not
 * fit, the best factors of a lower rank are kept, {@code R_k = F'F} with F [rank, d]. Gradients are summed batch by
 * batch and never held together.
 *
 * <p>Source: Rudder's. The natural gradient is Amari's (Neural Computation 10, 1998).
 */
public final class Fisher {

    private static final String KIND = "Fisher matrices";
    /** Bytes that the matrices of all blocks may take on the heap; a quarter of a small heap. */
    private static final long LIMIT = Math.min(1L << 30, Runtime.getRuntime().maxMemory() / 4);

    private final List<FisherForm> forms;
    private final Provenance provenance;
    private final DenseAlgebra algebra;

    private Fisher(List<FisherForm> forms, Provenance provenance, DenseAlgebra algebra) {
        this.forms = List.copyOf(forms);
        this.provenance = provenance;
        this.algebra = algebra;
    }

    /**
     * Returns the Fisher matrices over sampled continuations, of the {@link #affordableRank}.
     *
     * @param prompts beginnings of ordinary texts, 96 for instance
     * @param tokens to draw after each, 16 for instance; fewer where a text ends
     * @param seed of the draws
     * @throws IllegalArgumentException as {@link LanguageModel#gradients}
     */
    public static Fisher sampled(LanguageModel model, List<String> prompts, int tokens, long seed) {
        return sampled(model, prompts, tokens, seed, affordableRank(model));
    }

    /**
     * Returns {@link #sampled(LanguageModel, List, int, long)} of a rank; the full matrices for d or more.
     *
     * @throws IllegalArgumentException also if the rank is not positive
     * @throws IllegalStateException if matrices of this rank take more memory than they may
     */
    public static Fisher sampled(LanguageModel model, List<String> prompts, int tokens, long seed, int rank) {
        int kept = Math.min(rank, model.dimension());
        requireRoom(model, kept);
        var provenance = provenance(model, prompts, tokens, seed, kept);
        var texts = model.generate(prompts, tokens, new Sampling(1, 0, 1, 1, seed)).stream()
                .map(text -> new Continuation(text.promptTokens(), text.tokens()))
                .toList();
        return new Fisher(forms(model, texts, kept), provenance, model.algebra());
    }

    /**
     * Computes {@link #sampled(LanguageModel, List, int, long)} once and keeps it: later calls {@link #load} the file,
     * which lies in the folder {@code artefacts} of {@link ModelStore#cache()}. It takes 4 T d rank bytes: 40 MB for 30
     * blocks of width 576.
     *
     * @throws IOException if the file cannot be written or read, or was changed since it was written
     */
    public static Fisher kept(LanguageModel model, List<String> prompts, int tokens, long seed) throws IOException {
        int rank = affordableRank(model);
        var file = provenance(model, prompts, tokens, seed, rank).file(ModelStore.cache());
        if (!Files.exists(file)) {
            ModelStore.requireWritable(file.getParent());
            sampled(model, prompts, tokens, seed, rank).save(file);
        }
        return load(file, model);
    }

    private static Provenance provenance(LanguageModel model, List<String> prompts, int tokens, long seed, int rank) {
        var drawn = tokens + " tokens, seed " + seed + ", rank " + rank;
        return Provenance.of(
                KIND,
                model,
                Stream.concat(Stream.of(drawn), Check.some("prompt", prompts).stream())
                        .toList());
    }

    static List<FisherForm> forms(LanguageModel model, List<Continuation> texts, int rank) {
        var sums = IntStream.range(0, model.horizon())
                .mapToObj(k -> new FisherForm.Sum(model.dimension(), rank))
                .toList();
        var algebra = model.algebra();
        model.gradients(texts, (first, k, gradients) -> sums.get(k).add(gradients, algebra));
        return sums.stream().map(FisherForm.Sum::mean).toList();
    }

    /** Returns the largest rank, up to d, of which the matrices of all blocks fit into their share of Java's heap. */
    public static int affordableRank(LanguageModel model) {
        long each = (long) Double.BYTES * model.horizon() * model.dimension();
        return (int) Math.max(1, Math.min(model.dimension(), LIMIT / each));
    }

    private static void requireRoom(LanguageModel model, int rank) {
        Check.that(rank > 0, "the Fisher matrices' rank is %d, wanted at least 1", rank);
        long bytes = (long) Double.BYTES * model.horizon() * model.dimension() * rank;
        if (bytes > LIMIT) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT,
                    "Fisher matrices of rank %d of %s take %.2f GB, and %.2f GB are allowed: "
                            + "raise -Xmx (RUDDER_HEAP in notebooks), or ask for a rank of at most %d",
                    rank,
                    model.name(),
                    bytes / 1e9,
                    LIMIT / 1e9,
                    affordableRank(model)));
        }
    }

    /**
     * Writes the matrices as safetensors in float32, with their provenance in the header. Writes all or nothing, and
     * replaces a file of that name.
     */
    public void save(Path file) throws IOException {
        var writer = new SafetensorsWriter();
        provenance.metadata().forEach(writer::metadata);
        writer.doubles(
                "trace", () -> forms.stream().mapToDouble(FisherForm::trace).toArray(), forms.size());
        for (int k = 0; k < forms.size(); k++) {
            var numbers = forms.get(k).numbers();
            writer.floats(
                    name(k, forms.get(k).factored()), () -> Vectors.floats(numbers), numbers.numRows, numbers.numCols);
        }
        writer.write(file);
    }

    /** Saves to a path given as text. */
    public void save(String file) throws IOException {
        save(FileNames.path(file));
    }

    /**
     * Reads a file that {@link #save} wrote.
     *
     * @throws IOException if there is no such file, it is damaged, or it holds no Fisher matrices
     * @throws IllegalArgumentException if the matrices were computed from another model
     * @throws IllegalStateException if they take more memory than they may
     */
    public static Fisher load(Path file, LanguageModel model) throws IOException {
        try (var tensors = Safetensors.open(file)) {
            tensors.verify();
            var provenance = Provenance.read(file, tensors.metadata());
            provenance.require(file, KIND, model);
            long[] traces = shape(file, tensors, "trace");
            if (!Arrays.equals(traces, new long[] {model.horizon()})) {
                throw damaged(file, "trace", traces, "[" + model.horizon() + "]");
            }
            double[] trace = tensors.doubles("trace");
            var forms = new ArrayList<FisherForm>();
            for (int k = 0; k < trace.length; k++) {
                boolean factored = tensors.has(name(k, true));
                long[] shape = shape(file, tensors, name(k, factored));
                int d = model.dimension();
                if (shape.length != 2 || shape[1] != d || shape[0] < 1 || shape[0] > d || !factored && shape[0] != d) {
                    throw damaged(file, name(k, factored), shape, "[" + (factored ? "1.." : "") + d + ", " + d + "]");
                }
                requireRoom(model, (int) shape[0]);
                double[] numbers = tensors.doubles(name(k, factored));
                if (!(trace[k] >= 0) || !Arrays.stream(numbers).allMatch(Double::isFinite)) {
                    throw new IOException(file + " holds a number at block " + k
                            + " that is not finite, or a negative trace: it is damaged; remove it and make it again");
                }
                forms.add(new FisherForm(DMatrixRMaj.wrap((int) shape[0], d, numbers), factored, trace[k]));
            }
            return new Fisher(forms, provenance, model.algebra());
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath() + "; Fisher.save writes one", e);
        }
    }

    /** Loads from a path given as text. */
    public static Fisher load(String file, LanguageModel model) throws IOException {
        return load(FileNames.path(file), model);
    }

    private static long[] shape(Path file, Safetensors tensors, String name) throws IOException {
        if (!tensors.has(name)) {
            throw new IOException(file + " has no tensor " + name + ": it is damaged; remove it and make it again");
        }
        return tensors.shape(name);
    }

    private static IOException damaged(Path file, String name, long[] found, String wanted) {
        return new IOException(file + " has a tensor " + name + " of shape " + Arrays.toString(found) + ", wanted "
                + wanted + ": it is damaged; remove it and make it again");
    }

    private static String name(int k, boolean factored) {
        return (factored ? "F." : "R.") + k;
    }

    /** Returns T. */
    public int horizon() {
        return forms.size();
    }

    /** Returns d. */
    public int dimension() {
        return forms.get(0).dimension();
    }

    /** Returns the rank that the matrices are kept in; d for full matrices. */
    public int rank() {
        return forms.get(0).numbers().numRows;
    }

    /** Returns tr R_k, in square nats over the square of the state's unit. */
    public double trace(int k) {
        return form(k).trace();
    }

    /**
     * Returns {@code |x|_R = sqrt(x'R_k x)} of an input x behind block k: about sqrt(2 KL) for the KL divergence, in
     * nats, that x causes at one token, and less than that at all tokens.
     */
    public double norm(int k, double[] x) {
        Check.length("the input", x.length, dimension());
        return Math.sqrt(form(k).square(x));
    }

    /**
     * Returns {@code (R_k + epsilon tr(R_k)/d I)^-1 x} for each row x, [m, d] to [m, d].
     *
     * @throws IllegalArgumentException if epsilon is not positive and finite, or R_k is 0
     */
    public DMatrixRMaj solve(int k, double epsilon, DMatrixRMaj rows) {
        Check.that(rows.numCols == dimension(), "rows of %d numbers, wanted %d", rows.numCols, dimension());
        return form(k).solve(shift(k, epsilon), rows, algebra);
    }

    /** Returns epsilon tr(R_k)/d, which is added to the diagonal. */
    double shift(int k, double epsilon) {
        Check.that(epsilon > 0 && Double.isFinite(epsilon), "epsilon is %s, wanted a finite number > 0", epsilon);
        double shift = epsilon * trace(k) / dimension();
        Check.that(shift > 0, "the Fisher matrix of block %d is 0: no input there changes a text", k);
        return shift;
    }

    private FisherForm form(int k) {
        Check.block(k, horizon() - 1);
        return forms.get(k);
    }

    /** Returns the sha256 of the weights of the model that was measured. */
    public String plant() {
        return provenance.sha256();
    }

    @Override
    public String toString() {
        return "Fisher[T=" + horizon() + ", d=" + dimension() + ", "
                + (forms.get(0).factored() ? "rank " + rank() : "full") + ", " + provenance.model() + "]";
    }
}
