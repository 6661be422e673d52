package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.compare.Comparison;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.theory.Vectors;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.InputMatrix;

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

    /** At the prompt's last token nothing was written yet, so that nothing is missed by not measuring. */
    @ParameterizedTest
    @MethodSource("regulators")
    void aPlanAlongTheSteeredTraceHasTheInputsOfTheClosedLoopAtThePromptsEnd(Controller regulator) {
        var model = Tiny.LLAMA.model();
        var texts = Tiny.TEXTS;
        var closed = model.steered(regulator).traces(texts);
        var planned = ControllerFactory.planned(regulator);
        var open = planned.rollouts(model, texts);
        var frozen = ControllerFactory.frozen(regulator).rollouts(model, texts);
        for (int i = 0; i < texts.size(); i++) {
            double[][] wanted = closed.get(i).rollout().states();
            for (int k = 0; k < wanted.length; k++) {
                assertArrayEquals(wanted[k], open.get(i).states()[k], 1e-4, "text " + i + ", block " + k);
            }
            double[] last = wanted[wanted.length - 1];
            assertTrue(
                    Vectors.norm(Vectors.minus(last, frozen.get(i).states()[wanted.length - 1])) > 1e-2,
                    "a plan along the unsteered trace goes elsewhere");
        }
        assertEquals(regulator.name() + ", planned", planned.name());
    }

    /** A-LQR measures before a block, the tracker behind it. */
    static List<Controller> regulators() {
        var setpoint = Tiny.LLAMA.setpoint(2);
        var weights = new double[Tiny.LLAMA.horizon + 1];
        Arrays.fill(weights, 1);
        var plant = Tiny.LLAMA.model().plant("the sea");
        return List.of(
                Tiny.LLAMA.lqr(setpoint),
                FeatureTracker.of(
                        plant, plant.nominal().rollout().states(), setpoint, weights, 0.1, InputMatrix.everywhere()));
    }

    /** The message alone ends in another token, with other states. */
    @Test
    void inAChatAFrozenControllerBelongsToTheTokenBeforeTheAnswer() {
        var lqr = Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(2));
        try (var model = Tiny.LLAMA.chatting()) {
            var message = "the sea";
            var run = model.streamTraces(List.of(model.encodeChat(message)))
                    .toList()
                    .get(0)
                    .rollout();
            var wanted = lqr.frozenAt(run);
            var factory = ControllerFactory.frozen(lqr).named("frozen").kept();
            var found = factory.controllersInChat(model, List.of(message)).toList();
            var alone = factory.controllers(model, List.of(message)).toList();
            for (int k = 0; k < model.horizon(); k++) {
                double[] z = new double[model.dimension()];
                assertArrayEquals(wanted.input(k, z), found.get(0).input(k, z), "block " + k);
                assertFalse(Arrays.equals(wanted.input(k, z), alone.get(0).input(k, z)), "block " + k);
            }
            var settings =
                    Comparison.settings().tokens(6).sampling(Sampling.greedy()).asChat();
            assertEquals(
                    model.steered(wanted).chat(message, 6).text(),
                    Comparison.of(model, List.of(message), settings, factory)
                            .completions("frozen")
                            .get(0)
                            .text());
        }
    }
}
