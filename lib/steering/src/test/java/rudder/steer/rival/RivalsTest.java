package rudder.steer.rival;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.ReadAt;
import rudder.theory.control.ActivationTransport;
import rudder.theory.control.Barrier;
import rudder.theory.control.Controller;
import rudder.theory.control.FlowLaw;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import rudder.theory.control.Rollout;

/** The methods fitted to a tiny model. DecoderTest and ControllerFileTest take their controllers from here. */
public class RivalsTest {

    static final ContrastSet SET = new ContrastSet(
            "sea",
            List.of("the sea", "a wave then", "tides rise", "inner seas", "a sail sets", "salt", "oh sea", "the tide"),
            List.of("a street", "the sun sets", "he reads", "it then", "a horse", "trees", "in the east", "one hat"));

    /** Returns one controller of each method that steers by a controller. */
    public static List<Controller> kinds(Tiny tiny) {
        var model = tiny.model();
        var features = Features.contrast(model, SET);
        var condition = CastCondition.fit(model, features, SET.positive(), SET.negative());
        return List.of(
                Baselines.pidAcT(model, SET, 0.5, 0.1, 0.2),
                Controller.actAdd(Features.pca(model, SET, ReadAt.LAST).setpoint(1.5), 2),
                OdeSteer.of(model, SET).atBlock(2, 1.5),
                SphericalSteering.atBlock(features, 1, 0.6, 3, -0.7),
                LearnedInputs.fit(model, SET, 0.1, 2, 1),
                SphericalSteering.angular(features, 1.2, 1),
                Barrier.atBlock(features.setpoint(1.2), InputMatrix.everywhere(), 1),
                Barrier.from(features.setpoint(0.5), InputMatrix.everywhere(), 0),
                condition.whenToken(Controller.actAdd(features.setpoint(1), 2)));
    }

    @ParameterizedTest
    @EnumSource
    void eachIsMarkedWithItsModelAndActsAsInDoublePrecision(Tiny tiny) {
        var plant = tiny.model().plant("the sea");
        for (var controller : kinds(tiny)) {
            assertEquals(tiny.model().sha256(), controller.plant().orElseThrow(), controller.toString());
            var wanted = Rollout.of(plant, controller, plant.nominal().state(0));
            var found = tiny.model().steered(controller).trace("the sea").rollout();
            assertEquals(
                    0,
                    Golden.relative(found.states()[tiny.horizon], wanted.states()[tiny.horizon]),
                    1e-6,
                    controller.toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void theBarrierHoldsBehindEveryBlockOfAModel(Tiny tiny) {
        var bound = Features.contrast(tiny.model(), SET).setpoint(0.8);
        var barrier = Barrier.from(bound, InputMatrix.everywhere(), 1);
        for (var trace : tiny.model().steered(barrier).traces(SET.negative())) {
            for (int k = 2; k <= tiny.horizon; k++) {
                assertTrue(bound.inGaps(k, bound.strength(k, trace.state(k))) >= 0.8 - 1e-6, "z_" + k);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void pidTransportIsTheTheorysOfTheModelsPlants(Tiny tiny) {
        var model = tiny.model();
        var plants = model.plants(SET.negative());
        var wanted = ActivationTransport.pid(
                plants,
                plants.stream().map(plant -> plant.nominal().state(0)).toArray(double[][]::new),
                model.traces(SET.positive()).stream()
                        .map(trace -> trace.rollout())
                        .toList(),
                1,
                0.1,
                0.05);
        var found = Baselines.pidAcT(model, SET, 1, 0.1, 0.05);
        assertEquals(wanted.toString(), found.toString());
        double[] z0 = plants.get(0).nominal().state(0);
        assertEquals(
                0,
                Golden.relative(
                        Rollout.of(plants.get(0), found, z0).states()[tiny.horizon],
                        Rollout.of(plants.get(0), wanted, z0).states()[tiny.horizon]),
                1e-12);
    }

    @ParameterizedTest
    @EnumSource
    void stateAndOddsRiseAlongThePathOfTheFlow(Tiny tiny) {
        var model = tiny.model();
        var features = Features.contrast(model, SET);
        var flow = OdeSteer.of(model, SET);
        var law = flow.atBlock(1, 0.5).laws(HookPoint.RESID_POST, 1).get(0);
        var odds = (FlowLaw) law;
        assertEquals(0.5 * features.gap(2), odds.length(), 1e-9);
        for (var text : SET.negative()) {
            double[] before = model.traces(List.of(text)).get(0).state(2);
            double[] after = model.steered(flow.atBlock(1, 0.5)).trace(text).state(2);
            assertTrue(odds.logOdds(after) > odds.logOdds(before), text);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noSuchBlockIsRefusedByNumber(Tiny tiny) {
        var features = Features.contrast(tiny.model(), SET);
        int T = tiny.horizon;
        assertRefused(() -> OdeSteer.of(tiny.model(), SET).atBlock(T, 1), "block " + T);
        assertRefused(() -> OdeSteer.of(tiny.model(), SET).atBlock(1, Double.NaN), "length is NaN");
        assertRefused(() -> SphericalSteering.atBlock(features, -1, 0.5), "block -1");
        assertRefused(() -> SphericalSteering.atBlock(features, 1, -0.5), "alpha is -0.5");
        assertRefused(() -> Barrier.atBlock(features.setpoint(1), InputMatrix.everywhere(), T), "block " + T);
        assertRefused(() -> Baselines.pidAcT(tiny.model(), SET, 1, Double.NaN, 0), "kp, ki and kd");
    }
}
