package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.rival.Baselines;
import rudder.steer.rival.HeadProbes;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/** Whatever is measured on a model carries the sha256 of its weights. */
class PlantMarkTest {
    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final Optional<String> MARK = Optional.of(MODEL.sha256());
    private static final ContrastSet SET = new ContrastSet(
            "sea", List.of("the sea", "a wave then", "the tide"), List.of("a street", "the sun sets", "then rise"));

    private final Features features = Features.contrast(MODEL, SET);

    @Test
    void setpointsAndTheirControllersAreMarked() {
        assertEquals(MARK, features.plant());
        assertEquals(MARK, features.setpoint(1).plant());
        assertEquals(MARK, features.absolute(1).plant());
        assertEquals(MARK, Controller.actAdd(features.setpoint(1), 2).plant());
        var runs = MODEL.traces(SET.positive()).stream()
                .map(trace -> trace.rollout())
                .toList();
        var others = MODEL.traces(SET.negative()).stream()
                .map(trace -> trace.rollout())
                .toList();
        var any = Features.between("sea", runs, others);
        assertEquals(Optional.empty(), any.plant());
        assertEquals(Optional.empty(), any.setpoint(1).plant());
    }

    @Test
    void linearisationsAndTheirRegulatorsAreMarked() {
        var system = Linearisation.mean(MODEL, SET.positive());
        assertEquals(MARK, system.plant());
        var solution = Lqr.solve(system, new QuadraticCost(0.1, 10, 1));
        var any = Features.between("sea", List.of(run("the sea")), List.of(run("a street")));
        assertEquals(MARK, Controller.lqr(solution, any.setpoint(1)).plant());
        assertEquals(
                MARK, Controller.tracking(solution, run("the sea").states()).plant());
    }

    private static Rollout run(String prompt) {
        return MODEL.trace(prompt).rollout();
    }

    @Test
    void promptsGivenAsTokensHaveTheSameMeanAndTheMark() {
        var texts = Linearisation.mean(MODEL, SET.positive());
        var tokens = Linearisation.meanOfTokens(
                MODEL, SET.positive().stream().map(MODEL::encode).toList());
        assertEquals(texts.toString(), tokens.toString());
        assertEquals(MARK, tokens.plant());
        for (int k = 0; k < MODEL.horizon(); k++) {
            assertArrayEquals(texts.jacobian(k).data, tokens.jacobian(k).data);
        }
    }

    @Test
    void controllersOfTheLiteratureAreMarked() {
        var acT = Baselines.acT(MODEL, SET);
        for (var controller : List.of(
                Baselines.caa(features, 2),
                Baselines.angular(features, 1, 2),
                Baselines.meanAcT(MODEL, SET),
                Baselines.linearAcT(MODEL, SET),
                acT.mean(),
                acT.linear(),
                HeadProbes.of(MODEL, SET).iti(2))) {
            assertEquals(MARK, controller.plant(), controller.toString());
        }
    }

    @Test
    void caaAddsTheDifferenceOfTheMeansBehindOneBlock() {
        var caa = Baselines.caa(features, 2);
        assertEquals("CAA at block 2", caa.name());
        double[] u = caa.input(2, new double[MODEL.dimension()]);
        for (int i = 0; i < u.length; i++) {
            double difference =
                    features.positive().states()[3][i] - features.negative().states()[3][i];
            assertEquals(difference, u[i], 1e-12);
        }
        assertRefused(() -> Baselines.caa(features, MODEL.horizon()), "block 4", "0..3");
        assertRefused(() -> Baselines.angular(features, 1, MODEL.horizon()), "block 4", "0..3");
    }

    @Test
    void filesMarkWhatIsLoadedAndRefuseAnotherPlantsController(@TempDir Path folder) throws IOException {
        var file = folder.resolve("a.safetensors");
        ControllerFile.save(file, Controller.actAdd(Tiny.LLAMA.setpoint(1), 2), MODEL);
        var loaded = ControllerFile.load(file, MODEL);
        assertEquals(MARK, loaded.plant());
        assertEquals(MARK, loaded.setpoint().orElseThrow().plant());
        var other = loaded.forAnyPlant().measuredOn("1".repeat(64));
        assertRefused(() -> ControllerFile.save(file, other, MODEL), "1".repeat(64), "one plant");
    }
}
