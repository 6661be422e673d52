package rudder.model;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** Bad input is refused with the input, what was found, what was wanted and what to do. */
class UnsupportedUseTest {

    private static final Tiny LLAMA = Tiny.LLAMA;
    private final LanguageModel model = LLAMA.model();

    private static void assertRefuses(Executable call, String... words) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        for (String word : words) {
            assertTrue(message.contains(word), () -> "'" + message + "' does not say '" + word + "'");
        }
    }

    /** A model with one tensor replaced, or left out where null. */
    private static LanguageModel load(Tiny tiny, String name, Tiny.Tensor tensor) {
        var tensors = tiny.tensors();
        if (tensor == null) {
            tensors.remove(name);
        } else {
            tensors.put(name, tensor);
        }
        return tiny.load(DataType.FLOAT32, tensors, file -> {});
    }

    private static Executable loading(Tiny tiny, String name, Tiny.Tensor tensor) {
        return () -> load(tiny, name, tensor).close();
    }

    /** Every kind of tensor once: all that gemma3 has, and what only others have. */
    private static Stream<Arguments> everyTensor() {
        var gemma = Tiny.GEMMA3.tensors().keySet();
        return Stream.of(Tiny.GEMMA3, Tiny.QWEN2).flatMap(tiny -> tiny.tensors().keySet().stream()
                .filter(name -> tiny == Tiny.GEMMA3 || !gemma.contains(name))
                .filter(name -> !name.startsWith("blk.") || name.startsWith("blk.1."))
                .map(name -> Arguments.of(tiny, name)));
    }

    @ParameterizedTest
    @MethodSource("everyTensor")
    void aTensorThatIsNotFinite(Tiny tiny, String name) {
        var sound = tiny.tensors().get(name);
        float[] values = sound.values().clone();
        values[5] = name.contains("norm") ? Float.NEGATIVE_INFINITY : Float.NaN;
        assertRefuses(
                () -> {
                    try (var damaged = load(tiny, name, new Tiny.Tensor(sound.shape(), values))) {
                        damaged.logits(new int[] {0}); // reads what is not read on loading
                    }
                },
                "tiny",
                "tensor " + name + " ",
                "holds " + values[5] + " at element 5",
                "must be finite",
                "fetch it again");
    }

    @ParameterizedTest
    @MethodSource("everyTensor")
    void aTensorOfAnotherShape(Tiny tiny, String name) {
        var sound = tiny.tensors().get(name);
        long[] shape = sound.shape().clone();
        shape[0] -= 1;
        int size = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        assertRefuses(
                loading(tiny, name, new Tiny.Tensor(shape, Arrays.copyOf(sound.values(), size))),
                "tiny",
                "tensor " + name + " ",
                Arrays.toString(shape),
                Arrays.toString(sound.shape()),
                tiny.architecture(),
                "another conversion");
    }

    @ParameterizedTest
    @MethodSource("everyTensor")
    void aTensorThatIsMissing(Tiny tiny, String name) {
        if (!name.equals("output.weight")) { // without it, the embedding serves
            assertRefuses(
                    loading(tiny, name, null),
                    "tiny",
                    tiny.architecture(),
                    "no tensor '" + name + "'",
                    "another conversion");
        }
    }

    @Test
    void anArchitectureThatIsNotSupported() {
        assertRefuses(
                () -> Tiny.load(DataType.FLOAT32, LLAMA.metadata("mamba")),
                "tiny",
                "'mamba'",
                "[gemma2, gemma3, llama, phi3, qwen2, qwen3]",
                "Convert another");
    }

    @Test
    void aModelThatIsNotKnown() {
        assertRefuses(() -> LanguageModel.load("SmolLM3"), "\"SmolLM3\"", "neither a file", "SmolLM2-135M-Instruct");
    }

    @Test
    void aPromptThatDoesNotFitTheContext() {
        String longest = "s".repeat(Tiny.CONTEXT);
        model.encode(longest);
        String text = longest + "s";
        int[] tokens = new int[Tiny.CONTEXT + 1];
        for (Executable call : List.<Executable>of(
                () -> model.trace(text),
                () -> model.plant(text),
                () -> model.plant(tokens),
                () -> model.logits(tokens),
                () -> model.perplexity(text),
                () -> model.surprisals(tokens),
                () -> model.meanJacobians(List.of("s", text)),
                () -> model.steered(Controller.none()).tracesOfTokens(List.of(tokens)))) {
            assertRefuses(call, "prompt has 641 tokens", "tiny", "holds 640", "shorten the prompt");
        }
        assertRefuses(
                () -> model.generate("s".repeat(600), 41),
                "prompt has 600 tokens and 41 are to follow",
                "tiny",
                "holds 640",
                "ask for fewer tokens");
        assertRefuses(() -> model.generate(List.of("s", "s".repeat(600)), 41, Sampling.greedy()), "600 tokens and 41");
    }

    @Test
    void theWholeContextCanBeUsed() {
        assertTrue(model.generate("s".repeat(Tiny.CONTEXT - 1), 1).tokens().length == 1);
        assertTrue(model.logits(Tiny.tokens(Tiny.CONTEXT, 1)).length == Tiny.VOCABULARY);
    }

    @Test
    void anEmptyPrompt() {
        int[] none = {};
        for (Executable call : List.<Executable>of(
                () -> model.generate("", 3),
                () -> model.trace(""),
                () -> model.plant(""),
                () -> model.perplexity(""),
                () -> model.perplexity(none, 1),
                () -> model.surprisals(none),
                () -> model.logits(none),
                () -> model.plant(none),
                () -> model.steered(Controller.none()).tracesOfTokens(List.of(new int[] {7}, none)))) {
            assertRefuses(call, "prompt is empty", "tiny", "at least one token");
        }
        assertRefuses(() -> model.meanJacobians(List.of()), "no prompts", "at least one");
        assertRefuses(() -> model.perplexity("s"), "at least one token after");
        var steered = model.steered(Controller.none());
        int[] some = {7, 8};
        assertRefuses(
                () -> steered.surprisals(List.of(some, some), List.of(List.of(some), List.of(some, none))),
                "continuation 2 of prompt 2 is empty",
                "at least one token");
    }

    /** Nothing comes before the first token, so nothing can be said about it. */
    @Test
    void aSurprisalOfTheFirstToken() {
        for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) {
            for (int from : new int[] {0, -1}) {
                var some = LLAMA.model(type);
                int[] tokens = {7, 8, 9};
                assertRefuses(() -> some.perplexity(tokens, from), "token " + from, "from 1 on");
                assertRefuses(
                        () -> some.surprisals(List.of(tokens, tokens), 1, from), "sequence 2 of 2", "token " + from);
            }
        }
    }

    @Test
    void tokensThatTheVocabularyLacks() {
        for (int token : new int[] {-1, Tiny.VOCABULARY}) {
            for (Executable call : List.<Executable>of(
                    () -> model.logits(new int[] {3, token}),
                    () -> model.plant(new int[] {token}),
                    () -> model.surprisals(new int[] {token, 3}))) {
                assertRefuses(call, "token id " + token, "0 to " + (Tiny.VOCABULARY - 1));
            }
        }
    }

    @Test
    void noTokensToWrite() {
        for (int n : new int[] {0, -3}) {
            assertRefuses(() -> model.generate("s", n), "maxTokens is " + n, "at least 1");
        }
    }

    @Test
    void aControllerOrSetpointOfAnotherModel() {
        var deeper = Tiny.GEMMA3.setpoint(1);
        assertRefuses(
                () -> model.steered(Controller.spreadActAdd(deeper, 0)), "spread ActAdd 1.0 mu_k", "block 4", "0..3");
        assertRefuses(() -> model.steered(Controller.actAdd(deeper, 1)), "T=6", "4 blocks", "features of this model");
        assertRefuses(
                () -> model.steered(Controller.none()).measuring(deeper), "T=6", "4 blocks", "features of this model");
        var narrower = Setpoint.constant(LLAMA.horizon, new double[] {0, 1}, 1);
        assertRefuses(() -> model.steered(Controller.actAdd(narrower, 0)), "width 2", "48");
        assertRefuses(
                () -> model.steered(Controller.none()).measuring(narrower), "d=2", "d=48", "features of this model");
    }

    /** Of the same shape, but of other weights: all tiny models share a checksum but this one. */
    @Test
    void aControllerOrSetpointMeasuredOnAnotherModelOfTheSameShape() {
        String other = "feedbeef".repeat(8);
        try (var twin = Tiny.load(DataType.FLOAT64, LLAMA.gguf(), other)) {
            var target = LLAMA.setpoint(1).measuredOn(other);
            var marked = Controller.actAdd(target, 1);
            twin.steered(marked).measuring(target).generate("s", 1);
            String[] words = {"sha256 feedbeeffeed...", "000000000000...", "on this model", "forAnyPlant()"};
            assertRefuses(() -> model.steered(marked), words);
            assertRefuses(() -> model.steered(marked), "controller 'ActAdd 1.0 mu_k at block 1'");
            assertRefuses(() -> model.steered(List.of(Controller.none(), marked)), words);
            assertRefuses(() -> model.steered(Controller.none()).measuring(target), words);
            assertRefuses(() -> model.steeredPerToken(plant -> Controller.none(), target), words);
            assertRefuses(() -> model.steeredPerToken(plant -> marked, null).generate("s", 1), words);
            model.steered(marked.forAnyPlant()).generate("s", 1);
            model.steered(Controller.none()).measuring(target.forAnyPlant()).generate("s", 1);
        }
    }

    /** In single precision texts are written on the heap, in double precision by the engine. */
    @Test
    void aConductorsControllersAndFeaturesAreThoseOfTheModel() {
        var target = LLAMA.setpoint(1).measuredOn("feedbeef".repeat(8));
        var marked = Controller.actAdd(target, 1);
        var deeper = Tiny.GEMMA3.setpoint(1);
        for (var type : List.of(DataType.FLOAT32, DataType.FLOAT64)) {
            var some = LLAMA.model(type);
            String[] words = {"sha256 feedbeeffeed...", "000000000000...", "on this model", "forAnyPlant()"};
            assertRefuses(() -> conduct(some, marked, List.of()), words);
            assertRefuses(() -> conduct(some, Controller.spreadActAdd(deeper, 0), List.of()), "block 4", "0..3");
            assertRefuses(() -> conduct(some, null, List.of()), "controller 1 of 1 is null");
            assertRefuses(() -> conduct(some, Controller.none(), List.of(target)), words);
            assertRefuses(
                    () -> conduct(some, Controller.none(), List.of(deeper)),
                    "T=6",
                    "4 blocks",
                    "features of this model");
            conduct(some, marked.forAnyPlant(), List.of(target.forAnyPlant()));
        }
    }

    /** @param then steers from the second token on */
    private static void conduct(LanguageModel model, Controller then, List<Setpoint> features) {
        model.steered(Controller.none())
                .conduct(List.of(model.encode("the sea")), 3, Sampling.greedy(), new Conductor() {
                    @Override
                    public List<Setpoint> measured() {
                        return features;
                    }

                    @Override
                    public List<Controller> controllers(int index, List<Controller> now) {
                        return Collections.singletonList(then);
                    }

                    @Override
                    public boolean after(Step step) {
                        return true;
                    }
                });
    }

    @Test
    void statesAndBlocksThatThePlantLacks() {
        var plant = model.plant("the sea");
        assertRefuses(() -> plant.next(4, new double[Tiny.D]), "block 4", "0..3");
        assertRefuses(() -> plant.jacobian(-1), "-1", "0..4");
        assertRefuses(() -> plant.next(0, new double[3]), "3 numbers", "d = 48");
        assertRefuses(() -> plant.jvp(0, new DMatrixRMaj(2, 3)), "3 numbers", "d = 48");
    }

    @Test
    void jacobiansThatAreNotFinite() {
        var plant = model.plant("the sea");
        double[] overflowed = plant.nominal().state(1).clone();
        overflowed[0] = Double.POSITIVE_INFINITY;
        var jacobians = List.of(plant.jacobian(0), plant.jacobian(1, overflowed));
        assertRefuses(
                () -> Lqr.solve(LinearSystem.of(jacobians), new QuadraticCost(1, 1, 1)), "block 1", "NaN", "finite");
    }

    @Test
    void aControllerThatOverflows() {
        var huge = Controller.spreadActAdd(LLAMA.setpoint(1e200), 0);
        assertRefuses(
                () -> LLAMA.model(DataType.FLOAT32).steered(huge).generate("the sea", 2),
                "overflowed at generated token 1",
                "lower the controller's strength");
    }

    /** A state whose squares overflow has the norm 0, and all its logits are 0: finite, and without meaning. */
    @Test
    void aStateWhoseSquaresOverflowThoughItsNumbersAreFinite() {
        var huge = LLAMA.model(DataType.FLOAT32)
                .steered(Controller.actAdd(
                        LLAMA.setpoint(1e25 / LLAMA.setpoint(1).gap(2)), 2));
        assertRefuses(() -> huge.generate("the sea", 2), "generated token 1, in block 2", "lower");
        assertRefuses(() -> huge.atPositions(Positions.GENERATED).generate("the sea", 2), "token 2, in block 2");
        for (Executable call : List.<Executable>of(
                () -> huge.logits(new int[] {3, 4}),
                () -> huge.traces(List.of("the sea")),
                () -> huge.surprisals(List.of(new int[] {3}), List.of(List.of(new int[] {4, 5}))))) {
            assertRefuses(call, "overflowed in a prompt", "lower the controller's strength");
        }
        assertRefuses(
                () -> huge.atPositions(Positions.GENERATED)
                        .surprisals(List.of(new int[] {3}), List.of(List.of(new int[] {4, 5}))),
                "overflowed in a continuation");
    }

    @Test
    void moreTokensThanAnyContextHolds() {
        for (int n : new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE - 1, Tiny.CONTEXT}) {
            assertRefuses(() -> model.generate("ab", n), "2 tokens and " + n + " are to follow", "holds 640");
            assertRefuses(
                    () -> model.generateOfTokens(List.of(new int[] {3}), n, Sampling.greedy()), "holds 640", "fewer");
        }
    }

    @Test
    void moreTextsThanTheMemoryHolds() {
        var plan = model.plan(1, 600, 4);
        plan.requireCache(4, 600, plan.cache());
        String message = assertThrows(IllegalStateException.class, () -> plan.requireCache(4, 600, plan.cache() - 1))
                .getMessage();
        assertTrue(message.startsWith("4 texts of 600 tokens take 0.00 GB of keys and values in tiny"), message);
        assertTrue(message.endsWith("ask for fewer tokens, or give fewer texts at once"), message);
    }

    @Test
    void inputsThatAreMissing() {
        var greedy = Sampling.greedy();
        String no = null;
        for (TextGenerator any : List.of(model, model.steered(Controller.none()))) {
            assertRefuses(() -> any.generate(no, 3), "the text is null", "give one");
            assertRefuses(() -> any.generate(List.of(), 3, greedy), "list of prompts is empty", "at least one prompt");
            assertRefuses(() -> any.generate((List<String>) null, 3, greedy), "list of prompts is null", "give a list");
            assertRefuses(() -> any.generate(Arrays.asList("s", null), 3, greedy), "prompt 2 of 2 is null", "give one");
            assertRefuses(() -> any.generateOfTokens(List.of(), 3, greedy), "list of prompts is empty");
            assertRefuses(() -> any.generateOfTokens(Arrays.asList(null, null), 3, greedy), "prompt 1 of 2 is null");
            assertRefuses(() -> any.chat(no, 3), "the message is null");
            assertRefuses(() -> any.chat(List.of(), 3), "list of messages is empty", "at least one message");
            assertRefuses(() -> any.chatEach(List.of(), 3, greedy), "list of messages is empty");
            assertRefuses(() -> any.chatEach(Arrays.asList("s", null), 3, greedy), "message 2 of 2 is null");
            assertRefuses(() -> any.generate("s", 3, (Sampling) null), "the sampling is null");
        }
        assertRefuses(() -> model.trace(null), "the prompt is null");
        assertRefuses(() -> model.encodeChat(no), "the message is null");
        assertRefuses(() -> model.logits(null), "list of tokens is null");
        assertRefuses(() -> model.steered((Controller) null), "the controller is null");
        assertRefuses(() -> model.steered(Controller.none()).atPositions(null), "the choice of positions is null");
        assertRefuses(() -> model.steered(Controller.none()).surprisals(List.of(), List.of()), "prompts is empty");
        assertRefuses(() -> LanguageModel.load(null), "the name of a model is null");
        assertRefuses(() -> LanguageModel.load("~someone/model"), "~someone/model", "only a shell expands", "~/");
    }
}
