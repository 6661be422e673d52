package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import rudder.theory.plant.Pendulum;

class RolloutTest {
    private static final int T = 5;
    private final Pendulum pendulum = new Pendulum(T, 0.05, 1, 0.1);
    private final Controller none = Controller.none();

    @Test
    void aCoordinateIsThatOfEveryState() {
        var run = Rollout.of(pendulum, none, new double[] {0.1, -0.2});
        for (int i = 0; i < 2; i++) {
            var coordinate = run.coordinate(i);
            assertEquals(T + 1, coordinate.length);
            for (int k = 0; k <= T; k++) {
                assertEquals(run.states()[k][i], coordinate[k]);
            }
        }
        assertThrows(IllegalArgumentException.class, () -> run.coordinate(2));
        assertThrows(IllegalArgumentException.class, () -> run.coordinate(-1));
    }
}
