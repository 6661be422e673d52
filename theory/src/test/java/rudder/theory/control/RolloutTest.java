package rudder.theory.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
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

    @Test
    void runsFromRandomStatesAreThoseOfTheirFirstStates() {
        var runs = Rollout.fromRandomStates(pendulum, none, 50, 0.3, 4);
        assertEquals(50, runs.size());
        for (var run : runs) {
            var z0 = run.states()[0];
            assertTrue(Arrays.stream(z0).allMatch(x -> Math.abs(x) <= 0.3), Arrays.toString(z0));
            assertArrayEquals(Rollout.of(pendulum, none, z0).states()[T], run.states()[T]);
        }
        assertEquals(50, runs.stream().map(run -> run.states()[0][0]).distinct().count());
        assertTrue(runs.stream().anyMatch(run -> run.states()[0][0] < 0));
    }

    @Test
    void aSeedGivesTheSameRunsAndItsFirstOnesWhateverTheirNumber() {
        var some = Rollout.fromRandomStates(pendulum, none, 3, 1, 7);
        var more = Rollout.fromRandomStates(pendulum, none, 5, 1, 7);
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(some.get(i).states()[0], more.get(i).states()[0]);
        }
        assertEquals(List.of(), Rollout.fromRandomStates(pendulum, none, 0, 1, 7));
        assertThrows(IllegalArgumentException.class, () -> Rollout.fromRandomStates(pendulum, none, -1, 1, 7));
        assertThrows(IllegalArgumentException.class, () -> Rollout.fromRandomStates(pendulum, none, 1, 0, 7));
    }
}
