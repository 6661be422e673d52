package rudder.study;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.ModelStore;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Provenance;
import rudder.theory.LocalLinearity;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Measures how linear a model's blocks are, around a prompt and across prompts. It reports the alignment of the
 * prompts' Jacobians. It also reports how well each Jacobian predicts the block when a prompt's last state z is moved
 * by eps |z|, beside the trivial predictor A = I.
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

    private final String model;
    private final List<String> prompts;
    private final List<Measurements> blocks;

    /** Refuses a block that lacks the errors of a kind of Jacobians. */
    private LinearityStudy(String model, List<String> prompts, List<Measurements> blocks) {
        this.model = model;
        this.prompts = List.copyOf(prompts);
        this.blocks = blocks;
        for (var block : blocks) {
            for (var along : Along.values()) {
                for (var with : Jacobians.values()) {
                    block.table(LinearityLaboratory.errors(along, with));
                }
            }
        }
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
                            () -> LinearityLaboratory.of(model, prompts, population, contrast),
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
        var laboratory = LinearityLaboratory.of(model, prompts, population, contrast);
        return k -> laboratory.block(k, done -> {}).tables();
    }

    /**
     * Joins the measurements of all blocks.
     *
     * @param model its name
     * @param blocks what {@link #eachBlock} returned for blocks 0..T-1
     * @throws IllegalArgumentException naming the table that a block lacks
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
                    RADII + " " + LinearityLaboratory.DIRECTIONS + " " + List.of(Jacobians.values()));
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
        return blocks.get(k).table(LinearityLaboratory.ALIGNMENT);
    }

    /** Returns the mean alignment of a prompt's Jacobian with the others', by block. */
    public List<ConfidenceInterval> alignment() {
        return byBlock(block -> Neighbours.meanWithOthers(block.table(LinearityLaboratory.ALIGNMENT)));
    }

    /** Returns the alignment of random spaces that have the Jacobians' singular values, at block k, [n][n]. */
    public double[][] control(int k) {
        return blocks.get(k).table(LinearityLaboratory.CONTROL);
    }

    /** Returns the mean alignment of such a random space with the others, by block: the alignment by chance. */
    public List<ConfidenceInterval> control() {
        return byBlock(block -> Neighbours.meanWithOthers(block.table(LinearityLaboratory.CONTROL)));
    }

    /** Returns {@code |A - M| / |M|}, M the mean of the other prompts' Jacobians, by block. */
    public List<ConfidenceInterval> deviation() {
        return byBlock(block -> block.column(LinearityLaboratory.DEVIATION, 0));
    }

    /** Returns |z_k|, by block. */
    public List<ConfidenceInterval> norm() {
        return byBlock(block -> block.column(LinearityLaboratory.NORM, 0));
    }

    /** Returns the share of |z_k|^2 in the state's two largest coordinates, by block. */
    public List<ConfidenceInterval> largestTwo() {
        return byBlock(block -> block.column(LinearityLaboratory.LARGEST_TWO, 0));
    }

    /** Returns {@code s_i / s_1} of the d/20 largest singular values, at block k. */
    public List<ConfidenceInterval> spectrum(int k) {
        double[][] values = blocks.get(k).table(LinearityLaboratory.VALUES);
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
        return byBlock(block -> block.column(LinearityLaboratory.errors(along, with), r));
    }

    /** Returns the error over all blocks, where a prompt's error is its mean over the blocks that define it. */
    public ConfidenceInterval meanError(Along along, Jacobians with, double radius) {
        return ConfidenceInterval.bootstrap(meanErrors(along, with, radius));
    }

    /**
     * Returns the skill over {@link Jacobians#IDENTITY}, the trivial predictor. A prompt's skill is {@code 1 - e/e_I}.
     * Both e and e_I are the prompt's error as in {@link #meanError}, along the same directions: e with these
     * Jacobians, e_I with A = I. A perfect model has skill 1. Skill 0 is no better than A = I, and negative skill is
     * worse. Source: the mean squared error skill score of weather forecasts; here the error is a norm.
     */
    public ConfidenceInterval meanSkill(Along along, Jacobians with, double radius) {
        double[] errors = meanErrors(along, with, radius);
        double[] trivial = meanErrors(along, Jacobians.IDENTITY, radius);
        return ConfidenceInterval.bootstrap(IntStream.range(0, errors.length)
                .mapToDouble(i -> 1 - errors[i] / trivial[i])
                .toArray());
    }

    /** Returns each prompt's error, its mean over the blocks that define it. */
    private double[] meanErrors(Along along, Jacobians with, double radius) {
        int r = index(radius);
        return IntStream.range(0, prompts.size())
                .mapToDouble(i -> blocks.stream()
                        .mapToDouble(block -> block.table(LinearityLaboratory.errors(along, with))[i][r])
                        .filter(e -> !Double.isNaN(e))
                        .average()
                        .orElse(Double.NaN))
                .toArray();
    }

    /** Returns {@link #meanError}: one row for each direction and kind of Jacobians, one column for each radius. */
    public Table table() {
        return table("mean error over blocks, by |dz| / |z|", this::meanError);
    }

    /** Returns {@link #meanSkill} in the rows and columns of {@link #table}. */
    public Table skills() {
        return table("skill over A = I, by |dz| / |z|", this::meanSkill);
    }

    private interface Statistic {
        ConfidenceInterval of(Along along, Jacobians with, double radius);
    }

    private static Table table(String title, Statistic statistic) {
        var directions = StringColumn.create("direction");
        var jacobians = StringColumn.create("Jacobian");
        var columns =
                RADII.stream().map(eps -> StringColumn.create(eps.toString())).toList();
        for (var along : Along.values()) {
            for (var with : Jacobians.values()) {
                directions.append(along.toString());
                jacobians.append(with.toString());
                for (int r = 0; r < RADII.size(); r++) {
                    columns.get(r)
                            .append(statistic.of(along, with, RADII.get(r)).toString());
                }
            }
        }
        return Table.create(title, directions, jacobians).addColumns(columns.toArray(StringColumn[]::new));
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
