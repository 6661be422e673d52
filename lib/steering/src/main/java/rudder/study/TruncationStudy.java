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
 * How many singular values of a block's Jacobian matter: what is left of its prediction, and of the alignment between
 * prompts, when only the r largest are kept. A block passes its state on and adds to it, A = I + J, so there are two
 * ways to cut: A itself, as the paper does, or J alone, which leaves the residual connection whole.
 *
 * <pre>{@code
 * var ranks = TruncationStudy.kept(model, prompts, 0, 15, 29);   // TruncationStudy[blocks 0, 15, 29, 10 prompts, ranks [1, 2, .., 576]]
 * }</pre>
 *
 * <p>Errors are those of {@link LinearityStudy}, along the differences to other prompts' states, for each prompt's own
 * Jacobian. Every block costs two full decompositions a prompt; what was measured is kept, block by block.
 */
public final class TruncationStudy {

    /** What is cut to rank r. */
    public enum Cut {
        /** A_r, of which nothing but r directions is left. */
        WHOLE,
        /** I + J_r. */
        ADDED
    }

    /** |dz| / |z| where errors are measured. */
    public static final double RADIUS = .1;
    /** The paper keeps the singular values of A above this. */
    public static final double THRESHOLD = 1.2;

    private static final int DIRECTIONS = 8;
    private static final String ALIGNMENT = "alignment";
    private static final String CONTROL = "control";
    private static final String KEPT = "kept";

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
     * Measures those of the blocks that are not kept yet.
     *
     * @param prompts where blocks are linearised, at least three
     * @throws IllegalArgumentException if there are fewer than three prompts, one of them twice, no block, or one that
     *     the model lacks
     * @throws IOException if an artefact cannot be written or, once there, read
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
        var inputs =
                Provenance.digest(List.of(Provenance.digest(prompts), RADIUS + " " + THRESHOLD + " " + DIRECTIONS));
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

    /** 1, 2, 4, .., d. */
    private static List<Integer> ranks(int d) {
        return IntStream.concat(IntStream.iterate(1, r -> r < d, r -> 2 * r), IntStream.of(d))
                .boxed()
                .toList();
    }

    /** Larger spaces than d/4 overlap whatever they are. */
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
        for (var cut : Cut.values()) {
            tables.put(errors(cut), new double[n][]);
        }
        for (int i = 0; i < n; i++) {
            var a = prompts.plants().get(i).jacobian(k);
            var j = CommonOps_DDRM.subtract(a, CommonOps_DDRM.identity(a.numRows), null);
            var whole = SingularSpace.full(a, algebra);
            var added = SingularSpace.full(j, algebra);
            int above = whole.above(THRESHOLD);
            tables.get(KEPT)[i] = new double[] {above};
            int[] kept = IntStream.concat(ranks.stream().mapToInt(r -> r), IntStream.of(above))
                    .toArray();
            double[][] directions = prompts.differences(k, i).stream()
                    .limit(DIRECTIONS)
                    .filter(w -> Arrays.stream(w).anyMatch(x -> x != 0))
                    .toArray(double[][]::new);
            var around = LocalLinearity.around(prompts.plants().get(i), k, prompts.state(k, i), directions, RADIUS);
            tables.get(errors(Cut.WHOLE))[i] = Arrays.stream(kept)
                    .mapToDouble(r -> error(around, cut(a, whole, r, algebra), algebra))
                    .toArray();
            tables.get(errors(Cut.ADDED))[i] = Arrays.stream(kept)
                    .mapToDouble(r -> error(around, Matrices.addToDiagonal(cut(j, added, r, algebra), 1), algebra))
                    .toArray();
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
        double[] means = LinearityStudy.others(alignment);
        for (int i = 0; i < table.length; i++) {
            table[i][column] = means[i];
        }
    }

    private static DMatrixRMaj cut(DMatrixRMaj a, SingularSpace space, int r, DenseAlgebra algebra) {
        return r == 0 ? new DMatrixRMaj(a.numRows, a.numCols) : space.leading(r).project(a, algebra);
    }

    private static double error(LocalLinearity around, DMatrixRMaj a, DenseAlgebra algebra) {
        return Arrays.stream(around.errors(a, algebra))
                .flatMapToDouble(DoubleStream::of)
                .average()
                .orElseThrow();
    }

    private static String errors(Cut cut) {
        return "errors." + cut;
    }

    /** Where errors are known: powers of two, and d. */
    public List<Integer> ranks() {
        return ranks;
    }

    /** Where alignment is: those of {@link #ranks} up to d/4. */
    public List<Integer> alignedRanks() {
        return alignable(ranks);
    }

    /** The blocks that were measured. */
    public List<Integer> blocks() {
        return List.copyOf(blocks.keySet());
    }

    /** Number of prompts. */
    public int prompts() {
        return prompts;
    }

    /** Prediction error at block k, by rank. */
    public List<ConfidenceInterval> error(int k, Cut cut) {
        return IntStream.range(0, ranks.size())
                .mapToObj(r -> ConfidenceInterval.bootstrap(block(k).column(errors(cut), r)))
                .toList();
    }

    /** How many singular values of A_k are above {@link #THRESHOLD}. */
    public ConfidenceInterval aboveThreshold(int k) {
        return ConfidenceInterval.bootstrap(block(k).column(KEPT, 0));
    }

    /** Prediction error at block k where each prompt keeps as many singular values as are above {@link #THRESHOLD}. */
    public ConfidenceInterval thresholdError(int k, Cut cut) {
        return ConfidenceInterval.bootstrap(block(k).column(errors(cut), ranks.size()));
    }

    /** Mean alignment of a prompt's r leading directions with the others', by rank. */
    public List<ConfidenceInterval> alignment(int k) {
        return IntStream.range(0, alignedRanks().size())
                .mapToObj(r -> ConfidenceInterval.bootstrap(block(k).column(ALIGNMENT, r)))
                .toList();
    }

    /** The same of random spaces that have the same singular values. */
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
