package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.RandomMatrices_DDRM;
import org.ejml.dense.row.SingularOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.plant.ResidualNetwork;

class LocalLinearityTest {
    private static final int D = 120;

    @Test
    void leadingVectorsAreThoseOfTheFullDecomposition() {
        for (int seed = 0; seed < 3; seed++) {
            var a = decaying(D, seed, 0.1);
            for (int k : new int[] {1, 6, D}) {
                var full = full(a, k);
                var space = SingularSpace.of(a, k, DenseAlgebra.ejml());
                assertValues(full.values(), space.values());
                var overlap = product(transpose(space.basis()), full.basis());
                assertEquals(Math.sqrt(k), NormOps_DDRM.normF(overlap), 1e-9, "the same space");
                assertClose(identity(k, 1), product(transpose(space.basis()), space.basis()), 1e-12);
            }
        }
    }

    @Test
    void oneDirectionThatDwarfsTheOthersDoesNotHideThem() {
        var a = decaying(D, 5, 0.1);
        CommonOps_DDRM.addEquals(a, 100, product(matrix(D, 1, new Random(6)), matrix(1, D, new Random(7))));
        assertValues(
                full(a, 6).values(), SingularSpace.of(a, 6, DenseAlgebra.ejml()).values());
    }

    @Test
    void aMatrixOfLowRankHasZerosBehindIt() {
        var a = product(matrix(D, 2, new Random(1)), matrix(2, D, new Random(2)));
        double[] s = SingularSpace.of(a, 5, DenseAlgebra.ejml()).values();
        assertTrue(s[1] > 1 && s[2] < 1e-6 * s[0], Arrays.toString(s));
        assertThrows(IllegalArgumentException.class, () -> SingularSpace.of(a, D + 1, DenseAlgebra.ejml()));
    }

    @Test
    void theFullSpaceIsTheFullDecompositions() {
        var a = decaying(D, 5, 0.1);
        var wanted = full(a, D);
        var found = SingularSpace.full(a, DenseAlgebra.ejml());
        assertValues(wanted.values(), found.values());
        assertEquals(1, found.leading(6).similarity(wanted.leading(6)), 1e-9);
        assertEquals((int) DoubleStream.of(wanted.values()).filter(s -> s > 1.2).count(), found.above(1.2));
        assertThrows(IllegalArgumentException.class, () -> found.leading(D + 1));
    }

    /**
     * Eckart and Young: the distance from the closest matrix of rank r is the root of the sum of the squares of the
     * omitted singular values.
     */
    @Test
    void projectionOnTheLeadingSpaceIsTheClosestMatrixOfThatRank() {
        var algebra = DenseAlgebra.ejml();
        var a = decaying(D, 6, 0.1);
        var space = SingularSpace.full(a, algebra);
        for (int r : new int[] {1, 7, D}) {
            double left = Math.sqrt(
                    DoubleStream.of(space.values()).skip(r).map(s -> s * s).sum());
            assertEquals(
                    left,
                    NormOps_DDRM.normF(minus(a, space.leading(r).project(a, algebra))),
                    1e-9 * space.values()[0],
                    "rank " + r);
        }
    }

    @Test
    void similarityIsTheFormulaOnFullDecompositions() {
        var a = decaying(D, 1, 0.2);
        var b = decaying(D, 2, 0.2);
        CommonOps_DDRM.addEquals(b, 0.5, a);
        int k = 6;
        var f = full(a, k);
        var g = full(b, k);
        var inner = product(diagonal(f.values()), transpose(f.basis()), g.basis(), diagonal(g.values()));
        double wanted =
                DoubleStream.of(full(inner, k).values()).sum() / (Vectors.norm(f.values()) * Vectors.norm(g.values()));
        var algebra = DenseAlgebra.ejml();
        var found = SingularSpace.alignment(List.of(SingularSpace.of(a, k, algebra), SingularSpace.of(b, k, algebra)));
        assertEquals(wanted, found[0][1], 1e-6);
        assertEquals(found[0][1], found[1][0]);
        assertEquals(1, found[0][0]);
    }

    @Test
    void similarityIsOneForTheSameMatrixAndZeroAtRightAngles() {
        var space = SingularSpace.of(decaying(D, 3, 0.1), 6, DenseAlgebra.ejml());
        assertEquals(1, space.similarity(space), 1e-12);
        var first = new SingularSpace(CommonOps_DDRM.extract(identity(8, 1), 0, 8, 0, 3), new double[] {3, 2, 1});
        var second = new SingularSpace(CommonOps_DDRM.extract(identity(8, 1), 0, 8, 3, 6), new double[] {3, 2, 1});
        assertEquals(0, first.similarity(second), 1e-15);
    }

