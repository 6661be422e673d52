package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import org.junit.jupiter.api.Test;
import rudder.model.Tiny;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

class ControllerFactoryTest {
    private static final Controller ADDITION =
            Controller.actAdd(Tiny.LLAMA.setpoint(1), 2).named("added");

    @Test
    void controllersAndFactoriesMixAsArms() {
        var factory = ControllerFactory.once("made once", () -> ADDITION);
        var factories = ControllerFactory.all(Controller.none(), factory, ADDITION);
        assertEquals(
                List.of("none", "made once", "added"),
                factories.stream().map(ControllerFactory::name).toList());
        assertSame(factory, factories.get(1));
        assertSame(ADDITION, factories.get(2).controller().apply(null, "any prompt"));
        assertSame(
                factory.controller().apply(null, "a prompt"),
                factory.controller().apply(null, "another"));
    }

    @Test
    void anArmOfAnotherKindOrOfATakenNameIsRefused() {
        record Person(String name) implements Arm {}
        assertRefused(() -> ControllerFactory.of(new Person("Ada")), "'Ada'", "Person", "Controller");
        assertRefused(
                () -> ControllerFactory.all(
                        ADDITION,
                        Controller.none(),
                        ControllerFactory.frozen(ADDITION).named("added")),
                "two controllers",
                "'added'");
    }
}
