package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.model.plant.PromptPlant;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.FlowLaw;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import rudder.theory.control.Rollout;
import rudder.theory.control.SphericalLaw;
import rudder.theory.control.TransportLaw;

/** Every kind of law at every place and on every choice of tokens, on the device as by hand. */
public class HookPointsTest {

    private static final int TOKENS = 5;

    /** One controller of each kind that there is. */
    public static List<Controller> kinds(Tiny tiny) {
        var setpoint = tiny.setpoint(1.5);
        var random = new Random(3);
        var transport = TransportLaw.between(samples(random, Tiny.D), samples(random, Tiny.D));
        double[] onHeads = random.doubles(tiny.heads * tiny.width, -1, 1).toArray();
        return List.of(
                tiny.lqr(setpoint),
                tiny.lqr(setpoint).times(0.5),
                tiny.lqr(setpoint).onlyWhen(tiny.setpoint(0), -1, 0.5),
                Controller.of("transport", HookPoint.RESID_POST, Map.of(0, transport, 2, transport), setpoint),
                Controller.of(
                        "rotation",
                        Map.of(1, ControlLaw.rotation(setpoint.direction(0), setpoint.direction(1), 40)),
                        setpoint),
                Controller.of(
                        "heads",
                        HookPoint.HEAD_OUT,
                        Map.of(0, ControlLaw.constant(onHeads), 1, ControlLaw.along(onHeads, 2, onHeads)),
                        setpoint),
                Controller.actAdd(setpoint, 1)
                        .plus(Controller.of(
                                "clamp behind",
                                HookPoint.RESID_POST,
                                Map.of(
                                        1,
                                        ControlLaw.along(
                                                setpoint.direction(2), setpoint.target(2), setpoint.direction(2))),
                                setpoint)),
                directions(tiny));
    }

    /** Laws of the state's direction: a gated rotation and a flow. */
    public static Controller directions(Tiny tiny) {
        var setpoint = tiny.setpoint(1.5);
        var random = new Random(4);
        var flow = new FlowLaw(
                new DMatrixRMaj(samples(random, Tiny.D)),
                random.doubles(9, -1, 1).toArray(),
                0.1,
                1,
                1.5,
                10,
                1.1);
        return Controller.of(
                "directions", Map.of(1, new SphericalLaw(setpoint.direction(1), 2, 0.6, -0.7, 0.9), 3, flow), setpoint);
    }

    private static double[][] samples(Random random, int d) {
        return random.ints(9)
                .mapToObj(i -> random.doubles(d, -2, 2).toArray())
                .limit(9)
                .toArray(double[][]::new);
    }

