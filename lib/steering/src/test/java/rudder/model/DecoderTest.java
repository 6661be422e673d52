package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
import rudder.kernel.PackedMatrix;
import rudder.model.decoder.Decoder;
import rudder.model.decoder.HeapLaws;
import rudder.model.transformer.DeviceLaws;
import rudder.model.transformer.Keep;
import rudder.model.transformer.Transformer;
import rudder.steer.rival.RivalsTest;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;

/** One text on the heap, from packed weights, against the engine, against plain Java and against transformers. */
class DecoderTest {

    private static final double CLOSE = 1e-5;

    @TempDir
    Path folder;

    @BeforeEach
    void needsVectors() {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
    }

    /** The architectures as transformers computes them, one token after the other. */
    @ParameterizedTest
    @MethodSource("rudder.model.TinyCheckpointTest#checkpoints")
    void statesAndLogitsAreTransformers(Path checkpoint) throws IOException {
        var golden = new Golden("tiny", JsonParser.parseString(Files.readString(checkpoint.resolve("golden.json"))));
        int[] ids = golden.at("ids").ints();
        try (var open = Checkpoint.open(checkpoint)) {
            var text = new Decoder(open).text();
            Decoder.Step step = null;
            for (int id : ids) {
                step = text.next(id, null);
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
                var text = decoder.text();
                var laws = new HeapLaws(controller, open.config());
                try (var scope = engine.manager.newSubManager();
                        var cache = engine.cache(new int[1], tokens.length);
                        var device = new DeviceLaws(scope, engine.type, List.of(controller), engine.config)) {
                    for (int token : tokens) {
                        var trace = new Transformer.Trace();
                        NDArray x = engine.run(scope, new int[][] {{token}}, cache, device, false, trace);
                        var step = text.next(token, laws);
                        for (int k = 0; k <= tiny.horizon; k++) {
                            double[] z = Golden.doubles(trace.states().get(k).toFloatArray());
                            String at = controller + ", block " + k;
                            requireClose(at, z, z, Golden.doubles(step.states()[k]));
                            if (k < tiny.horizon) {
                                requireClose(at, z, u(trace.inputs().get(k)), step.inputs()[k]);
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
            var text = new Decoder(open).text();
            var laws = new HeapLaws(controller, open.config());
            for (int t = 0; t < tokens.length; t++) {
                var step = text.next(tokens[t], laws);
                for (int k = 0; k <= tiny.horizon; k++) {
                    assertEquals(
                            0, Golden.relative(Golden.doubles(step.states()[k]), wanted[t][k]), CLOSE, "token " + t);
                }
            }
        }
    }

    /** A prompt that the engine read goes on as one that the heap read. */
    @ParameterizedTest
    @EnumSource
    void theEnginesKeysAndValuesAreTheHeaps(Tiny tiny) throws IOException {
        int[] tokens = Tiny.tokens(9, 7);
        var engine = tiny.model(DataType.FLOAT32).transformer();
        try (var open = open(tiny);
                var scope = engine.manager.newSubManager();
                var cache = engine.cache(new int[1], tokens.length)) {
            var decoder = new Decoder(open);
            int before = tokens.length - 1;
            engine.run(scope, new int[][] {Arrays.copyOf(tokens, before)}, cache, null, false, null);
            var filled = decoder.text();
            filled.fill(before, cache.keysBefore(before, 0), cache.valuesBefore(before, 0));
            assertEquals(before, filled.length());
            var read = decoder.text();
            for (int i = 0; i < before; i++) {
                read.next(tokens[i], null);
            }
            for (int token : new int[] {tokens[before], 3, 1}) {
                float[] wanted = read.next(token, null).logits();
                assertEquals(
                        0,
                        Golden.relative(Golden.doubles(filled.next(token, null).logits()), Golden.doubles(wanted)),
                        CLOSE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct", "Gemma-3-270m"})
    @Tag("model")
    void quantisedModelsHaveTheEnginesStates(String name) throws IOException {
        try (var model = LanguageModel.load(ModelStore.fetch(name), DataType.FLOAT32, Keep.AT_ONCE);
                var open = Checkpoint.open(ModelStore.fetch(name).path())) {
            var engine = model.transformer();
            var text = new Decoder(open).text();
            int[] tokens = model.encode("In these inner seas the tide rises, then it sets again.");
            try (var scope = engine.manager.newSubManager();
                    var cache = engine.cache(new int[1], tokens.length)) {
                for (int token : tokens) {
                    var trace = new Transformer.Trace();
                    NDArray x = engine.run(scope, new int[][] {{token}}, cache, null, false, trace);
                    var step = text.next(token, null);
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
