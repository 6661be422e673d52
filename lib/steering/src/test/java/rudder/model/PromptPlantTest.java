package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.ndarray.types.DataType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/** A prompt's plant is the model at its last token. The plant keeps earlier keys in single precision. */
class PromptPlantTest {

    private static final int[] LENGTHS = {1, 2, 5, 6, 13};

    @ParameterizedTest
    @EnumSource
    void nextAtTheNominalStateIsTheCachedPasssNextState(Tiny tiny) {
        for (DataType type : List.of(DataType.FLOAT64, DataType.FLOAT32)) {
            for (int n : LENGTHS) {
                var plant = tiny.model(type).plant(Tiny.tokens(n, n));
                for (int k = 0; k < tiny.horizon; k++) {
                    assertEquals(
                            0,
                            Golden.relative(
                                    plant.next(k, plant.nominal().state(k)),
                                    plant.nominal().state(k + 1)),
                            type == DataType.FLOAT64 ? 1e-7 : 1e-5,
                            type + ", " + n + " tokens, block " + k);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void severalStatesAtOnceAreEachAlone(Tiny tiny) {
        var plant = tiny.model().plant(Tiny.tokens(7, 1));
        double[][] states = plant.nominal().rollout().states();
        double[][] together = plant.next(1, states);
        for (int i = 0; i < states.length; i++) {
            assertEquals(0, Golden.relative(together[i], plant.next(1, states[i])), 1e-14, "state " + i);
        }
    }

    /**
     * Steering the last token leaves earlier keys as they are: theory's rollout of the unsteered prompt's plant is the
     * steered model.
     */
    @ParameterizedTest
    @EnumSource
    void aRolloutOfThePlantIsTheSteeredModelsTrace(Tiny tiny) {
        var setpoint = tiny.setpoint(1.5);
        for (Controller controller : List.of(
                tiny.lqr(setpoint),
                Controller.actAdd(setpoint, 2),
                Controller.none(),
                Controller.pid(setpoint, .5, .2, .1, 3),
                tiny.lqr(setpoint).plus(Controller.actAdd(tiny.setpoint(-1), 1)))) {
            for (int n : LENGTHS) {
                int[] tokens = Tiny.tokens(n, n);
                var plant = tiny.model().plant(tokens);
                var wanted = Rollout.of(plant, controller, plant.nominal().state(0));
                var found = tiny.model()
                        .steered(controller)
                        .tracesOfTokens(List.of(tokens))
                        .get(0)
                        .rollout();
                String what = controller + ", " + n + " tokens, ";
                for (int k = 0; k <= tiny.horizon; k++) {
                    assertEquals(0, Golden.relative(found.states()[k], wanted.states()[k]), 1e-6, what + "z_" + k);
                }
                assertEquals(wanted.energy(), found.energy(), 1e-6 * (1 + wanted.energy()), what + "energy");
            }
        }
    }
}
