package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.theory.Fixtures.*;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.Plant;
import rudder.theory.Setpoint;
import rudder.theory.Vectors;
import rudder.theory.plant.ResidualNetwork;

class ForecastTest {
    private static final int T = 6;
    private static final int D = 9;

    private final ResidualNetwork network = ResidualNetwork.random(T, D, 12, .5, 1);
    private final double[] start = vector(D, new Random(2));
    private final Rollout nominal = Rollout.of(network, Controller.none(), start);
    private final LinearSystem tangent = LinearSystem.of(IntStream.range(0, T)
            .mapToObj(k -> network.jacobian(k, nominal.states()[k]))
            .toList());

    private Controller lqr(double lambda) {
        var setpoint = setpoint(T, D, 0, 3);
        var offsets = IntStream.rangeClosed(0, T)
                .mapToDouble(k -> setpoint.strength(k, nominal.states()[k]) + lambda)
                .toArray();
        var directions =
                IntStream.rangeClosed(0, T).mapToObj(setpoint::direction).toArray(double[][]::new);
        var gaps = IntStream.rangeClosed(0, T).mapToDouble(setpoint::gap).toArray();
        return Controller.lqr(Lqr.solve(tangent, COST), Setpoint.of(directions, gaps, offsets, 0, ""));
    }

    @Test
    void aLinearPlantIsForecastExactlyInOpenAndInClosedLoop() {
        var system = system(T, D, 4);
        var plant = Plant.of(system);
        var run = Rollout.of(plant, Controller.none(), start);
        var lqr = Controller.lqr(Lqr.solve(system, COST), setpoint(T, D, 1, 5));
        for (var controller : List.of(lqr, lqr.frozenAt(run))) {
            var forecast = Forecast.of(plant, system, run, controller, start);
            assertTrue(Double.isNaN(forecast.errors()[0]), "the first state is the nominal one");
            for (int k = 0; k < T; k++) {
                assertEquals(0, forecast.errors()[k + 1], 1e-12);
                assertTrue(k == 0 || forecast.stepErrors(system)[k] < 1e-12);
            }
        }
    }

    @Test
    void theFirstStepOfTheForecastIsTheStepsError() {
        var forecast = Forecast.of(
                network, tangent, nominal, Controller.none(), Vectors.plus(start, 1, vector(D, new Random(6))));
        assertEquals(forecast.stepErrors(tangent)[0], forecast.errors()[1], 1e-12);
        assertTrue(forecast.errors()[T] > 1e-3 && forecast.errors()[0] == 0, forecast.toString());
    }

    /** The first term that a linear model omits is quadratic, also over all steps and with feedback. */
    @Test
    void tenTimesLessInputMeansTenTimesLessRelativeError() {
        double large = Forecast.of(network, tangent, nominal, lqr(1e-2), start).errors()[T];
        double small = Forecast.of(network, tangent, nominal, lqr(1e-3), start).errors()[T];
        assertEquals(10, large / small, .3);
    }

    @Test
    void withoutInputsThereIsNothingToForecast() {
        var forecast = Forecast.of(network, tangent, nominal, Controller.none(), start);
        assertTrue(IntStream.range(0, T)
                .allMatch(k -> Double.isNaN(forecast.stepErrors(tangent)[k]) && Double.isNaN(forecast.errors()[k])));
    }

    @Test
    void aModelOfAnotherSizeIsRefused() {
        assertRefuses(() -> Forecast.of(network, system(T + 1, D, 1), nominal, Controller.none(), start), "horizon");
        assertRefuses(() -> Forecast.of(network, system(T, D + 1, 1), nominal, Controller.none(), start), "dimension");
    }
}
