package rudder.study;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.data.FMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.ops.ConvertMatrixData;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.study.LinearityStudy.Along;
import rudder.theory.LocalLinearity;
import rudder.theory.Matrices;
import rudder.theory.SingularSpace;
import rudder.theory.Vectors;

/**
 * The instruments of a {@link LinearityStudy}. The population's states are kept in single precision, as the model made
 * them.
 */
record LinearityLaboratory(LanguageModel model, Neighbours prompts, List<float[][]> population, Features features) {

    /** Number of random directions, and the most differences to other prompts. */
    static final int DIRECTIONS = 8;

    static final String ALIGNMENT = "alignment";
    static final String CONTROL = "control";
    static final String VALUES = "values";
    static final String DEVIATION = "deviation";
    static final String NORM = "norm";
    static final String LARGEST_TWO = "largest_two";

    private static final double[] EPS =
            LinearityStudy.RADII.stream().mapToDouble(eps -> eps).toArray();

    /** Returns the name of the table of errors, [prompt][radius]. */
    static String errors(Along along, Jacobians with) {
        return "errors." + along + "." + with;
    }

    static LinearityLaboratory of(
            LanguageModel model, List<String> prompts, List<String> population, ContrastSet contrast) {
        var states = model.streamTraces(population.stream().map(model::encode).toList())
                .map(trace -> Arrays.stream(trace.rollout().states())
                        .map(Vectors::floats)
                        .toArray(float[][]::new))
                .toList();
        return new LinearityLaboratory(
                model, Neighbours.of(model, prompts), states, Features.contrast(model, contrast));
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
        var identity = CommonOps_DDRM.identity(d);
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
                var a =
                        switch (with) {
                            case OWN -> own;
                            case MEAN -> mean;
                            case NEAREST -> { // overwrites own, which is not needed any more
                                ConvertMatrixData.convert(jacobians.get(prompts.nearest(k, i)), own);
                                yield own;
                            }
                            case IDENTITY -> identity;
                        };
                try (var here = algebra.open()) {
                    var predictor = here.put(a);
                    for (var along : Along.values()) {
                        tables.computeIfAbsent(errors(along, with), name -> new double[n][])[i] = around.containsKey(
                                        along)
                                ? mean(around.get(along).errors(predictor, algebra))
                                : undefined();
                    }
                }
            }
            reached.accept(i + 1);
        }
        return new Measurements(tables);
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
        return directions.filter(w -> Arrays.stream(w).anyMatch(x -> x != 0)).toArray(double[][]::new);
    }

    /** Returns sum_j g_j (z_j - mean), g Gaussian, which has the population's covariance. */
    private double[] mixture(int k, Random random) {
        double[] g =
                population.stream().mapToDouble(states -> random.nextGaussian()).toArray();
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
