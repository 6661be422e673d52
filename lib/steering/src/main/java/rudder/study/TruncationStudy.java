package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelStore;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.steer.Provenance;
import rudder.theory.DenseAlgebra;
import rudder.theory.LocalLinearity;
import rudder.theory.Matrices;
import rudder.theory.SingularSpace;

/**
 * Measures how many singular values of a block's Jacobian matter. It keeps only the r largest, and reports the
 * prediction error and the alignment between prompts. A block adds to its state, A = I + J, so there are two ways to
 * cut. One cuts A itself, as the paper does. The other cuts J alone, which leaves the residual connection whole.
 *
 * <pre>{@code
 * // TruncationStudy[.., blocks [0, 15, 29], 10 prompts, ranks [1, 2, .., 576]]
 * var ranks = TruncationStudy.kept(model, prompts, 0, 15, 29);
 * }</pre>
 *
 * <p>Errors are defined as in {@link LinearityStudy}, along the differences to other prompts' states, with each
 * prompt's own Jacobian. A prompt whose state differs from no other one has the error NaN, which intervals leave out:
 * at block 0 the states of prompts that end in the same token are equal. Every block costs two full decompositions for
 * each prompt. The measurements of each block are saved at once.
 */
public final class TruncationStudy {

    /** Says which matrix is cut to rank r. */
    public enum Cut {
        /** A_r: only r directions are left. */
        WHOLE,
        /** I + J_r: the residual connection stays whole. */
        ADDED
    }

    /** The radius |dz| / |z| at which errors are measured. */
    public static final double RADIUS = 0.1;
    /** The paper keeps the singular values of A above this. */
    public static final double THRESHOLD = 1.2;

    private static final int DIRECTIONS = 8;
    private static final String ALIGNMENT = "alignment";
    private static final String CONTROL = "control";
    private static final String KEPT = "kept";
    private static final String IDENTITY = "errors.identity";

    private final String model;
    private final int prompts;
    private final List<Integer> ranks;
    private final TreeMap<Integer, Measurements> blocks;

    private TruncationStudy(String model, int prompts, List<Integer> ranks, TreeMap<Integer, Measurements> blocks) {
        this.model = model;
        this.prompts = prompts;
        this.ranks = ranks;
        this.blocks = blocks;
    }

    /**
     * Measures every given block whose measurements are not saved yet.
     *
     * @param prompts where blocks are linearised, at least three
     * @param blocks some of 0..T-1
     * @throws IllegalArgumentException if there are fewer than three prompts, a prompt occurs twice, no block is given,
     *     or the model lacks a block
     * @throws IOException if an artefact cannot be written, or cannot be read back
     */
    public static TruncationStudy kept(LanguageModel model, List<String> prompts, int... blocks) throws IOException {
        return kept(model, prompts, ModelStore.cache(), blocks);
    }

    static TruncationStudy kept(LanguageModel model, List<String> prompts, Path cache, int... blocks)
            throws IOException {
        Neighbours.requireSome(prompts);
        if (blocks.length == 0 || Arrays.stream(blocks).anyMatch(k -> k < 0 || k >= model.horizon())) {
            throw new IllegalArgumentException(
                    "blocks " + Arrays.toString(blocks) + ", wanted some of 0.." + (model.horizon() - 1));
        }
        var ranks = ranks(model.dimension());
        var inputs = Provenance.digest(
                List.of(Provenance.digest(prompts), RADIUS + " " + THRESHOLD + " " + DIRECTIONS + " " + IDENTITY));
        var parts = Arrays.stream(blocks)
                .mapToObj(k -> new Provenance(
                        "rank truncation of block " + k,
                        model.name(),
                        model.sha256(),
                        model.precision(),
                        inputs,
                        prompts.size(),
                        model.horizon(),
                        Provenance.VERSION))
                .toList();
        try (var job = Progress.of(
                "ranks of " + blocks.length + " blocks at " + prompts.size() + " prompts",
                (long) blocks.length * prompts.size())) {
            var kept = Measurements.kept(
                    cache,
                    parts,
                    () -> Neighbours.of(model, prompts),
                    (neighbours, i) -> block(model, neighbours, ranks, blocks[i], job),
                    done -> job.reach((long) done * prompts.size()));
            var measured = new TreeMap<Integer, Measurements>();
            for (int i = 0; i < blocks.length; i++) {
                measured.put(blocks[i], kept.get(i));
            }
            return new TruncationStudy(model.name(), prompts.size(), ranks, measured);
        }
    }

    /** Returns 1, 2, 4, .., d. */
    private static List<Integer> ranks(int d) {
        return IntStream.concat(IntStream.iterate(1, r -> r < d, r -> 2 * r), IntStream.of(d))
                .boxed()
                .toList();
    }

    /** Returns the ranks up to d/4: any two larger spaces overlap. */
    private static List<Integer> alignable(List<Integer> ranks) {
        int d = ranks.get(ranks.size() - 1);
        return ranks.stream().filter(r -> 4 * r <= d).toList();
    }

