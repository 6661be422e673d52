package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.Golden;
import rudder.checkpoint.store.ModelStore;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.Texts;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.Keep;
import rudder.model.transformer.Transformer;
import rudder.steer.rival.RivalsTest;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;

/** Texts on the heap, from packed weights, against the engine, against plain Java and against transformers. */
class DecoderTest {

    private static final double CLOSE = 1e-5;

    @TempDir
    Path folder;

    @BeforeEach
    void needsVectors() {
        Tiny.needsHeap();
    }

    /** The architectures as transformers computes them, one token after the other. */
    @ParameterizedTest
    @MethodSource("rudder.model.TinyCheckpointTest#checkpoints")
    void statesAndLogitsAreTransformers(Path checkpoint) throws IOException {
        var golden = new Golden("tiny", JsonParser.parseString(Files.readString(checkpoint.resolve("golden.json"))));
        int[] ids = golden.at("ids").ints();
        try (var open = Checkpoint.open(checkpoint)) {
            var text = new Decoder(open).texts(8);
            Texts.Step step = null;
            for (int id : ids) {
                step = text.next(new int[] {id}, null, false);
            }
            double[][] residual = golden.at("residual").rows();
            for (int k = 0; k < residual.length; k++) {
                assertEquals(0, Golden.relative(Golden.doubles(step.states()[k]), residual[k]), 1e-4, "z_" + k);
            }
            assertEquals(
                    0,
                    Golden.relative(
                            Golden.doubles(step.logits()),
                            golden.at("logits_last").numbers()),
                    1e-4);
        }
    }

    /** States, inputs, what heads' inputs mix to, and logits, at every token of a steered text. */
    @ParameterizedTest
    @EnumSource
    void everyControllerDoesOnTheHeapWhatItDoesOnTheEngine(Tiny tiny) throws IOException {
        var setpoint = tiny.setpoint(1.5);
        var controllers = new ArrayList<>(HookPointsTest.kinds(tiny));
        controllers.addAll(RivalsTest.kinds(tiny));
        controllers.add(Controller.none());
        controllers.add(Controller.pid(setpoint, .5, .1, .2, 1)); // remembers earlier blocks
        int[] tokens = Tiny.tokens(11, 3);
        var engine = tiny.model(DataType.FLOAT32).transformer();
        try (var open = open(tiny)) {
            var decoder = new Decoder(open);
            for (var controller : controllers) {
                var text = decoder.texts(0);
                var laws = decoder.laws(List.of(controller));
                try (var scope = engine.manager.newSubManager();
                        var cache = engine.cache(new int[1], tokens.length);
                        var device = new DeviceLaws(scope, engine.type, List.of(controller), engine.config)) {
                    for (int token : tokens) {
                        var trace = new Transformer.Trace();
                        NDArray x = engine.run(scope, new int[][] {{token}}, cache, device, false, trace);
                        var step = text.next(new int[] {token}, laws, true);
                        for (int k = 0; k <= tiny.horizon; k++) {
                            double[] z = Golden.doubles(trace.states().get(k).toFloatArray());
                            String at = controller + ", block " + k;
                            requireClose(at, z, z, Golden.doubles(step.states()[k]));
                            if (k < tiny.horizon) {
                                float[] u = step.inputs()[k];
                                requireClose(at, z, u(trace.inputs().get(k)), u == null ? null : Golden.doubles(u));
                                float[] mixed = step.mixed()[k];
                                requireClose(
                                        at, z, u(trace.mixed().get(k)), mixed == null ? null : Golden.doubles(mixed));
                            }
                        }
                        assertEquals(
                                0,
                                Golden.relative(
                                        Golden.doubles(step.logits()),
                                        Golden.doubles(engine.lastLogits(x).toFloatArray())),
                                CLOSE);
                    }
                }
            }
        }
    }

