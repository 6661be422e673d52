package rudder.steer.rival;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.ReadAt;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;

/**
 * Inference-time intervention (ITI): finds the attention heads that tell texts with a feature from texts without it,
 * and makes the controller that shifts the best heads.
 *
 * <p>A head's direction theta is the unit difference between the mean outputs of the two sides. Its probe says on which
 * side of the midpoint an output lies along theta. Heads are ranked by the probe's accuracy on held-out texts, with
 * five folds. The chosen heads are shifted by {@code alpha sigma theta}, with sigma the standard deviation of all
 * outputs along theta.
 *
 * <p>Source: Li et al., arXiv 2306.03341, with the mass-mean direction, which the authors found to be the best. They
 * use 48 of 1,024 heads and alpha = 15.
 */
public final class HeadProbes {

    private static final int FOLDS = 5;

    /**
     * The probe of one head.
     *
     * @param direction theta, [width of a head], norm 1
     * @param deviation sigma
     * @param accuracy share of held-out texts on the right side, averaged over the two sides
     */
    public record Probe(int block, int head, double[] direction, double deviation, double accuracy) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "Probe[block %d, head %d, accuracy %.2f]", block, head, accuracy);
        }
    }

    private final String name;
    private final int heads;
    private final List<Probe> probes;
    private final String plant; // null where any plant will do

    private HeadProbes(String name, int heads, List<Probe> probes, String plant) {
        this.name = name;
        this.heads = heads;
        this.probes = probes;
        this.plant = plant;
    }

    /**
     * Probes every head of the model at the last token of every text of the set. Controllers are marked with the
     * model's sha256, so that another model refuses them.
     *
     * @throws IllegalArgumentException if a side has fewer than two texts
     */
    public static HeadProbes of(LanguageModel model, ContrastSet set) {
        return of(model, set, ReadAt.LAST);
    }

    /** Probes heads as {@link #of(LanguageModel, ContrastSet)} does, by their outputs at other tokens. */
    public static HeadProbes of(LanguageModel model, ContrastSet set, ReadAt at) {
        return ofOutputs(model, set.name(), outputs(model, set.positive(), at), outputs(model, set.negative(), at));
    }

    /**
     * Probes heads by outputs that were computed before, as on a cluster.
     *
     * @param name of the feature
     * @param positive {@link LanguageModel#headOutputs} of the texts that show the feature
     * @param negative the same of the others
     * @throws IllegalArgumentException if a side has fewer than two texts
     */
    public static HeadProbes ofOutputs(LanguageModel model, String name, double[][][] positive, double[][][] negative) {
        var probes = between(name, model.heads(), positive, negative);
        return new HeadProbes(probes.name, probes.heads, probes.probes, model.sha256());
    }

    private static double[][][] outputs(LanguageModel model, List<String> texts, ReadAt at) {
        var tokens = texts.stream().map(model::encode).toList();
        return model.headOutputs(tokens, at.spans(tokens));
    }

    /**
     * Probes heads by their outputs.
     *
     * @param heads number of heads of a block
     * @param positive outputs of a block's heads, concatenated, [text][T][heads x width].
     * @param negative the same for the negative texts
     * @throws IllegalArgumentException if a side has fewer than two texts
     */
    static HeadProbes between(String name, int heads, double[][][] positive, double[][][] negative) {
        if (positive.length < 2 || negative.length < 2) {
            throw new IllegalArgumentException("probes of " + name + " from " + positive.length + " and "
                    + negative.length + " texts, wanted at least two a side: one is held out to judge by");
        }
        int width = positive[0][0].length / heads;
        var probes = IntStream.range(0, positive[0].length).boxed().flatMap(k -> IntStream.range(0, heads)
                .mapToObj(h -> probe(k, h, outputs(positive, k, h, width), outputs(negative, k, h, width))));
        return new HeadProbes(
                name,
                heads,
                probes.sorted(Comparator.comparingDouble(Probe::accuracy)
                                .reversed()
                                .thenComparing(Probe::block)
                                .thenComparing(Probe::head))
                        .toList(),
                null);
    }

    private static double[][] outputs(double[][][] texts, int block, int head, int width) {
        return Stream.of(texts)
                .map(text -> Arrays.copyOfRange(text[block], head * width, (head + 1) * width))
                .toArray(double[][]::new);
    }

    private static Probe probe(int block, int head, double[][] with, double[][] without) {
        double[] theta = direction(mean(with, -1), mean(without, -1));
        double[] along = Stream.of(with, without)
                .flatMap(Stream::of)
                .mapToDouble(output -> Vectors.dot(theta, output))
                .toArray();
        double mean = DoubleStream.of(along).average().orElseThrow();
        double variance =
                DoubleStream.of(along).map(x -> (x - mean) * (x - mean)).sum() / (along.length - 1);
        return new Probe(block, head, theta, Math.sqrt(variance), (hits(with, without) + hits(without, with)) / 2);
    }

    /** Share of the first side's texts that lie on their own side of the midpoint, by means without their fold. */
    private static double hits(double[][] side, double[][] other) {
        double hits = 0;
        for (int fold = 0; fold < FOLDS; fold++) {
            double[] a = mean(side, fold);
            double[] b = mean(other, fold);
            double[] theta = direction(a, b);
            double middle = (Vectors.dot(theta, a) + Vectors.dot(theta, b)) / 2;
            for (int i = fold; i < side.length; i += FOLDS) {
                hits += Vectors.dot(theta, side[i]) > middle ? 1 : 0;
            }
        }
        return hits / side.length;
    }

    /** Mean of the rows outside the fold; of all rows if no row is inside. */
    private static double[] mean(double[][] rows, int fold) {
        int[] some = IntStream.range(0, rows.length)
                .filter(i -> i % Math.min(FOLDS, rows.length) != fold)
                .toArray();
        double[] mean = new double[rows[0].length];
        for (int i : some) {
            for (int j = 0; j < mean.length; j++) {
                mean[j] += rows[i][j] / some.length;
            }
        }
        return mean;
    }

    private static double[] direction(double[] a, double[] b) {
        double[] e = Vectors.minus(a, b);
        double norm = Vectors.norm(e);
        return norm == 0 ? e : Arrays.stream(e).map(x -> x / norm).toArray();
    }

    /** Returns the probes of all heads, the most accurate first. */
    public List<Probe> probes() {
        return probes;
    }

    /**
     * Returns the controller that shifts each of the most accurate heads by one deviation, sigma theta.
     * {@link Controller#times} sets the strength alpha.
     *
     * @param count number of heads
     * @throws IllegalArgumentException if count is not in 1..number of heads
     */
    public Controller iti(int count) {
        if (count < 1 || count > probes.size()) {
            throw new IllegalArgumentException(count + " heads of " + probes.size() + ", wanted 1.." + probes.size());
        }
        var shifts = new TreeMap<Integer, double[]>();
        for (var probe : probes.subList(0, count)) {
            int width = probe.direction.length;
            double[] u = shifts.computeIfAbsent(probe.block, k -> new double[heads * width]);
            for (int i = 0; i < width; i++) {
                u[probe.head * width + i] = probe.deviation * probe.direction[i];
            }
        }
        var laws = new TreeMap<Integer, ControlLaw>();
        shifts.forEach((k, u) -> laws.put(k, ControlLaw.constant(u)));
        var controller = Controller.of("ITI, " + count + " heads", HookPoint.HEAD_OUT, laws, null);
        return plant == null ? controller : controller.measuredOn(plant);
    }

    @Override
    public String toString() {
        return "HeadProbes[" + name + ", " + probes.size() + " heads, best " + probes.get(0) + "]";
    }
}
