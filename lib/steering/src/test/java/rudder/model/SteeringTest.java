package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.theory.Setpoint;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.Rollout;

/**
 * What a controller does to a model: u_k = W (b - C z_k), measured where block k is entered and added to what leaves
 * it.
 */
class SteeringTest {

    private static final int TOKENS = 7;

    @ParameterizedTest
    @EnumSource
    void zeroGainIsBitIdenticalToUnsteered(Tiny tiny) {
        var model = tiny.model(DataType.FLOAT32);
        var setpoint = tiny.setpoint(2);
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = 0; k < tiny.horizon; k++) {
            laws.put(k, ControlLaw.along(setpoint.direction(k), setpoint.target(k), new double[Tiny.D]));
        }
        var free = model.steered(Controller.none());
        for (Controller zero : List.of(
                Controller.of("zero gain", laws, setpoint), Controller.spreadActAdd(setpoint.withStrength(0), 0))) {
            for (SteeredModel steered :
                    List.of(model.steered(zero), model.steered(zero).atEveryToken())) {
                for (int n : new int[] {1, 4, 9}) {
                    assertArrayEquals(
                            free.logits(Tiny.tokens(n, n)),
                            steered.logits(Tiny.tokens(n, n)),
                            steered + ", logits after " + n + " tokens");
                }
                var wanted = free.generate(Tiny.TEXTS, TOKENS, Sampling.paper());
                var found = steered.generate(Tiny.TEXTS, TOKENS, Sampling.paper());
                for (int i = 0; i < wanted.size(); i++) {
                    assertArrayEquals(wanted.get(i).tokens(), found.get(i).tokens(), steered.toString());
                    assertEquals(0, found.get(i).energyPerToken());
                }
            }
        }
    }

    /**
     * z + alpha v, alpha = beta* - v.z, has v.z' = beta*; the input acts behind the block, so it is the block's output
     * that is measured.
     */
    @ParameterizedTest
    @EnumSource
    void aUnitGainInputLeavesNoErrorBehind(Tiny tiny) {
        var setpoint = tiny.setpoint(1.5);
        int[] tokens = Tiny.tokens(7, 1);
        var free = tiny.model()
                .steered(Controller.none())
                .tracesOfTokens(List.of(tokens))
                .get(0);
        for (int k = 0; k < tiny.horizon; k++) {
            double[] state = free.state(k + 1);
            double alpha = setpoint.error(k + 1, state);
            double[] u =
                    Arrays.stream(setpoint.direction(k + 1)).map(v -> alpha * v).toArray();
            var unit = Controller.of("unit gain", Map.of(k, ControlLaw.constant(u)), null);
            double[] steered = tiny.model()
                    .steered(unit)
                    .tracesOfTokens(List.of(tokens))
                    .get(0)
                    .state(k + 1);
            assertEquals(0, setpoint.error(k + 1, steered), 1e-12, "alpha behind block " + k);
            assertEquals(
                    0,
                    Golden.relative(steered, setpoint.closest(k + 1, state)),
                    1e-14,
                    "the closest state of the target strength");
        }
    }

    /**
     * With one direction v and target for all blocks, u_k = alpha_k v takes away the error measured at the entry, and
     * what is left behind the block is the block's own doing: alpha_{k+1} = -v.(phi_k(z_k) - z_k).
     */
    @ParameterizedTest
    @EnumSource
    void unitGainInClosedLoopLeavesOnlyWhatTheBlockItselfAdds(Tiny tiny) {
        double[] v = tiny.setpoint(1).direction(0);
        var setpoint = Setpoint.constant(tiny.horizon, v, 3);
        var laws = new TreeMap<Integer, ControlLaw>();
        for (int k = 0; k < tiny.horizon; k++) {
            laws.put(k, ControlLaw.along(v, 3, v));
        }
        int[] tokens = Tiny.tokens(7, 1);
        var plant = tiny.model().plant(tokens);
        var trace = tiny.model()
                .steered(Controller.of("unit gain", laws, setpoint))
                .tracesOfTokens(List.of(tokens))
                .get(0);
        double[] errors = trace.rollout().errors(setpoint);
        for (int k = 0; k < tiny.horizon; k++) {
            double own = setpoint.strength(k, plant.next(k, trace.state(k))) - setpoint.strength(k, trace.state(k));
            assertEquals(-own, errors[k + 1], 1e-6, "alpha behind block " + k);
            assertTrue(Math.abs(own) > 1e-3, "a block that adds nothing says nothing");
        }
    }

    /** Every pass of a generation, by hand: inputs from the prompt's last token on, or from its first. */
    @ParameterizedTest
    @EnumSource
    void tokensStrengthsAndEnergiesAreTheTextbooksAtEveryPass(Tiny tiny) {
        var model = tiny.model();
        var plain = new PlainTransformer(tiny);
        var setpoint = tiny.setpoint(1.5);
        var controller = tiny.lqr(setpoint);
        for (boolean every : new boolean[] {false, true}) {
            var steered = every ? model.steered(controller).atEveryToken() : model.steered(controller);
            for (var completion : steered.generate(Tiny.TEXTS, TOKENS, Sampling.greedy())) {
                int[] prompt = model.encode(completion.prompt());
                assertEquals(TOKENS, completion.strengths().length);
                assertEquals(TOKENS, completion.energies().length);
                double[][][] states = plain.states(
                        DecodingTest.joined(prompt, completion.tokens()), controller, every ? 0 : prompt.length - 1);
                for (int i = 0; i < TOKENS; i++) {
                    double[][] z = states[prompt.length - 1 + i];
                    double[][] u = new double[tiny.horizon][];
                    Arrays.setAll(u, k -> controller.input(k, z[k]));
                    var wanted = new Rollout(z, u);
                    String what = steered + ", '" + completion.prompt() + "', token " + i;
                    assertEquals(0, Golden.relative(completion.strengths()[i], wanted.strengths(setpoint)), 1e-5, what);
                    assertEquals(0, Golden.relative(completion.energies()[i], wanted.energies()), 1e-5, what);
                    double[] logits = plain.logits(z[tiny.horizon]);
                    double most = Arrays.stream(logits).max().orElseThrow();
                    assertEquals(most, logits[completion.tokens()[i]], 1e-5, what);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theFirstPassOfACompletionIsTheRolloutOfItsPromptsPlant(Tiny tiny) {
        var model = tiny.model();
        var setpoint = tiny.setpoint(1.5);
        for (Controller controller : List.of(tiny.lqr(setpoint), Controller.actAdd(setpoint, 1), Controller.none())) {
            for (String text : Tiny.TEXTS) {
                var plant = model.plant(text);
                var rollout = Rollout.of(plant, controller, plant.nominal().state(0));
                var completion = model.steered(controller).measuring(setpoint).generate(text, 2);
                assertEquals(
                        0,
                        Golden.relative(completion.strengths()[0], rollout.strengths(setpoint)),
                        1e-6,
                        controller + ", " + text);
                assertArrayEquals(
                        rollout.energies(),
                        completion.energies()[0],
                        1e-6 * (1 + rollout.energy()),
                        controller + ", " + text);
                assertEquals(controller.name(), completion.controller());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void steeringEveryTokenMovesEarlierKeysAndOfOneTokenIsSteeringTheLast(Tiny tiny) {
        var last = tiny.model().steered(tiny.lqr(tiny.setpoint(2)));
        var every = last.atEveryToken();
        var one = List.of(Tiny.tokens(1, 1));
        var many = List.of(Tiny.tokens(4, 1));
        assertArrayEquals(
                last.tracesOfTokens(one).get(0).rollout().states(),
                every.tracesOfTokens(one).get(0).rollout().states());
        assertArrayEquals(last.logits(one.get(0)), every.logits(one.get(0)));
        double[][] a = last.tracesOfTokens(many).get(0).rollout().states();
        double[][] b = every.tracesOfTokens(many).get(0).rollout().states();
        assertArrayEquals(a[1], b[1], 1e-12, "the first block's keys are read from states that no input has reached");
        assertTrue(Golden.relative(a[2], b[2]) > 1e-3, "the second's are not");
    }

    /** Tokens that were steered as they were written leave the keys that steering them all at once leaves. */
    @ParameterizedTest
    @EnumSource
    void writingFromOneTokenIsSteeringEveryTokenOfWhatWasWritten(Tiny tiny) {
        var model = tiny.model();
        var setpoint = tiny.setpoint(1);
        var steered = model.steered(tiny.lqr(setpoint));
        String text = tiny == Tiny.GEMMA3 ? "" : "s";
        int[] prompt = model.encode(text);
        assertEquals(1, prompt.length);
        var completion = steered.generate(text, 9, Sampling.greedy());
        for (int i = 0; i < 9; i++) {
            int[] sequence = DecodingTest.joined(prompt, Arrays.copyOf(completion.tokens(), i));
            var trace = steered.atEveryToken().tracesOfTokens(List.of(sequence)).get(0);
            assertEquals(
                    0,
                    Golden.relative(completion.strengths()[i], trace.rollout().strengths(setpoint)),
                    1e-12,
                    "token " + i);
            assertEquals(
                    DecodingTest.best(steered.atEveryToken().logits(sequence)),
                    completion.tokens()[i],
                    "token " + i);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsNotMeasuredHasNoRowsAndWhatIsNotAddedNoEnergy(Tiny tiny) {
        var completion = tiny.model().generate("the", 3);
        assertEquals(0, completion.strengths().length);
        assertArrayEquals(new double[3][tiny.horizon], completion.energies());
        var one = tiny.model().steered(Controller.actAdd(tiny.setpoint(2), 2)).generate("the", 3);
        double length = 2 * tiny.setpoint(2).gap(3);
        for (double[] energies : one.energies()) {
            for (int k = 0; k < tiny.horizon; k++) {
                assertEquals(k == 2 ? length * length : 0, energies[k], 1e-12);
            }
        }
        assertEquals(length * length, one.energyPerToken(), 1e-12);
    }
}
