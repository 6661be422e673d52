package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.Golden;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomWeights;
import rudder.checkpoint.store.ModelStore;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.memory.MemoryPlan;
import rudder.model.pass.Storage;
import rudder.model.transformer.Keep;
import rudder.theory.Vectors;

/** A model computes the same whether its weights are unpacked at once, when they are used, or for every use. */
class StorageTest {

    private static final Path MAPS = Path.of("/proc/self/maps");

    @TempDir
    Path folder;

    @BeforeEach
    void needsVectors() {
        Tiny.needsHeap();
    }

    @ParameterizedTest
    @EnumSource
    void theEnginesNumbersAreTheSame(Tiny tiny) throws IOException {
        try (var atOnce = tiny.load(Keep.AT_ONCE)) {
            for (var keep : List.of(Keep.WHEN_USED, Keep.NEVER)) {
                try (var model = tiny.load(keep)) {
                    for (int round = 0; round < 2; round++) { // before and after weights are kept
                        assertArrayEquals(atOnce.logits(new int[] {7, 3}), model.logits(new int[] {7, 3}));
                        var wanted = atOnce.meanJacobians(Tiny.TEXTS);
                        var found = model.meanJacobians(Tiny.TEXTS);
                        for (int k = 0; k < wanted.size(); k++) {
                            double error = Golden.relative(found.get(k).data, wanted.get(k).data);
                            assertEquals(0, error, 1e-5, keep + ", A_" + k + " at states of the heap");
                        }
                        var sampling = Sampling.standard();
                        var texts = atOnce.generate(Tiny.TEXTS, 6, sampling);
                        var others = model.generate(Tiny.TEXTS, 6, sampling);
                        for (int i = 0; i < texts.size(); i++) {
                            assertArrayEquals(
                                    texts.get(i).tokens(), others.get(i).tokens());
                        }
                    }
                }
            }
        }
    }

    /** Two models share the cores, and each is used by two threads. */
    @Test
    void twoModelsAtOnceWriteWhatEachWritesAlone() throws Exception {
        try (var one = Tiny.LLAMA.load(Keep.WHEN_USED);
                var other = Tiny.GEMMA3.load(Keep.WHEN_USED)) {
            var wanted = new HashMap<LanguageModel, List<String>>();
            for (var model : List.of(one, other)) {
                wanted.put(model, written(model));
            }
            var threads = Executors.newFixedThreadPool(4);
            try {
                var found = new ArrayList<Future<Void>>();
                for (int i = 0; i < 12; i++) {
                    var model = i % 2 == 0 ? one : other;
                    found.add(threads.submit(() -> {
                        assertEquals(wanted.get(model), written(model));
                        return null;
                    }));
                }
                for (var done : found) {
                    done.get();
                }
            } finally {
                threads.shutdown();
            }
        }
    }

    private static List<String> written(LanguageModel model) {
        var texts = new ArrayList<String>();
        model.generate(Tiny.TEXTS, 8, Sampling.standard()).forEach(text -> texts.add(text.text()));
        texts.add(model.generate("the sea", 12).text());
        texts.add(Arrays.toString(model.logits(new int[] {7, 3})));
        return texts;
    }

    /**
     * Tokens are the engine's, and strengths and energies those of double precision: every controller and choice of
     * positions.
     */
    @ParameterizedTest
    @EnumSource
    void oneTextIsTheEngines(Tiny tiny) throws IOException {
        var setpoint = tiny.setpoint(1.5);
        try (var engine = tiny.load(Keep.AT_ONCE);
                var heap = tiny.load(Keep.NEVER)) {
            assertNull(engine.decoder());
            for (var controller : HookPointsTest.kinds(tiny)) {
                for (var positions : List.of(Positions.DEFAULT, Positions.ALL, Positions.PROMPT_END)) {
                    var wanted = engine.steered(controller)
                            .measuring(setpoint)
                            .atPositions(positions)
                            .generate("the sea turns", 7);
                    var found = heap.steered(controller)
                            .measuring(setpoint)
                            .atPositions(positions)
                            .generate("the sea turns", 7);
                    var exact = tiny.model(DataType.FLOAT64)
                            .steered(controller)
                            .measuring(setpoint)
                            .atPositions(positions)
                            .generate("the sea turns", 7);
                    String at = controller + ", " + positions;
                    assertArrayEquals(wanted.tokens(), found.tokens(), at);
                    assertEquals(wanted.text(), found.text());
                    for (int i = 0; i < wanted.tokens().length; i++) {
                        requireClose(at, exact.strengths()[i], found.strengths()[i]);
                        requireClose(at, exact.energies()[i], found.energies()[i]);
                    }
                }
            }
        }
    }

