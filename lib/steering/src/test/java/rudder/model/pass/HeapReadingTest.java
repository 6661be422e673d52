package rudder.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Checkpoint;
import rudder.kernel.PackedMatrix;
import rudder.model.Tiny;
import rudder.model.decoder.Decoder;
import rudder.model.engine.Lifetime;

class HeapReadingTest {

    @TempDir
    Path folder;

    /** One that is kept, two that share tokens, one of these again, one of a single token, and none. */
    @ParameterizedTest
    @EnumSource
    void beginningsAreThoseOfEachTextAlone(Tiny tiny) throws IOException {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
        int[] shared = Tiny.tokens(10, 1);
        int[] longer = Arrays.copyOf(shared, 14);
        int[] kept = Tiny.tokens(12, 2);
        for (var beginnings : List.of(
                List.of(shared, longer, kept, longer.clone(), new int[0]),
                List.of(longer, kept, new int[] {7}, shared, longer.clone()))) {
            try (var open = Checkpoint.open(tiny.gguf().write(folder.resolve("tiny.gguf")))) {
                var decoder = new Decoder(open);
                var reading = new HeapReading(new Lifetime(), decoder);
                reading.begin(decoder.texts(0), List.of(kept));
                var texts = decoder.texts(new int[beginnings.size()]);
                reading.begin(texts, beginnings);
                int n = beginnings.size();
                float[] logits = texts.next(IntStream.range(3, 3 + n).toArray(), null, new boolean[n])
                        .logits();
                int size = logits.length / n;
                for (int i = 0; i < n; i++) {
                    assertEquals(beginnings.get(i).length + 1, texts.length(i));
                    var alone = new Decoder(open).texts(0);
                    for (int token : beginnings.get(i)) {
                        alone.read(new int[1], new int[] {token}, null, new boolean[1], false);
                    }
                    float[] wanted = alone.read(new int[1], new int[] {3 + i}, null, new boolean[1], true)
                            .logits();
                    assertArrayEquals(wanted, Arrays.copyOfRange(logits, i * size, (i + 1) * size), "text " + i);
                }
            }
        }
    }
}