    /** Textbook code in double precision, with the window and the interleaved rows of the file. */
    @ParameterizedTest
    @EnumSource
    void statesArePlainJavas(Tiny tiny) throws IOException {
        var controller = tiny.lqr(tiny.setpoint(2));
        int[] tokens = Tiny.tokens(13, 5);
        double[][][] wanted = new PlainTransformer(tiny).states(tokens, controller, 0);
        try (var open = open(tiny)) {
            var decoder = new Decoder(open);
            var text = decoder.texts(8);
            var laws = decoder.laws(List.of(controller));
            for (int t = 0; t < tokens.length; t++) {
                var step = text.next(new int[] {tokens[t]}, laws, true);
                for (int k = 0; k <= tiny.horizon; k++) {
                    assertEquals(
                            0, Golden.relative(Golden.doubles(step.states()[k]), wanted[t][k]), CLOSE, "token " + t);
                }
            }
        }
    }

    /** Tokens of several texts in one pass, steered and unsteered, are those that are read one by one. */
    @ParameterizedTest
    @EnumSource
    void tokensReadTogetherAreThoseReadOneByOne(Tiny tiny) throws IOException {
        var controllers = List.of(tiny.lqr(tiny.setpoint(1.5)), Controller.none());
        try (var open = open(tiny)) {
            var decoder = new Decoder(open);
            var laws = decoder.laws(controllers);
            int[] tokens = Tiny.tokens(17, 4);
            var text = new int[tokens.length];
            var steered = new boolean[tokens.length];
            for (int i = 0; i < tokens.length; i++) {
                text[i] = i * i % 3 == 1 ? 1 : 0;
                steered[i] = i % 4 != 0;
            }
            var together = decoder.texts(0, 0);
            var step = together.read(text, tokens, laws, steered, true);
            assertNull(
                    decoder.texts(0, 0).read(text, tokens, laws, steered, false).logits());
            var alone = decoder.texts(0, 0);
            int size = step.logits().length / tokens.length;
            for (int i = 0; i < tokens.length; i++) {
                var own =
                        alone.read(new int[] {text[i]}, new int[] {tokens[i]}, laws, new boolean[] {steered[i]}, true);
                for (int k = 0; k <= tiny.horizon; k++) {
                    assertArrayEquals(column(own, own.states()[k], 0), column(step, step.states()[k], i), "token " + i);
                }
                assertArrayEquals(own.logits(), Arrays.copyOfRange(step.logits(), i * size, (i + 1) * size));
            }
            assertEquals(alone.length(1), together.length(1));
        }
    }

    /** What was read before goes on as if it had been read again, whatever came of the first. */
    @ParameterizedTest
    @EnumSource
    void keptBeginningsGoOnAsThoseThatAreRead(Tiny tiny) throws IOException {
        try (var open = open(tiny)) {
            var decoder = new Decoder(open);
            int[] tokens = Tiny.tokens(9, 7);
            var read = decoder.texts(0);
            assertFalse(read.beginKept(0, tokens));
            read.read(new int[tokens.length], tokens, null, new boolean[tokens.length], false);
            read.keep(0, tokens);
            float[] wanted = read.next(new int[] {5}, null, false).logits();
            var texts = decoder.texts(0, 4);
            assertTrue(texts.beginKept(1, tokens));
            texts.begin(0, texts, 1);
            for (int i = 0; i < 2; i++) {
                var one = decoder.texts(0);
                one.begin(0, texts, i);
                assertEquals(tokens.length, one.length(0));
                assertArrayEquals(wanted, one.next(new int[] {5}, null, false).logits());
            }
            for (int i = 0; i < 2; i++) {
                var one = decoder.texts(i * (tokens.length + 1));
                one.take(0, texts, i);
                assertEquals(0, texts.length(i));
                assertArrayEquals(wanted, one.next(new int[] {5}, null, false).logits());
            }
            assertFalse(texts.beginKept(1, Arrays.copyOf(tokens, 8)));
        }
    }

