package rudder.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
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
            var all = new HeapPasses(new Lifetime(), decoder, prompts, 5, controllers, List.of(setpoint));
            var some = new HeapPasses(new Lifetime(), decoder, prompts, 5, controllers, List.of(setpoint));
            all.prompts(Collections.nCopies(TEXTS, new boolean[] {true, true}));
            some.prompts(Collections.nCopies(TEXTS, new boolean[] {true, true}));
            var steered = Collections.nCopies(TEXTS, new boolean[] {true});
            int step = 0;
            for (int left : new int[] {TEXTS, TEXTS - 1, 5, 1}) {
                int[] tokens = Tiny.tokens(TEXTS, ++step);
                var ended = new boolean[TEXTS];
                IntStream.range(0, TEXTS).forEach(i -> ended[i] = i * 7 % TEXTS >= left);
                var wanted = all.next(step, tokens, steered, new boolean[TEXTS]);
                var found = some.next(step, tokens, steered, ended);
                for (int i = 0; i < TEXTS; i++) {
                    if (!ended[i]) {
                        assertArrayEquals(row(wanted, i), row(found, i), left + " texts left, text " + i);
                        assertArrayEquals(
                                wanted.measured().strengths().get(0)[i],
                                found.measured().strengths().get(0)[i]);
                        assertArrayEquals(
                                wanted.measured().energies()[i],
                                found.measured().energies()[i]);
                    }
                }
            }
        }
    }

    private static float[] row(Passes.Result pass, int text) {
        float[] all = pass.logits().numbers();
        int size = all.length / TEXTS;
        return Arrays.copyOfRange(all, text * size, (text + 1) * size);
    }
}