    private static Measurements block(
            LanguageModel model, Neighbours prompts, List<Integer> ranks, int k, Progress job) {
        int n = prompts.size();
        var algebra = model.algebra();
        var spaces = new ArrayList<SingularSpace>();
        var tables = new TreeMap<String, double[][]>();
        tables.put(KEPT, new double[n][]);
        tables.put(IDENTITY, new double[n][]);
        var identity = CommonOps_DDRM.identity(model.dimension());
        for (var cut : Cut.values()) {
            tables.put(errors(cut), new double[n][]);
        }
        for (int i = 0; i < n; i++) {
            var a = prompts.plants().get(i).jacobian(k);
            var j = CommonOps_DDRM.subtract(a, identity, null);
            var whole = SingularSpace.full(a, algebra);
            var added = SingularSpace.full(j, algebra);
            int above = whole.above(THRESHOLD);
            tables.get(KEPT)[i] = new double[] {above};
            int[] kept = IntStream.concat(ranks.stream().mapToInt(r -> r), IntStream.of(above))
                    .toArray();
            double[][] directions = prompts.differences(k, i).stream()
                    .filter(w -> Arrays.stream(w).anyMatch(x -> x != 0))
                    .limit(DIRECTIONS)
                    .toArray(double[][]::new);
            var around = LocalLinearity.around(prompts.plants().get(i), k, prompts.state(k, i), directions, RADIUS);
            tables.get(errors(Cut.WHOLE))[i] = Arrays.stream(kept)
                    .mapToDouble(r -> error(around, cut(a, whole, r, algebra), algebra))
                    .toArray();
            tables.get(errors(Cut.ADDED))[i] = Arrays.stream(kept)
                    .mapToDouble(r -> error(around, Matrices.addToDiagonal(cut(j, added, r, algebra), 1), algebra))
                    .toArray();
            tables.get(IDENTITY)[i] = new double[] {error(around, identity, algebra)};
            spaces.add(whole);
            job.advance(1);
        }
        var random = new Random(k);
        tables.put(ALIGNMENT, new double[n][]);
        tables.put(CONTROL, new double[n][]);
        var counts = alignable(ranks);
        for (int i = 0; i < n; i++) {
            tables.get(ALIGNMENT)[i] = new double[counts.size()];
            tables.get(CONTROL)[i] = new double[counts.size()];
        }
        for (int r = 0; r < counts.size(); r++) {
            int count = counts.get(r);
            var leading = spaces.stream().map(space -> space.leading(count)).toList();
            fill(tables.get(ALIGNMENT), r, SingularSpace.alignment(leading));
            fill(
                    tables.get(CONTROL),
                    r,
                    SingularSpace.alignment(leading.stream()
                            .map(space -> SingularSpace.random(model.dimension(), space.values(), random))
                            .toList()));
        }
        return new Measurements(tables);
    }

    private static void fill(double[][] table, int column, double[][] alignment) {
        double[] means = Neighbours.meanWithOthers(alignment);
        for (int i = 0; i < table.length; i++) {
            table[i][column] = means[i];
        }
    }

    private static DMatrixRMaj cut(DMatrixRMaj a, SingularSpace space, int r, DenseAlgebra algebra) {
        return r == 0 ? new DMatrixRMaj(a.numRows, a.numCols) : space.leading(r).project(a, algebra);
    }

    /** Returns the mean error along all directions; NaN if there is none. */
    private static double error(LocalLinearity around, DMatrixRMaj a, DenseAlgebra algebra) {
        return Arrays.stream(around.errors(a, algebra))
                .flatMapToDouble(DoubleStream::of)
                .average()
                .orElse(Double.NaN);
    }

    private static String errors(Cut cut) {
        return "errors." + cut;
    }

    /** Returns the ranks at which errors are measured: powers of two, and d. */
    public List<Integer> ranks() {
        return ranks;
    }

    /** Returns the ranks at which alignment is measured: {@link #ranks} up to d/4. */
    public List<Integer> alignedRanks() {
        return alignable(ranks);
    }

    /** Returns the measured blocks. */
    public List<Integer> blocks() {
        return List.copyOf(blocks.keySet());
    }

    /** Returns the number of prompts. */
    public int prompts() {
        return prompts;
    }

    /** Returns the prediction error at block k, by rank. */
    public List<ConfidenceInterval> error(int k, Cut cut) {
        return IntStream.range(0, ranks.size())
                .mapToObj(r -> ConfidenceInterval.bootstrap(block(k).column(errors(cut), r)))
                .toList();
    }

    /** Returns the prediction error of A = I at block k, the trivial predictor: J cut to rank 0. */
    public ConfidenceInterval identityError(int k) {
        return ConfidenceInterval.bootstrap(block(k).column(IDENTITY, 0));
    }

    /** Returns how many singular values of A_k are above {@link #THRESHOLD}. */
    public ConfidenceInterval aboveThreshold(int k) {
        return ConfidenceInterval.bootstrap(block(k).column(KEPT, 0));
    }

    /** Returns the prediction error at block k if each prompt keeps the singular values above {@link #THRESHOLD}. */
    public ConfidenceInterval thresholdError(int k, Cut cut) {
        return ConfidenceInterval.bootstrap(block(k).column(errors(cut), ranks.size()));
    }

    /** Returns the mean alignment of a prompt's r leading directions with the others', by rank. */
    public List<ConfidenceInterval> alignment(int k) {
        return IntStream.range(0, alignedRanks().size())
                .mapToObj(r -> ConfidenceInterval.bootstrap(block(k).column(ALIGNMENT, r)))
                .toList();
    }

    /** Returns the mean alignment of random spaces that have the same singular values, by rank. */
    public List<ConfidenceInterval> control(int k) {
        return IntStream.range(0, alignedRanks().size())
                .mapToObj(r -> ConfidenceInterval.bootstrap(block(k).column(CONTROL, r)))
                .toList();
    }

    private Measurements block(int k) {
        var block = blocks.get(k);
        if (block == null) {
            throw new IllegalArgumentException("block " + k + " was not measured, wanted one of " + blocks.keySet());
        }
        return block;
    }

    @Override
    public String toString() {
        return "TruncationStudy[" + model + ", blocks " + blocks.keySet() + ", " + prompts + " prompts, ranks " + ranks
                + "]";
    }
}