    /** Texts of several lengths, under controllers of their own, of which a pass steers some. */
    @ParameterizedTest
    @EnumSource
    void textsSideBySideAreThoseOfEachAlone(Tiny tiny) throws IOException {
        var setpoint = tiny.setpoint(1.5);
        var kinds = List.of(
                tiny.lqr(setpoint), Controller.pid(setpoint, .5, .1, .2, 1), Controller.none(), tiny.lqr(setpoint));
        try (var open = open(tiny)) {
            var decoder = new Decoder(open);
            for (int n : new int[] {2, 3, 4, 5, 17, 40}) {
                var controllers = IntStream.range(0, n)
                        .mapToObj(i -> kinds.get(i * i % kinds.size()))
                        .toList();
                var together = decoder.texts(new int[n]);
                var laws = decoder.laws(controllers);
                var alone = new Texts[n];
                for (int i = 0; i < n; i++) {
                    alone[i] = decoder.texts(20);
                    int before = i % 5;
                    for (int token : Tiny.tokens(before, 90 + i)) {
                        alone[i].next(new int[] {token}, null, false);
                    }
                    for (int token : Tiny.tokens(before, 90 + i)) {
                        together.read(new int[] {i}, new int[] {token}, null, new boolean[1], false);
                    }
                }
                for (int t = 0; t < 3; t++) {
                    int[] tokens = Tiny.tokens(n, 7 + t);
                    var steered = new boolean[n];
                    for (int i = 0; i < n; i++) {
                        steered[i] = (i + t) % 3 != 0;
                    }
                    var step = together.next(tokens, laws, steered);
                    for (int i = 0; i < n; i++) {
                        var own = alone[i].next(
                                new int[] {tokens[i]}, decoder.laws(List.of(controllers.get(i))), steered[i]);
                        String at = n + " texts, text " + i + ", pass " + t + ", " + controllers.get(i);
                        for (int k = 0; k <= tiny.horizon; k++) {
                            double[] z = Golden.doubles(own.states()[k]);
                            requireClose(at, z, z, column(step, step.states()[k], i));
                            if (k < tiny.horizon && own.inputs()[k] != null) {
                                requireClose(at, z, Golden.doubles(own.inputs()[k]), column(step, step.inputs()[k], i));
                            }
                        }
                        int size = own.logits().length;
                        double[] logits = Golden.doubles(Arrays.copyOfRange(step.logits(), i * size, (i + 1) * size));
                        assertEquals(0, Golden.relative(logits, Golden.doubles(own.logits())), CLOSE, at);
                    }
                }
            }
        }
    }

    private static double[] column(Texts.Step step, float[] matrix, int text) {
        double[] column = new double[matrix.length / step.width()];
        for (int i = 0; i < column.length; i++) {
            column[i] = matrix[i * step.width() + text];
        }
        return column;
    }

    @ParameterizedTest
    @ValueSource(strings = {"SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct", "Gemma-3-270m"})
    @Tag("model")
    void quantisedModelsHaveTheEnginesStates(String name) throws IOException {
        try (var model = new ModelLoader(DataType.FLOAT32, Keep.AT_ONCE).load(ModelStore.fetch(name));
                var open = Checkpoint.open(ModelStore.fetch(name).path())) {
            var engine = model.transformer();
            var text = new Decoder(open).texts(8);
            int[] tokens = model.encode("In these inner seas the tide rises, then it sets again.");
            try (var scope = engine.manager.newSubManager();
                    var cache = engine.cache(new int[1], tokens.length)) {
                for (int token : tokens) {
                    var trace = new Transformer.Trace();
                    NDArray x = engine.run(scope, new int[][] {{token}}, cache, null, false, trace);
                    var step = text.next(new int[] {token}, null, false);
                    for (int k = 0; k < step.states().length; k++) {
                        double[] wanted = Golden.doubles(trace.states().get(k).toFloatArray());
                        assertEquals(0, Golden.relative(Golden.doubles(step.states()[k]), wanted), 1e-4, "z_" + k);
                    }
                    float[] logits = engine.lastLogits(x).toFloatArray();
                    for (int i = 0; i < logits.length; i++) {
                        assertEquals(logits[i], step.logits()[i], 1e-3);
                    }
                }
            }
        }
    }

    private Checkpoint open(Tiny tiny) throws IOException {
        return Checkpoint.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
    }

    private static double[] u(NDArray input) {
        return input == null ? null : Golden.doubles(input.toFloatArray());
    }

    /** Inputs are differences of states: their rounding is that of the state z. */
    private static void requireClose(String where, double[] z, double[] wanted, double[] found) {
        assertEquals(wanted == null, found == null, where);
        if (wanted != null) {
            assertTrue(Vectors.norm(Vectors.minus(wanted, found)) <= CLOSE * Vectors.norm(z), where);
        }
    }
}
