package rudder.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomWeights;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.TensorSource;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.model.TinyCheckpointTest;

/** Tables with a row for each token are made when logits are asked for, and no number tells whether they are there. */
class TokenMatrixTest {

    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    private static long tables(LanguageModel model) {
        var shape = new Shape(Tiny.transformer(model).config.vocabulary(), model.dimension());
        return Tiny.transformer(model).manager.getManagedArrays().stream()
                .filter(array -> array.getShape().equals(shape))
                .count();
    }

    @ParameterizedTest
    @EnumSource
    void tracesPlantsAndJacobiansMakeNoTableAndLogitsMakeOne(Tiny tiny) {
        try (var model = tiny.load(DataType.FLOAT32, tiny.tensors(), file -> {})) {
            model.traces(Tiny.TEXTS);
            model.plant("the sea").jacobian(1);
            model.meanJacobians(Tiny.TEXTS);
            assertEquals(0, tables(model));
            Tiny.useEngine(model);
            assertEquals(1, tables(model));
        }
    }

    @ParameterizedTest
    @MethodSource("rudder.model.TinyCheckpointTest#checkpoints")
    void rowsAreTheSameToTheBitFromTheFileAsFromTheTable(Path checkpoint) throws IOException {
        try (var open = Checkpoint.open(checkpoint)) {
            assertSameRows(open.tensors(), open.names().embedding() + ".weight");
        }
    }

    @Test
    void soAreRandomOnesAndThoseOfQuantisedFiles(@TempDir Path folder) throws IOException {
        var shape = new ModelShape("small", "llama", 1, 48, 4, 2, 12, 72, 300, true);
        assertSameRows(new RandomWeights(shape, 1), "model.embed_tokens.weight");
        var bytes = ByteBuffer.allocate(300 * 2 * 34); // rows of two blocks of Q8_0: a float16 and 32 bytes each
        new Random(1).nextBytes(bytes.array());
        for (int block = 0; block < 600; block++) {
            bytes.put(34 * block + 1, (byte) 0x2c); // about 1/16
        }
        try (var gguf = GgufFile.open(new GgufBytes()
                .tensor("t", 8, new long[] {300, 64}, bytes.array())
                .write(folder.resolve("a.gguf")))) {
            assertSameRows(gguf, "t");
        }
    }

    private static void assertSameRows(TensorSource source, String name) {
        int[][] tokens = {{3, 99, 3, 0}, {7, 7, 58, 1}};
        int vocabulary = (int) source.shape(name)[0];
        int d = (int) source.shape(name)[1];
        for (var type : List.of(DataType.FLOAT16, DataType.FLOAT32, DataType.FLOAT64)) {
            try (var manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
                var matrix = new TokenMatrix(
                        new Staging(source), new Staging.Rows(name, vocabulary), d, manager, type, Keep.AT_ONCE);
                var read = matrix.of(manager, tokens);
                assertEquals(new Shape(2, 4, d), read.getShape());
                var x = manager.ones(new Shape(1, d)).toType(type, false);
                var norm = new Norm(manager.ones(new Shape(1)).toType(x.getDataType(), false));
                // holds the table from here on
                assertEquals(new Shape(1, vocabulary), matrix.products(x, norm).getShape());
                assertArrayEquals(matrix.of(manager, tokens).toByteArray(), read.toByteArray());
            }
        }
    }

    @Test
    @Tag("model")
    void tracesOfARealModelAreTheSameToTheBitBeforeAndAfter() throws IOException {
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var before = model.trace("Once upon a time").rollout().states();
            assertEquals(0, tables(model));
            Tiny.useEngine(model);
            assertEquals(1, tables(model));
            assertArrayEquals(before, model.trace("Once upon a time").rollout().states());
        }
    }

    @Test
    void aDamagedRowIsRefusedWhenItIsReadAndNoOther() {
        var tensors = Tiny.QWEN2.tensors();
        tensors.get("token_embd.weight").values()[7 * Tiny.D + 5] = Float.NaN;
        try (var model = Tiny.QWEN2.load(DataType.FLOAT32, tensors, file -> {})) {
            model.logits(new int[] {6, 8});
            assertRefused(
                    () -> model.logits(new int[] {6, 7, 8}),
                    "token_embd.weight",
                    "NaN at element " + (7 * Tiny.D + 5),
                    "fetch it again");
        }
    }

    @Test
    void theFileIsOpenAsLongAsTheModel(@TempDir Path folder) throws IOException, URISyntaxException {
        Assumptions.assumeTrue(Files.exists(DESCRIPTORS), "no /proc");
        var weights = Files.copy(tiny("qwen3", "model.safetensors"), folder.resolve("model.safetensors"));
        var config = Files.copy(tiny("llama-3.2", "config.json"), folder.resolve("config.json"));
        assertRefused(() -> LanguageModel.load(folder.toString()), "tensor");
        assertEquals(0, descriptors(weights));
        Files.copy(tiny("qwen3", "config.json"), config, StandardCopyOption.REPLACE_EXISTING);
        try (var model = LanguageModel.load(folder.toString())) {
            model.logits(new int[] {1, 2});
            assertEquals(1, descriptors(weights));
        }
        assertEquals(0, descriptors(weights));
    }

    private static Path tiny(String checkpoint, String file) throws IOException, URISyntaxException {
        return TinyCheckpointTest.checkpoints()
                .filter(path -> path.endsWith(checkpoint))
                .findFirst()
                .orElseThrow()
                .resolve(file);
    }

    private static long descriptors(Path file) throws IOException {
        try (Stream<Path> all = Files.list(DESCRIPTORS)) {
            return all.filter(descriptor -> {
                        try {
                            return Files.readSymbolicLink(descriptor).equals(file.toRealPath());
                        } catch (IOException e) {
                            return false; // closed meanwhile
                        }
                    })
                    .count();
        }
    }
}
