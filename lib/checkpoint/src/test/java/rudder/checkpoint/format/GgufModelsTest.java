package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.checkpoint.store.ModelFile;
import rudder.checkpoint.store.ModelStore;

@Tag("model")
class GgufModelsTest {

    @ParameterizedTest
    @ValueSource(strings = {"SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct", "Gemma-3-270m"})
    void rowsOfEachTypeAreThoseOfAnotherProgramBitForBit(String name) throws IOException {
        ModelFile model = ModelStore.fetch(name);
        List<String[]> rows = TensorTypeTest.lines("tensor-rows.csv").stream()
                .map(line -> line.split(","))
                .filter(row -> row[0].equals(name))
                .toList();
        assertTrue(rows.size() >= 3, "golden rows of " + name);
        try (GgufFile gguf = GgufFile.open(model.path())) {
            for (String[] row : rows) { // model, sha256, type, tensor, row, values
                assertEquals(row[1], model.sha256());
                long[] shape = gguf.shape(row[3]);
                int start = Math.toIntExact(Long.parseLong(row[4]) * shape[shape.length - 1]);
                float[] found = gguf.read(row[3]);
                ByteBuffer wanted = ByteBuffer.wrap(HexFormat.of().parseHex(row[5]));
                for (int i = 0; i < 64; i++) {
                    assertEquals(wanted.getFloat(), found[start + i], row[2] + " " + row[3] + " value " + (start + i));
                }
            }
        }
    }
}