    @ParameterizedTest
    @EnumSource
    void everyKindActsAsByHandAtEveryToken(Tiny tiny) {
        var model = tiny.model();
        var plain = new PlainTransformer(tiny);
        var setpoint = tiny.setpoint(1.5);
        for (var controller : kinds(tiny)) {
            for (var choice : PositionsTest.choices()) {
                var completion = model.steered(controller)
                        .atPositions(choice.positions())
                        .measuring(setpoint)
                        .generate("the sea", TOKENS, Sampling.greedy());
                int n = completion.promptTokens().length;
                int[] all = DecodingTest.joined(completion.promptTokens(), completion.tokens());
                double[][][] z = plain.states(all, controller, t -> choice.steers(t, n));
                for (int i = 0; i < TOKENS; i++) {
                    double[][] states = z[n - 1 + i];
                    double[] wanted = new Rollout(states, new double[tiny.horizon][]).strengths(setpoint);
                    assertEquals(
                            0,
                            Golden.relative(completion.strengths()[i], wanted),
                            1e-5,
                            controller + " at " + choice + ", token " + i);
                    boolean steered = choice.steers(n - 1 + i, n);
                    assertTrue(
                            steered || Arrays.stream(completion.energies()[i]).allMatch(energy -> energy == 0),
                            controller + " at " + choice);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRolloutOfAPromptsPlantIsWhatTheModelDoes(Tiny tiny) {
        var plant = tiny.model().plant("the sea");
        for (var controller : kinds(tiny)) {
            if (controller.blocks(HookPoint.HEAD_OUT).isEmpty()) {
                var rollout = Rollout.of(plant, controller, plant.nominal().state(0));
                var trace = tiny.model().steered(controller).trace("the sea").rollout();
                assertEquals(
                        0,
                        Golden.relative(trace.states()[tiny.horizon], rollout.states()[tiny.horizon]),
                        1e-6,
                        controller.toString());
                assertEquals(rollout.energy(), trace.energy(), 1e-6 * (1 + rollout.energy()), controller.toString());
            }
        }
    }

    /** PID remembers; side by side with others it remembers its own rows. */
    @ParameterizedTest
    @EnumSource
    void promptsWithControllersOfTheirOwnAreWrittenAsEachAlone(Tiny tiny) {
        var model = tiny.model();
        var setpoint = tiny.setpoint(1.5);
        var pid = Controller.pid(setpoint, .5, .2, -.1, 2);
        var controllers = List.of(pid, kinds(tiny).get(5), pid, pid, Controller.none());
        var together = model.steered(controllers).measuring(setpoint).generate(Tiny.TEXTS, TOKENS, Sampling.greedy());
        var traces = model.steered(controllers).traces(Tiny.TEXTS);
        for (int i = 0; i < Tiny.TEXTS.size(); i++) {
            var view = model.steered(controllers.get(i)).measuring(setpoint);
            var alone = view.generate(Tiny.TEXTS.get(i), TOKENS, Sampling.greedy());
            assertArrayEquals(alone.tokens(), together.get(i).tokens(), "row " + i);
            assertEquals(controllers.get(i).name(), together.get(i).controller());
            for (int t = 0; t < TOKENS; t++) {
                assertEquals(
                        0,
                        Golden.relative(alone.strengths()[t], together.get(i).strengths()[t]),
                        1e-6,
                        "row " + i + ", token " + t);
            }
            double[] last = view.trace(Tiny.TEXTS.get(i)).state(tiny.horizon);
            assertEquals(0, Golden.relative(last, traces.get(i).state(tiny.horizon)), 1e-6, "row " + i);
        }
        var two = model.steered(List.of(pid, pid));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> two.traces(Tiny.TEXTS))
                .getMessage()
                .contains("5 prompts for 2 controllers"));
    }

    @ParameterizedTest
    @EnumSource
    void aControllerMadeAnewThatIsTheSameIsTheSame(Tiny tiny) {
        var model = tiny.model();
        var setpoint = tiny.setpoint(1.5);
        var lqr = tiny.lqr(setpoint);
        var wanted = model.steered(lqr).generate(Tiny.TEXTS, TOKENS, Sampling.greedy());
        var found = model.steeredPerToken(plant -> lqr, setpoint).generate(Tiny.TEXTS, TOKENS, Sampling.greedy());
        for (int i = 0; i < wanted.size(); i++) {
            assertArrayEquals(wanted.get(i).tokens(), found.get(i).tokens());
            assertEquals(
                    0,
                    Golden.relative(
                            wanted.get(i).strengths()[TOKENS - 1], found.get(i).strengths()[TOKENS - 1]),
                    1e-6);
        }
    }

    /** The plant that a controller is made from at a token is the one that the token then runs through. */
    @ParameterizedTest
    @EnumSource
    void atEveryTokenTheControllerIsMadeFromThePlantItSteers(Tiny tiny) {
        var setpoint = tiny.setpoint(1.5);
        var weights = new double[tiny.horizon + 1];
        Arrays.fill(weights, 1);
        var plants = new ArrayList<PromptPlant>();
        var controllers = new ArrayList<Controller>();
        var completion = tiny.model()
                .steeredPerToken(
                        plant -> {
                            plants.add(plant);
                            controllers.add(FeatureTracker.of(
                                    plant,
                                    plant.nominal().rollout().states(),
                                    setpoint,
                                    weights,
                                    1,
                                    InputMatrix.everywhere()));
                            return controllers.get(controllers.size() - 1);
                        },
                        setpoint)
                .generate("the sea", TOKENS);
        assertEquals(TOKENS, plants.size());
        for (int t = 0; t < TOKENS; t++) {
            var rollout = Rollout.of(
                    plants.get(t), controllers.get(t), plants.get(t).nominal().state(0));
            assertEquals(
                    0, Golden.relative(completion.strengths()[t], rollout.strengths(setpoint)), 1e-6, "token " + t);
        }
    }

    @ParameterizedTest
    @EnumSource
    void zeroStrengthIsBitIdenticalToUnsteered(Tiny tiny) {
        var model = tiny.model(DataType.FLOAT32);
        float[] free = model.logits(Tiny.tokens(7, 1));
        for (var controller : kinds(tiny)) {
            for (var choice : PositionsTest.choices()) {
                var zero = model.steered(controller.times(0)).atPositions(choice.positions());
                assertArrayEquals(free, zero.logits(Tiny.tokens(7, 1)), zero.toString());
            }
        }
    }

    /** |W_o u|^2: the energy of a constant input on the heads does not depend on the token. */
    @ParameterizedTest
    @EnumSource
    void inputsOnHeadsCountAsTheyReachTheStream(Tiny tiny) {
        double[] u = new Random(4).doubles(tiny.heads * tiny.width, -1, 1).toArray();
        var heads = Controller.of("heads", HookPoint.HEAD_OUT, Map.of(1, ControlLaw.constant(u)), null);
        var energies = tiny.model().steered(heads).generate("the sea", TOKENS).energies();
        double wanted = new PlainTransformer(tiny).mixed(1, u);
        for (double[] energy : energies) {
            assertEquals(0, energy[0] + energy[2]);
            assertEquals(wanted, energy[1], 1e-9 * wanted);
        }
    }

    @ParameterizedTest
    @EnumSource
    void headOutputsAreWhatAnInputOfTheirNegativeTakesAway(Tiny tiny) {
        var model = tiny.model();
        double[][] heads = model.headOutputs(List.of(model.encode("the sea")), null)[0];
        double[] negative = Arrays.stream(heads[0]).map(x -> -x).toArray();
        var controller = Controller.of("mute", HookPoint.HEAD_OUT, Map.of(0, ControlLaw.constant(negative)), null);
        double[] muted = model.steered(controller).trace("the sea").state(1);
        assertEquals(
                0,
                Golden.relative(
                        muted,
                        new PlainTransformer(tiny)
                                .mlpAlone(0, model.trace("the sea").state(0))),
                1e-6,
                "nothing passes attention");
    }

    /** Distributions from the logits of two models, one steered and one not, after every prefix. */
    @ParameterizedTest
    @EnumSource
    void divergencesAreThoseOfTheTwoNextTokenDistributions(Tiny tiny) {
        var model = tiny.model();
        for (var choice : PositionsTest.choices()) {
            var steered = model.steered(tiny.lqr(tiny.setpoint(2))).atPositions(choice.positions());
            var prompt = List.of("the sea");
            var moved = steered.generateMoved(prompt, prompt, TOKENS, Sampling.greedy())
                    .get(0);
            var completion = moved.completion();
            double[] found = moved.divergences();
            var plain = new PlainTransformer(tiny);
            int n = completion.promptTokens().length;
            int[] all = DecodingTest.joined(completion.promptTokens(), completion.tokens());
            double[][][] p = plain.states(all, steered.controller(), t -> choice.steers(t, n));
            double[][][] q = plain.states(all, Controller.none(), t -> false);
            for (int i = 0; i < TOKENS; i++) {
                double wanted =
                        divergence(plain.logits(p[n - 1 + i][tiny.horizon]), plain.logits(q[n - 1 + i][tiny.horizon]));
                // logits and sums are in single precision
                assertEquals(wanted, found[i], 1e-6 + 1e-5 * wanted, choice + ", token " + i);
            }
            for (var view : List.of(steered, model.steered(Controller.none()).atPositions(choice.positions()))) {
                double[] own = view.surprisals(
                                List.of(completion.promptTokens()), List.of(List.of(completion.tokens())))[0][0];
                double[][][] z = view == steered ? p : q;
                for (int i = 0; i < TOKENS; i++) {
                    double wanted = surprisal(
                            plain.logits(z[n - 1 + i][tiny.horizon]), completion.tokens()[i]);
                    assertEquals(wanted, own[i], 1e-9 + 1e-6 * wanted, choice + ", token " + i);
                }
            }
        }
        var free = model.steered(Controller.none())
                .generateMoved(List.of("the sea"), List.of("the sea"), TOKENS, Sampling.greedy());
        assertArrayEquals(new double[TOKENS], free.get(0).divergences());
    }

    private static double surprisal(double[] logits, int token) {
        return Math.log(Arrays.stream(logits).map(Math::exp).sum()) - logits[token];
    }

    private static double divergence(double[] p, double[] q) {
        double zp = Arrays.stream(p).map(Math::exp).sum();
        double zq = Arrays.stream(q).map(Math::exp).sum();
        double sum = 0;
        for (int x = 0; x < p.length; x++) {
            sum += Math.exp(p[x]) / zp * (p[x] - Math.log(zp) - q[x] + Math.log(zq));
        }
        return sum;
    }
}
