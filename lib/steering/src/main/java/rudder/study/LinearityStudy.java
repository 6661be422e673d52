package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.data.FMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.ops.ConvertMatrixData;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelStore;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Provenance;
import rudder.theory.LocalLinearity;
import rudder.theory.Matrices;
import rudder.theory.SingularSpace;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Measures how linear a model's blocks are, around a prompt and across prompts. It reports the alignment of the
 * prompts' Jacobians. It also reports how well each Jacobian predicts the block when a prompt's last state z is moved
 * by eps |z|.
 *
 * <pre>{@code
 * // LinearityStudy[30 blocks, 12 prompts, ...]
 * var study = LinearityStudy.kept(model, prompts, everyPrompt, ocean);
 * study.table()   // prediction errors, with intervals over prompts
 * }</pre>
 *
 * <p>Memory holds one block's Jacobians at a time: 4 n d^2 bytes for n prompts. The measurements of each block are
 * saved at once in the folder {@code artefacts} of {@link ModelStore#cache()}. A run that was stopped continues at the
 * first block that is not saved.
 *
 * <p>Intervals are over prompts, see {@link ConfidenceInterval#bootstrap}. For alignment they are over each prompt's
 * mean alignment with the others. Each pair belongs to two prompts, so these intervals are a little too narrow.
 */
public final class LinearityStudy {

    /** Says in which directions a state is moved. */
    public enum Along {
        /** Gaussian, with the identity as covariance. */
        ISOTROPIC,
        /** Gaussian, with the covariance of the population's states. */
        COVARIANCE,
        /** The contrast set's feature direction v_k. */
        FEATURE,
        /** Towards other prompts' states. */
        DIFFERENCES;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The radii eps: how far states are moved, relative to |z|. */
    public static final List<Double> RADII = List.of(0.01, 0.03, 0.1, 0.3, 1.0);

    private static final int DIRECTIONS = 8;
    private static final String ALIGNMENT = "alignment";
    private static final String CONTROL = "control";
    private static final String VALUES = "values";
    private static final String DEVIATION = "deviation";
    private static final String NORM = "norm";
    private static final String LARGEST_TWO = "largest_two";
    private static final double[] EPS = RADII.stream().mapToDouble(eps -> eps).toArray();

    private final String model;
    private final List<String> prompts;
    private final List<Measurements> blocks;

    private LinearityStudy(String model, List<String> prompts, List<Measurements> blocks) {
        this.model = model;
        this.prompts = List.copyOf(prompts);
        this.blocks = blocks;
    }

    /**
     * Measures every block whose measurements are not saved yet.
     *
     * @param prompts where blocks are linearised, at least three; a dozen is a good number
     * @param population many prompts; the covariance of their states shapes {@link Along#COVARIANCE}
     * @param contrast the contrast set of the feature
     * @throws IllegalArgumentException if there are fewer than three prompts, a prompt occurs twice, or the population
     *     is empty
     * @throws IOException if an artefact cannot be written, or cannot be read back
     */
    public static LinearityStudy kept(
            LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast)
            throws IOException {
        return kept(model, prompts, population, contrast, ModelStore.cache());
    }

    /**
     * Measures like {@link #kept(LanguageModel, List, List, ContrastSet)}, but loads the model only if a block's
     * measurements are missing.
     *
     * @param model a model's name or path, as {@link ModelStore#fetch} takes it
     */
    public static LinearityStudy kept(String model, List<String> prompts, List<String> population, ContrastSet contrast)
            throws IOException {
        var file = ModelStore.fetch(model);
        var subject = new Subject(
                file.name(),
                file.sha256(),
                LanguageModel.chosenPrecision(),
                file.horizon(),
                prompts,
                population,
                contrast);
        var blocks = new ArrayList<Measurements>();
        for (int k = 0; k < subject.horizon; k++) {
            var kept = Measurements.kept(ModelStore.cache(), subject.provenance(k));
            if (kept.isEmpty()) {
                try (var loaded = LanguageModel.load(model)) {
                    return kept(loaded, prompts, population, contrast);
                }
            }
            blocks.add(kept.get());
        }
        return new LinearityStudy(file.name(), prompts, blocks);
    }

    static LinearityStudy kept(
            LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast, Path cache)
            throws IOException {
        var subject = new Subject(
                model.name(), model.sha256(), model.precision(), model.horizon(), prompts, population, contrast);
        int n = prompts.size();
        try (var job = Progress.of(
                "linearity of " + model.horizon() + " blocks at " + n + " prompts", (long) model.horizon() * n)) {
            return new LinearityStudy(
                    model.name(),
                    prompts,
                    Measurements.kept(
                            cache,
                            IntStream.range(0, model.horizon())
                                    .mapToObj(subject::provenance)
                                    .toList(),
                            () -> Laboratory.of(model, prompts, population, contrast),
                            (laboratory, k) -> laboratory.block(k, done -> job.reach((long) k * n + done)),
                            done -> job.reach((long) done * n)));
        }
    }

    /**
     * Returns a function that measures one block when it is asked, and saves nothing: for processes that share the
     * blocks. Sets up the instruments at once. Any number of threads may measure.
     *
     * @return the tables of block k, by name, for {@link #ofBlocks}
     * @throws IllegalArgumentException as {@link #kept(LanguageModel, List, List, ContrastSet)} throws it
     */
    public static IntFunction<Map<String, double[][]>> eachBlock(
            LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast) {
        requireWhole(prompts, population);
        var laboratory = Laboratory.of(model, prompts, population, contrast);
        return k -> laboratory.block(k, done -> {}).tables();
    }

    /**
     * Joins the measurements of all blocks.
     *
     * @param model its name
     * @param blocks what {@link #eachBlock} returned for blocks 0..T-1
     */
    public static LinearityStudy ofBlocks(String model, List<String> prompts, List<Map<String, double[][]>> blocks) {
        return new LinearityStudy(
                model, prompts, blocks.stream().map(Measurements::new).toList());
    }

    /** @throws IllegalArgumentException as {@link #kept(LanguageModel, List, List, ContrastSet)} throws it */
    public static void requireWhole(List<String> prompts, List<String> population) {
        Neighbours.requireSome(prompts);
        if (population.isEmpty()) {
            throw new IllegalArgumentException("the population has no prompts, wanted at least one");
        }
    }

    /** The inputs of the study, which identify its artefacts. */
    private record Subject(
            String model,
            String sha256,
            String dtype,
            int horizon,
            List<String> prompts,
            List<String> population,
            ContrastSet contrast) {
        Subject {
            requireWhole(prompts, population);
        }

        Provenance provenance(int k) {
            var inputs = List.of(
                    Provenance.digest(prompts),
                    Provenance.digest(population),
                    contrast.sha256(),
                    RADII + " " + DIRECTIONS);
            return new Provenance(
                    "local linearity of block " + k,
                    model,
                    sha256,
                    dtype,
                    Provenance.digest(inputs),
                    prompts.size(),
                    horizon,
                    Provenance.VERSION);
        }
    }

    /** The instruments of the study. The population's states are kept in single precision, as the model made them. */
    private record Laboratory(LanguageModel model, Neighbours prompts, List<float[][]> population, Features features) {

        static Laboratory of(LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast) {
            var states = model.streamTraces(
                            population.stream().map(model::encode).toList())
                    .map(trace -> Arrays.stream(trace.rollout().states())
                            .map(Laboratory::singles)
                            .toArray(float[][]::new))
                    .toList();
            return new Laboratory(model, Neighbours.of(model, prompts), states, Features.contrast(model, contrast));
        }

        /** @param reached receives the number of prompts done */
        Measurements block(int k, IntConsumer reached) {
            int n = prompts.size();
            int d = model.dimension();
            var random = new Random(k);
            var algebra = model.algebra();
            var jacobians = new ArrayList<FMatrixRMaj>(); // single precision holds them exactly
            var spaces = new ArrayList<SingularSpace>();
            var sum = new DMatrixRMaj(d, d);
            for (var plant : prompts.plants()) {
                var a = plant.jacobian(k);
                jacobians.add(singles(a));
                CommonOps_DDRM.addEquals(sum, a);
                spaces.add(SingularSpace.of(a, d / 20, algebra));
            }
            var tables = new TreeMap<String, double[][]>();
            tables.put(ALIGNMENT, SingularSpace.alignment(spaces));
            tables.put(
                    CONTROL,
                    SingularSpace.alignment(spaces.stream()
                            .map(space -> SingularSpace.random(d, space.values(), random))
                            .toList()));
            tables.put(VALUES, spaces.stream().map(SingularSpace::values).toArray(double[][]::new));
            for (var name : List.of(DEVIATION, NORM, LARGEST_TWO)) {
                tables.put(name, new double[n][1]);
            }
            var own = new DMatrixRMaj(d, d); // reused: such arrays fill a heap
            var mean = new DMatrixRMaj(d, d);
            for (int i = 0; i < n; i++) {
                double[] z = prompts.state(k, i);
                double[] squares = Arrays.stream(z).map(x -> x * x).sorted().toArray();
                double square = Arrays.stream(squares).sum();
                ConvertMatrixData.convert(jacobians.get(i), own);
                CommonOps_DDRM.subtract(sum, own, mean);
                CommonOps_DDRM.scale(1.0 / (n - 1), mean);
                tables.get(DEVIATION)[i][0] = Matrices.deviation(own, mean);
                tables.get(NORM)[i][0] = Math.sqrt(square);
                tables.get(LARGEST_TWO)[i][0] = (squares[d - 1] + squares[d - 2]) / square;
                var around = new EnumMap<Along, LocalLinearity>(Along.class);
                for (var along : Along.values()) {
                    double[][] directions = directions(along, k, i, random);
                    if (directions.length > 0) {
                        around.put(along, LocalLinearity.around(prompts.plants().get(i), k, z, directions, EPS));
                    }
                }
                for (var with : Jacobians.values()) {
                    if (with == Jacobians.NEAREST) {
                        // overwrites own, which is not needed any more
                        ConvertMatrixData.convert(jacobians.get(prompts.nearest(k, i)), own);
                    }
                    try (var here = algebra.open()) {
                        var predictor = here.put(with == Jacobians.MEAN ? mean : own);
                        for (var along : Along.values()) {
                            tables.computeIfAbsent(errors(along, with), name -> new double[n][])[i] =
                                    around.containsKey(along)
                                            ? mean(around.get(along).errors(predictor, algebra))
                                            : undefined();
                        }
                    }
                }
                reached.accept(i + 1);
            }
            return new Measurements(tables);
        }

        private static float[] singles(double[] z) {
            var x = new float[z.length];
            for (int c = 0; c < x.length; c++) {
                x[c] = (float) z[c];
            }
            return x;
        }

        private static FMatrixRMaj singles(DMatrixRMaj a) {
            var b = new FMatrixRMaj(a.numRows, a.numCols);
            ConvertMatrixData.convert(a, b);
            return b;
        }

        /** Leaves out zeros: prompts that end in the same token enter the first block in the same state. */
        private double[][] directions(Along along, int k, int i, Random random) {
            var directions =
                    switch (along) {
                        case ISOTROPIC ->
                            IntStream.range(0, DIRECTIONS).mapToObj(m -> DoubleStream.generate(random::nextGaussian)
                                    .limit(model.dimension())
                                    .toArray());
                        case COVARIANCE -> IntStream.range(0, DIRECTIONS).mapToObj(m -> mixture(k, random));
                        case FEATURE -> IntStream.of(0).mapToObj(m -> features.direction(k));
                        case DIFFERENCES -> prompts.differences(k, i).stream().limit(DIRECTIONS);
                    };
            return directions
                    .filter(w -> Arrays.stream(w).anyMatch(x -> x != 0))
                    .toArray(double[][]::new);
        }

        /** Returns sum_j g_j (z_j - mean), g Gaussian, which has the population's covariance. */
        private double[] mixture(int k, Random random) {
            double[] g = population.stream()
                    .mapToDouble(states -> random.nextGaussian())
                    .toArray();
            double centre = Arrays.stream(g).average().orElseThrow();
            var w = new double[model.dimension()];
            for (int j = 0; j < g.length; j++) {
                float[] z = population.get(j)[k];
                for (int c = 0; c < w.length; c++) {
                    w[c] += (g[j] - centre) * z[c];
                }
            }
            return w;
        }

        /** Returns the mean error over directions, for each radius. */
        private static double[] mean(double[][] errors) {
            return IntStream.range(0, EPS.length)
                    .mapToDouble(r -> Arrays.stream(errors)
                            .mapToDouble(row -> row[r])
                            .average()
                            .orElseThrow())
                    .toArray();
        }

        private static double[] undefined() {
            var errors = new double[EPS.length];
            Arrays.fill(errors, Double.NaN);
            return errors;
        }
    }

    /** Returns the model's name. */
    public String model() {
        return model;
    }

    /** Returns T, the number of blocks. */
    public int horizon() {
        return blocks.size();
    }

    /** Returns the prompts at which blocks were linearised. */
    public List<String> prompts() {
        return prompts;
    }

    /** Returns the alignment of the prompts' Jacobians at block k, [n][n]. */
    public double[][] alignment(int k) {
        return blocks.get(k).table(ALIGNMENT);
    }

    /** Returns the mean alignment of a prompt's Jacobian with the others', by block. */
    public List<ConfidenceInterval> alignment() {
        return byBlock(block -> Neighbours.meanWithOthers(block.table(ALIGNMENT)));
    }

    /** Returns the alignment of random spaces that have the Jacobians' singular values, at block k, [n][n]. */
    public double[][] control(int k) {
        return blocks.get(k).table(CONTROL);
    }

    /** Returns the mean alignment of such a random space with the others, by block: the alignment by chance. */
    public List<ConfidenceInterval> control() {
        return byBlock(block -> Neighbours.meanWithOthers(block.table(CONTROL)));
    }

    /** Returns {@code |A - M| / |M|}, M the mean of the other prompts' Jacobians, by block. */
    public List<ConfidenceInterval> deviation() {
        return byBlock(block -> block.column(DEVIATION, 0));
    }

    /** Returns |z_k|, by block. */
    public List<ConfidenceInterval> norm() {
        return byBlock(block -> block.column(NORM, 0));
    }

    /** Returns the share of |z_k|^2 in the state's two largest coordinates, by block. */
    public List<ConfidenceInterval> largestTwo() {
        return byBlock(block -> block.column(LARGEST_TWO, 0));
    }

    /** Returns {@code s_i / s_1} of the d/20 largest singular values, at block k. */
    public List<ConfidenceInterval> spectrum(int k) {
        double[][] values = blocks.get(k).table(VALUES);
        return IntStream.range(0, values[0].length)
                .mapToObj(i -> ConfidenceInterval.bootstrap(
                        Arrays.stream(values).mapToDouble(s -> s[i] / s[0]).toArray()))
                .toList();
    }

    /**
     * Returns {@link LocalLinearity#errors} by block, where a prompt's error is its mean over directions.
     *
     * @param radius one of {@link #RADII}
     */
    public List<ConfidenceInterval> error(Along along, Jacobians with, double radius) {
        int r = index(radius);
        return byBlock(block -> block.column(errors(along, with), r));
    }

    /** Returns the error over all blocks, where a prompt's error is its mean over the blocks that define it. */
    public ConfidenceInterval meanError(Along along, Jacobians with, double radius) {
        int r = index(radius);
        return ConfidenceInterval.bootstrap(IntStream.range(0, prompts.size())
                .mapToDouble(i -> blocks.stream()
                        .mapToDouble(block -> block.table(errors(along, with))[i][r])
                        .filter(e -> !Double.isNaN(e))
                        .average()
                        .orElse(Double.NaN))
                .toArray());
    }

    /** Returns {@link #meanError}: one row for each direction and kind of Jacobians, one column for each radius. */
    public Table table() {
        var directions = StringColumn.create("direction");
        var jacobians = StringColumn.create("Jacobian");
        var errors =
                RADII.stream().map(eps -> StringColumn.create(eps.toString())).toList();
        for (var along : Along.values()) {
            for (var with : Jacobians.values()) {
                directions.append(along.toString());
                jacobians.append(with.toString());
                for (int r = 0; r < EPS.length; r++) {
                    errors.get(r).append(meanError(along, with, EPS[r]).toString());
                }
            }
        }
        return Table.create("mean error over blocks, by |dz| / |z|", directions, jacobians)
                .addColumns(errors.toArray(StringColumn[]::new));
    }

    private static String errors(Along along, Jacobians with) {
        return "errors." + along + "." + with;
    }

    private static int index(double radius) {
        int r = RADII.indexOf(radius);
        if (r < 0) {
            throw new IllegalArgumentException("radius " + radius + ", wanted one of " + RADII);
        }
        return r;
    }

    private List<ConfidenceInterval> byBlock(Function<Measurements, double[]> values) {
        return blocks.stream()
                .map(block -> ConfidenceInterval.bootstrap(values.apply(block)))
                .toList();
    }

    @Override
    public String toString() {
        return "LinearityStudy[" + model + ", " + horizon() + " blocks, " + prompts.size() + " prompts, radii " + RADII
                + "]";
    }
}
