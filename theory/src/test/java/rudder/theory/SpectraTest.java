package rudder.theory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.junit.jupiter.api.Test;
import rudder.theory.bound.LyapunovFunction;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

class SpectraTest {
    @Test
    void radiiAndNormsEqualThoseOfDenseDecompositions() {
        for (var system : List.of(
                system(3, 120, 1),
                system(4, 7, 2),
                Lqr.solve(system(5, 30, 3), COST).closedLoop())) {
            var spectra = Spectra.of(system);
            for (int k = 0; k < system.horizon(); k++) {
                assertEquals(radius(system.jacobian(k)), spectra.radii()[k], 1e-6);
                assertEquals(NormOps_DDRM.normP2(system.jacobian(k)), spectra.norms()[k], 1e-9);
            }
            var product = system.transition(system.horizon(), 0);
            assertEquals(radius(product), spectra.productRadius(), 1e-6);
            assertEquals(NormOps_DDRM.normP2(product), spectra.productNorm(), 1e-9);
            double[] norms = Spectra.norms(system);
            assertArrayEquals(spectra.norms(), Arrays.copyOf(norms, system.horizon()));
            assertEquals(spectra.productNorm(), norms[system.horizon()]);
        }
    }

    @Test
    void radiusOfARotationIsItsScale() {
        var rotation = new DMatrixRMaj(new double[][] {{0, -3, 0}, {3, 0, 0}, {0, 0, 1}});
        assertEquals(3, Spectra.radius(3, x -> Vectors.multiply(rotation, x)), 1e-12);
        assertEquals(0, Spectra.radius(2, x -> new double[2]));
        assertEquals(2, Spectra.radius(50, x -> times(2, x)), 1e-12);
    }

    /** The oracle takes all inputs at once: of all u with x = F u, the least has |u|^2 = x'(F F')^-1 x. */
    @Test
    void controllabilityGramianPricesEveryReachableState() {
        int d = 4;
        var system = system(5, d, 4);
        var random = new Random(5);
        var b = IntStream.range(0, 5).mapToObj(k -> matrix(d, 2, random)).toList();
        var f = new DMatrixRMaj(d, 10);
        for (int k = 0; k < 5; k++) {
            CommonOps_DDRM.insert(product(system.transition(5, k + 1), b.get(k)), f, 0, 2 * k);
        }
        assertClose(product(f, transpose(f)), Gramians.controllability(system, b::get), 1e-14);
        double[] x = vector(d, random);
        double[] u =
                Vectors.multiply(transpose(f), Vectors.multiply(inverse(Gramians.controllability(system, b::get)), x));
        var laws = new java.util.TreeMap<Integer, ControlLaw>();
        for (int k = 0; k < 5; k++) {
            laws.put(k, ControlLaw.constant(Vectors.multiply(b.get(k), new double[] {u[2 * k], u[2 * k + 1]})));
        }
        assertClose(
                x,
                Rollout.of(Plant.of(system), Controller.of("least energy", laws, null), new double[d])
                        .states()[5],
                1e-11);
        assertClose(identity(d, 1), Gramians.controllability(system(1, d, 6)), 0);
    }

    @Test
    void observabilityGramianIsTheEnergyOfWhatIsMeasured() {
        int d = 4;
        var system = system(5, d, 7);
        var setpoint = setpoint(5, d, 1, 8);
        double[] x = vector(d, new Random(9));
        double energy = 0;
        for (double strength :
                Rollout.of(Plant.of(system), Controller.none(), x).strengths(setpoint)) {
            energy += strength * strength;
        }
        assertEquals(
                energy, Vectors.dot(x, Vectors.multiply(Gramians.observability(system, setpoint), x)), 1e-13 * energy);
        assertClose(LyapunovFunction.of(system).matrix(0), Gramians.observability(system, k -> identity(d, 1)), 1e-14);
    }

    @Test
    void errorsAndLines() {
        var system = system(2, 3, 1);
        assertRefuses(() -> Gramians.controllability(system, k -> identity(2, 1)), "input matrix of block 0", "2 x 2");
        assertRefuses(() -> Gramians.observability(system, k -> identity(2, 1)), "output matrix of block 2", "2 x 2");
        assertRefuses(() -> Gramians.observability(system, setpoint(3, 3, 1, 1)), "horizon", "3, wanted 2");
        assertTrue(Spectra.of(system).toString().startsWith("Spectra[T=2, product norm "));
    }

    private static double radius(DMatrixRMaj m) {
        var eigen = DecompositionFactory_DDRM.eig(m.numRows, false);
        assertTrue(eigen.decompose(m.copy()));
        return IntStream.range(0, m.numRows)
                .mapToDouble(i -> eigen.getEigenvalue(i).getMagnitude())
                .max()
                .orElseThrow();
    }
}
