package rudder.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
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
import rudder.theory.control.Controller;

class HeapPassesTest {

    private static final int TEXTS = 20;

    @TempDir
    Path folder;

    /** To the bit, whether the texts that have ended are read or not. */
    @ParameterizedTest
    @EnumSource
    void textsThatHaveEndedAreLeftOut(Tiny tiny) throws IOException {
        assumeTrue(PackedMatrix.available(), "this processor has vectors below 256 bits");
        var setpoint = tiny.setpoint(1);
        var kinds = List.of(tiny.lqr(setpoint), Controller.none(), Controller.pid(setpoint, .5, .1, .2, 1));
        var controllers =
                IntStream.range(0, TEXTS).mapToObj(i -> kinds.get(i % 3)).toList();
        var prompts = IntStream.range(0, TEXTS).mapToObj(i -> Tiny.tokens(2, i)).toList();
        try (var open = Checkpoint.open(tiny.gguf().write(folder.resolve("tiny.gguf")))) {
            var decoder = new Decoder(open);
            var all = new HeapPasses(new Lifetime(), decoder, prompts, 5, TEXTS, controllers, List.of(setpoint));
            var some = new HeapPasses(new Lifetime(), decoder, prompts, 5, TEXTS, controllers, List.of(setpoint));
            all.begin(0, TEXTS, Collections.nCopies(TEXTS, new boolean[] {true, true}));
            some.begin(0, TEXTS, Collections.nCopies(TEXTS, new boolean[] {true, true}));
            var steered = new boolean[TEXTS];
            Arrays.fill(steered, true);
            var everyText = new BitSet();
            everyText.set(0, TEXTS);
            for (int left : new int[] {TEXTS, TEXTS - 1, 5, 1}) {
                int[] tokens = Tiny.tokens(TEXTS, left);
                var going = new BitSet();
                IntStream.range(0, TEXTS).forEach(i -> going.set(i, i * 7 % TEXTS < left));
                var wanted = all.next(tokens, steered, everyText);
                var found = some.next(tokens, steered, going);
                assertArrayEquals(going.stream().toArray(), found.texts());
                for (int row = 0; row < left; row++) {
                    int i = found.texts()[row];
                    assertArrayEquals(row(wanted, i), row(found, row), left + " texts left, text " + i);
                    assertArrayEquals(
                            wanted.measured().strengths().get(0)[i],
                            found.measured().strengths().get(0)[row]);
                    assertArrayEquals(
                            wanted.measured().energies()[i], found.measured().energies()[row]);
                }
            }
        }
    }

    private static float[] row(Passes.Result pass, int row) {
        float[] all = pass.logits().numbers();
        int size = all.length / pass.texts().length;
        return Arrays.copyOfRange(all, row * size, (row + 1) * size);
    }
}