    /** Of every controller and choice of positions. */
    @ParameterizedTest
    @EnumSource
    void tracesAreThoseOfDoublePrecision(Tiny tiny) {
        var heap = tiny.model(DataType.FLOAT32);
        for (var controller : HookPointsTest.kinds(tiny)) {
            for (var positions : List.of(Positions.DEFAULT, Positions.ALL, Positions.GENERATED)) {
                var wanted =
                        tiny.model().steered(controller).atPositions(positions).traces(Tiny.TEXTS);
                var found = heap.steered(controller).atPositions(positions).traces(Tiny.TEXTS);
                for (int i = 0; i < wanted.size(); i++) {
                    String at = controller + ", " + positions + ", text " + i;
                    requireClose(
                            at,
                            wanted.get(i).rollout().states(),
                            found.get(i).rollout().states());
                    requireClose(
                            at,
                            wanted.get(i).rollout().inputs(),
                            found.get(i).rollout().inputs());
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void meansOverTokensAreThoseOfDoublePrecision(Tiny tiny) {
        var prompts =
                IntStream.range(0, 40).mapToObj(i -> Tiny.tokens(3 + i % 7, i)).toList();
        var spans =
                IntStream.range(0, 40).mapToObj(i -> new TokenSpan(i % 3, 3)).toList();
        var wanted = tiny.model().streamTraces(prompts, spans).toList();
        var found = tiny.model(DataType.FLOAT32).streamTraces(prompts, spans).toList();
        for (int i = 0; i < wanted.size(); i++) {
            requireClose(
                    "text " + i,
                    wanted.get(i).rollout().states(),
                    found.get(i).rollout().states());
        }
    }

    /** A trace is the same to the bit whoever is read with it; a plant has the keys and values of earlier tokens. */
    @ParameterizedTest
    @EnumSource
    void aPlantIsThatOfDoublePrecision(Tiny tiny) {
        var texts = new ArrayList<>(Tiny.TEXTS);
        texts.addAll(Tiny.TEXTS); // twice: each is read once
        var wanted = tiny.model().plants(texts);
        var found = tiny.model(DataType.FLOAT32).plants(texts);
        for (int i = 0; i < texts.size(); i++) {
            var alone = tiny.model(DataType.FLOAT32).plant(texts.get(i));
            assertArrayEquals(
                    alone.nominal().rollout().states(),
                    found.get(i).nominal().rollout().states());
            for (int k = 0; k < tiny.horizon; k++) {
                var a = wanted.get(i).jacobian(k);
                assertEquals(0, Golden.relative(found.get(i).jacobian(k).data, a.data), 1e-5, "A_" + k);
                double[] x = alone.nominal().state(k);
                assertArrayEquals(found.get(i).next(k, x), alone.next(k, x), "block " + k);
            }
        }
    }

    private static void requireClose(String at, double[][] wanted, double[][] found) {
        for (int k = 0; k < wanted.length; k++) {
            double size = Vectors.norm(wanted[k]);
            assertEquals(0, Vectors.norm(Vectors.minus(found[k], wanted[k])), 2e-5 * (1 + size), at + ", block " + k);
        }
    }

    /** The heap takes these rows from the file; the engine checks those that it takes. */
    @ParameterizedTest
    @EnumSource
    void aDamagedRowIsRefusedByNameBeforeATextIsWritten(Tiny tiny) {
        var tensors = tiny.tensors();
        tensors.get("token_embd.weight").values()[5 * Tiny.D + 2] = Float.NaN;
        try (var model = tiny.load(DataType.FLOAT32, tensors, file -> {})) {
            for (int i = 0; i < 2; i++) {
                assertRefused(
                        () -> model.generateOfTokens(List.of(new int[] {6, 8}), 1, Sampling.greedy()),
                        "token_embd.weight",
                        "NaN at element " + (5 * Tiny.D + 2),
                        "fetch it again");
            }
        }
    }

    private static void requireClose(String at, double[] wanted, double[] found) {
        for (int k = 0; k < wanted.length; k++) {
            assertEquals(wanted[k], found[k], 2e-5 * (1 + Math.abs(wanted[k])), at + ", block " + k);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Tiny.class,
            names = {"LLAMA", "GEMMA3"})
    void aClosedModelFreesItsMapping(Tiny tiny) throws IOException {
        assumeTrue(Files.exists(MAPS), "no /proc");
        Path path = tiny.gguf().write(folder.resolve("tiny.gguf"));
        var model = LanguageModel.load(path.toString());
        assumeTrue(model.decoder() != null, "weights are held as float32 here");
        model.generate("the sea", 2);
        assertTrue(isMapped(path), "the file is mapped while the model is open");
        model.close();
        for (int i = 0; i < 20 && isMapped(path); i++) {
            System.gc();
        }
        assertFalse(isMapped(path));
    }

    private static boolean isMapped(Path path) throws IOException {
        return Files.readString(MAPS).contains(path.toRealPath().toString());
    }

    @Test
    void theVariableChoosesOrIsRefused() throws IOException {
        try (var open = Checkpoint.open(Tiny.QWEN2.gguf().write(folder.resolve("tiny.gguf")))) {
            var plan = MemoryPlan.of("tiny", open.config(), 1, 1, 1);
            assertEquals(Keep.WHEN_USED, chosen("auto", open, DataType.FLOAT32, plan));
            assertEquals(Keep.NEVER, chosen("packed", open, DataType.FLOAT32, plan));
            assertEquals(Keep.AT_ONCE, chosen("float32", open, DataType.FLOAT32, plan));
            assertEquals(Keep.AT_ONCE, chosen("auto", open, DataType.FLOAT16, plan));
            var large = MemoryPlan.of(ModelShape.paper().get(ModelShape.paper().size() - 1), 1, 1, 1);
            assertEquals(Keep.NEVER, chosen("auto", open, DataType.FLOAT32, large));
            assertRefused(
                    () -> chosen("packed", open, DataType.FLOAT16, plan), "RUDDER_WEIGHTS", "half precision", "auto");
            assertRefused(() -> chosen("int8", open, DataType.FLOAT32, plan), "RUDDER_WEIGHTS", "int8", "packed");
        }
    }

    @Test
    void aModelThatCannotStayPackedSaysWhyOnce() throws IOException {
        var shape = ModelShape.paper().get(0);
        var err = System.err;
        var said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try (var open = Checkpoint.open(Tiny.QWEN2.gguf().write(folder.resolve("tiny.gguf")))) {
            var plan = MemoryPlan.of("tiny", open.config(), 1, 1, 1);
            var none = new Checkpoint(new RandomWeights(shape, 1), open.names(), open.config(), open.tokenizer());
            for (int i = 0; i < 2; i++) {
                assertEquals(Keep.AT_ONCE, chosen("auto", none, DataType.FLOAT32, plan));
                assertEquals(Keep.AT_ONCE, chosen("auto", none, DataType.FLOAT16, plan));
            }
        } finally {
            System.setErr(err);
        }
        String why = said.toString(StandardCharsets.UTF_8);
        assertTrue(why.matches("The weights of tiny are held as float32, .*: .* lies in no file\\R"), why);
    }

    private static Keep chosen(String wanted, Checkpoint open, DataType stored, MemoryPlan plan) {
        return Storage.named(wanted, open, Device.cpu(), stored, plan);
    }

    @ParameterizedTest
    @EnumSource(
            value = Keep.class,
            names = {"WHEN_USED", "NEVER"})
    @Tag("model")
    void aQuantisedModelComputesTheSame(Keep keep) throws IOException {
        var file = ModelStore.fetch("SmolLM2-135M-Instruct");
        try (var atOnce = new ModelLoader(DataType.FLOAT32, Keep.AT_ONCE).load(file);
                var model = new ModelLoader(DataType.FLOAT32, keep).load(file)) {
            int[] tokens = atOnce.encode("In these inner seas the tide rises, then it sets again.");
            var plant = atOnce.plant(tokens);
            var found = model.plant(tokens);
            for (int k = 0; k <= model.horizon(); k++) {
                double error = Golden.relative(
                        found.nominal().state(k), plant.nominal().state(k));
                assertEquals(0, error, 1e-5, "z_" + k);
            }
            assertEquals(
                    0,
                    Golden.relative(Golden.doubles(model.logits(tokens)), Golden.doubles(atOnce.logits(tokens))),
                    1e-6,
                    "the head is multiplied in parts");
            assertEquals(0, Golden.relative(found.jacobian(7).data, plant.jacobian(7).data), 1e-5);
            var wanted = atOnce.generate("Once upon a time", 20);
            assertEquals(wanted.text(), model.generate("Once upon a time", 20).text());
        }
    }
}
