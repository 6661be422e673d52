package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
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
 * How linear a model's blocks are, around a prompt and across prompts: alignment of the prompts' Jacobians, and how far
 * each predicts what the block does when a prompt's last state is moved by eps |z|.
 *
 * <pre>{@code
 * var study = LinearityStudy.kept(model, prompts, everyPrompt, ocean);   // LinearityStudy[30 blocks, 12 prompts, ...]
 * study.table()                                                          // prediction errors, with intervals over prompts
 * }</pre>
 *
 * <p>One block's Jacobians are in memory at a time: 4 n d^2 bytes for n prompts. What was measured of a block is kept
 * as soon as it is known, in the folder {@code artefacts} of {@link ModelStore#cache()}; a run that was stopped goes on
 * at the block where it was. Intervals are over prompts, {@link ConfidenceInterval#bootstrap}; of alignment, over each
 * prompt's mean alignment with the others, whose pairs are shared, so that they are a little narrow.
 */
public final class LinearityStudy {

    /** Which way a state is moved. */
    public enum Along {
        /** Gaussian. */
        ISOTROPIC,
        /** Gaussian with the covariance of the population's states. */
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

    /** Which Jacobian predicts. */
    public enum With {
        /** The prompt's own. */
        OWN,
        /** The mean of the other prompts', as when a regulator meets a prompt it was not made from. */
        MEAN,
        /** The one of the other prompt whose state is nearest at this block. */
        NEAREST;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** eps: how far states are moved, relative to |z|. */
    public static final List<Double> RADII = List.of(.01, .03, .1, .3, 1.0);

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
     * Measures every block that is not kept yet.
     *
     * @param prompts where blocks are linearised, at least three; a dozen is a good number
     * @param population prompts whose states have the covariance that shapes {@link Along#COVARIANCE}; many
     * @param contrast the feature
     * @throws IllegalArgumentException if there are fewer than three prompts, one of them twice, or no population
     * @throws IOException if an artefact cannot be written or, once there, read
     */
    public static LinearityStudy kept(
            LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast)
            throws IOException {
        return kept(model, prompts, population, contrast, ModelStore.cache());
    }

    /**
     * The same by the model's name: a model whose blocks have all been measured is not loaded.
     *
     * @param model whatever {@link ModelStore#fetch} takes
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
                            (laboratory, k) -> laboratory.block(k, job),
                            done -> job.reach((long) done * n)));
        }
    }

    /** What is measured. */
    private record Subject(
            String model,
            String sha256,
            String dtype,
            int horizon,
            List<String> prompts,
            List<String> population,
            ContrastSet contrast) {
        Subject {
            Neighbours.requireSome(prompts);
            if (population.isEmpty()) {
                throw new IllegalArgumentException("a population of no prompts, wanted at least one");
            }
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

    /** What it is measured with; of the population, the states, in the single precision they were made in. */
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

        Measurements block(int k, Progress job) {
            int n = prompts.size();
            int d = model.dimension();
            var random = new Random(k);
            var algebra = model.algebra();
            var jacobians = new ArrayList<FMatrixRMaj>(); // what single-precision products left, to the bit
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
            var own = new DMatrixRMaj(d, d); // used again and again: such arrays fill a heap
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
                for (var with : With.values()) {
                    if (with == With.NEAREST) {
                        ConvertMatrixData.convert(
                                jacobians.get(prompts.nearest(k, i)), own); // in its place: it is not needed any more
                    }
                    try (var here = algebra.open()) {
                        var predictor = here.put(with == With.MEAN ? mean : own);
                        for (var along : Along.values()) {
                            tables.computeIfAbsent(errors(along, with), name -> new double[n][])[i] =
                                    around.containsKey(along)
                                            ? mean(around.get(along).errors(predictor, algebra))
                                            : undefined();
                        }
                    }
                }
                job.reach((long) k * n + i + 1);
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

        /** Those of a length: prompts that end in the same word enter the first block in the same state. */
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

        /** sum_j g_j (z_j - mean), g Gaussian: of the population's covariance. */
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

        /** Over directions, for each radius. */
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

    /** The model's name. */
    public String model() {
        return model;
    }

    /** T. */
    public int horizon() {
        return blocks.size();
    }

    /** Where blocks were linearised. */
    public List<String> prompts() {
        return prompts;
    }

    /** Alignment of the prompts' Jacobians at block k, [n][n]. */
    public double[][] alignment(int k) {
        return blocks.get(k).table(ALIGNMENT);
    }

    /** Mean alignment of a prompt's Jacobian with the others', by block. */
    public List<ConfidenceInterval> alignment() {
        return byBlock(block -> others(block.table(ALIGNMENT)));
    }

    /** The same of random spaces that have the Jacobians' singular values, at block k, [n][n]. */
    public double[][] control(int k) {
        return blocks.get(k).table(CONTROL);
    }

    /** Mean similarity of such a space with the others, by block: what alignment is by chance. */
    public List<ConfidenceInterval> control() {
        return byBlock(block -> others(block.table(CONTROL)));
    }

    /** {@code |A - M| / |M|}, M the mean of the other prompts' Jacobians, by block. */
    public List<ConfidenceInterval> deviation() {
        return byBlock(block -> block.column(DEVIATION, 0));
    }

    /** |z_k|, by block. */
    public List<ConfidenceInterval> norm() {
        return byBlock(block -> block.column(NORM, 0));
    }

    /** The share of |z_k|^2 that lies in the state's two largest coordinates, by block. */
    public List<ConfidenceInterval> largestTwo() {
        return byBlock(block -> block.column(LARGEST_TWO, 0));
    }

    /** {@code s_i / s_1} of the d/20 largest singular values, at block k. */
    public List<ConfidenceInterval> spectrum(int k) {
        double[][] values = blocks.get(k).table(VALUES);
        return IntStream.range(0, values[0].length)
                .mapToObj(i -> ConfidenceInterval.bootstrap(
                        Arrays.stream(values).mapToDouble(s -> s[i] / s[0]).toArray()))
                .toList();
    }

    /**
     * {@link LocalLinearity#errors}, a prompt's mean over directions, by block.
     *
     * @param radius one of {@link #RADII}
     */
    public List<ConfidenceInterval> error(Along along, With with, double radius) {
        int r = index(radius);
        return byBlock(block -> block.column(errors(along, with), r));
    }

    /** The same of all blocks together: a prompt's mean over blocks where it is defined. */
    public ConfidenceInterval meanError(Along along, With with, double radius) {
        int r = index(radius);
        return ConfidenceInterval.bootstrap(IntStream.range(0, prompts.size())
                .mapToDouble(i -> blocks.stream()
                        .mapToDouble(block -> block.table(errors(along, with))[i][r])
                        .filter(e -> !Double.isNaN(e))
                        .average()
                        .orElse(Double.NaN))
                .toArray());
    }

    /** {@link #meanError} of every kind: one row a direction and Jacobian, one column a radius. */
    public Table table() {
        var rows = Arrays.stream(Along.values())
                .flatMap(along -> Arrays.stream(With.values()).map(with -> new Object[] {along, with}))
                .toList();
        var table = Table.create(
                "mean error over blocks, by |dz| / |z|",
                StringColumn.create("direction", rows.stream().map(row -> row[0].toString())),
                StringColumn.create("Jacobian", rows.stream().map(row -> row[1].toString())));
        for (double eps : RADII) {
            table.addColumns(StringColumn.create(
                    Double.toString(eps), rows.stream().map(row -> meanError((Along) row[0], (With) row[1], eps)
                            .toString())));
        }
        return table;
    }

    private static String errors(Along along, With with) {
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

    /** Each row's mean without its diagonal. */
    static double[] others(double[][] alignment) {
        return Arrays.stream(alignment)
                .mapToDouble(row -> (Arrays.stream(row).sum() - 1) / (row.length - 1))
                .toArray();
    }

    @Override
    public String toString() {
        return "LinearityStudy[" + model + ", " + horizon() + " blocks, " + prompts.size() + " prompts, radii " + RADII
                + "]";
    }
}
