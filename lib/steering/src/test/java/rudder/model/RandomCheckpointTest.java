package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.checkpoint.ModelShape;
import rudder.checkpoint.RandomCheckpoint;
import rudder.checkpoint.RandomWeights;

class RandomCheckpointTest {

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "gemma2", "gemma3_text", "qwen2", "qwen3"})
    void everyArchitectureIsWrittenWholeAndTheSameForASeed(String architecture, @TempDir Path folder)
            throws IOException {
        var shape = new ModelShape("tiny", architecture, 7, 48, 4, 2, 16, 72, 90, architecture.startsWith("gemma"));
        long elements = RandomCheckpoint.tensors(shape.config()).values().stream()
                .mapToLong(size -> Arrays.stream(size).reduce(1, (a, b) -> a * b))
                .sum();
        assertEquals(shape.parameters(), elements);
        RandomCheckpoint.write(folder.resolve("a"), shape, 1);
        RandomCheckpoint.write(folder.resolve("b"), shape, 1);
        assertEquals(-1, Files.mismatch(folder.resolve("a/model.safetensors"), folder.resolve("b/model.safetensors")));
        try (var model = LanguageModel.load(folder.resolve("a").toString())) {
            assertEquals(shape.parameters(), model.plan(1, 1, 1).parameters());
            var states = model.plant(new int[] {1, 2, 3}).nominal().rollout().states();
            double first = norm(states[0]);
            assertTrue(
                    first > 0 && norm(states[7]) < 20 * Math.max(1, first) * Math.sqrt(48), Arrays.toString(states[7]));
            float[] logits = model.logits(new int[] {5, 6});
            assertArrayEquals(logits, model.logits(new int[] {5, 6}), 1e-5f);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma2", "gemma3_text", "qwen2", "qwen3"})
    void aModelMadeInMemoryIsTheSameForASeedInWhateverPortionsItIsRead(String architecture) {
        var shape = new ModelShape("tiny", architecture, 3, 48, 4, 2, 16, 72, 90, architecture.startsWith("gemma"));
        int[] tokens = {1, 2, 3};
        try (var model = LanguageModel.random(shape, 1);
                var again = LanguageModel.random(shape, 1);
                var other = LanguageModel.random(shape, 2)) {
            assertArrayEquals(model.logits(tokens), again.logits(tokens));
            assertEquals(model.sha256(), again.sha256());
            assertNotEquals(model.sha256(), other.sha256());
            assertFalse(Arrays.equals(model.logits(tokens), other.logits(tokens)));
            assertTrue(norm(model.plant(tokens).nominal().state(3)) > 0);
        }
        var weights = new RandomWeights(shape, 1);
        var whole = weights.read("model.embed_tokens.weight");
        var part = FloatBuffer.allocate(2 * 48);
        weights.read("model.embed_tokens.weight", 7, 2, part);
        assertArrayEquals(Arrays.copyOfRange(whole, 7 * 48, 9 * 48), part.array());
        double variance = IntStream.range(0, whole.length)
                .mapToDouble(i -> whole[i] * whole[i])
                .average()
                .orElseThrow();
        assertEquals(1 / (4 * 48.0), variance, .1 / (4 * 48));
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(y -> y * y).sum());
    }
}