    /** The singular values of a k x k Gaussian matrix follow the quarter circle, with mean 8 / (3 pi) sqrt(k). */
    @Test
    void randomSpacesAreAlikeByChanceAsTheQuarterCircleSays() {
        int d = 2000;
        int k = 40;
        var random = new Random(1);
        double[] equal = IntStream.range(0, k).mapToDouble(i -> 1).toArray();
        double found = SingularSpace.random(d, equal, random).similarity(SingularSpace.random(d, equal, random));
        assertEquals(8 / (3 * Math.PI) * Math.sqrt((double) k / d), found, 0.03 * found);
    }

    @Test
    void aLinearPlantIsPredictedExactlyAtEveryRadius() {
        var system = system(2, 9, 1);
        var probe =
                LocalLinearity.around(Plant.of(system), 1, vector(9, new Random(2)), directions(4, 9), 0.01, 1, 100);
        for (double[] errors : probe.errors(system.jacobian(1), DenseAlgebra.ejml())) {
            for (double error : errors) {
                assertEquals(0, error, 1e-12);
            }
        }
        for (double[] errors : probe.errors(new DMatrixRMaj(9, 9), DenseAlgebra.ejml())) {
            assertEquals(1, errors[0], 1e-12);
        }
    }

    @Test
    void errorOfASmoothPlantsOwnJacobianFallsWithTheRadius() {
        var network = ResidualNetwork.random(3, 20, 40, 1, 4);
        double[] z = vector(20, new Random(5));
        var probe = LocalLinearity.around(network, 1, z, directions(5, 20), 1e-4, 1e-3);
        for (double[] errors : probe.errors(network.jacobian(1, z), DenseAlgebra.ejml())) {
            assertEquals(10, errors[1] / errors[0], 0.2); // the first term left out is quadratic
        }
    }

    @Test
    void theErrorIsItsDefinition() {
        var network = ResidualNetwork.random(2, 7, 9, 1, 1);
        double[] z = vector(7, new Random(1));
        double[] w = times(3, vector(7, new Random(2)));
        var a = system(1, 7, 3).jacobian(0);
        double[] dz = times(0.3 * Vectors.norm(z) / Vectors.norm(w), w);
        double[] answer = Vectors.plus(network.next(0, Vectors.plus(z, 1, dz)), -1, network.next(0, z));
        double wanted = Vectors.norm(Vectors.plus(answer, -1, Vectors.multiply(a, dz))) / Vectors.norm(answer);
        assertEquals(
                wanted,
                LocalLinearity.around(network, 0, z, new double[][] {w}, 0.3).errors(a, DenseAlgebra.ejml())[0][0],
                1e-12);
    }

    @Test
    void aDirectionOfNoLengthIsRefused() {
        var plant = Plant.of(system(1, 3, 1));
        var error = assertThrows(
                IllegalArgumentException.class,
                () -> LocalLinearity.around(plant, 0, new double[3], new double[1][3], 0.1));
        assertTrue(error.getMessage().contains("direction 0 has length 0"), error.getMessage());
    }

    @Test
    void deviationIsRelativeToTheMean() {
        var a = system(1, 4, 1).jacobian(0);
        assertEquals(0, Matrices.deviation(a, a));
        assertEquals(1, Matrices.deviation(plus(a, a), a), 1e-12);
    }

    private static DMatrixRMaj diagonal(double[] values) {
        return CommonOps_DDRM.diag(values);
    }

    private static void assertValues(double[] wanted, double[] found) {
        for (int i = 0; i < wanted.length; i++) {
            assertEquals(wanted[i], found[i], 1e-7 * wanted[0], "singular value " + i);
        }
    }

    /** Returns the first k of all singular vectors. */
    private static SingularSpace full(DMatrixRMaj a, int k) {
        var svd = DecompositionFactory_DDRM.svd(a.numRows, a.numCols, true, false, true);
        svd.decompose(a.copy());
        var u = svd.getU(null, false);
        var s = svd.getSingularValues();
        SingularOps_DDRM.descendingOrder(u, false, s, s.length, null, false);
        return new SingularSpace(CommonOps_DDRM.extract(u, 0, a.numRows, 0, k), Arrays.copyOf(s, k));
    }

    private static double[][] directions(int m, int d) {
        var random = new Random(11);
        var directions = new ArrayList<double[]>();
        for (int i = 0; i < m; i++) {
            directions.add(vector(d, random));
        }
        return directions.toArray(double[][]::new);
    }

    /** Returns a matrix with singular values exp(-decay i) between random rotations. */
    private static DMatrixRMaj decaying(int d, long seed, double decay) {
        var random = new Random(seed);
        double[] s = IntStream.range(0, d)
                .mapToDouble(i -> 10 * Math.exp(-decay * i))
                .toArray();
        return product(
                RandomMatrices_DDRM.orthogonal(d, d, random),
                diagonal(s),
                RandomMatrices_DDRM.orthogonal(d, d, random));
    }
}
