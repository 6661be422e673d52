package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import rudder.checkpoint.Golden;

/** Gradients of continuations in SmolLM2, against autograd's in double precision. */
@Tag("model")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GradientGoldenTest {

    private static final Golden GOLDEN = Golden.of("gradients-smollm2");
    private LanguageModel model;

    @BeforeAll
    void load() throws IOException {
        model = LanguageModel.load("SmolLM2-135M-Instruct");
    }

    @AfterAll
    void close() {
        model.close();
    }

    @Test
    void normsAndProductsAreAutogradsAloneAndInABatch() {
        var cases = GOLDEN.at("cases").list();
        var texts = cases.stream()
                .map(one -> new Continuation(
                        one.at("prompt").ints(), one.at("continuation").ints()))
                .toArray(Continuation[]::new);
        var together = GradientTest.gradients(model, texts);
        int from = 0;
        for (int i = 0; i < texts.length; i++) {
            Golden golden = cases.get(i);
            double[] surprisals = model.surprisals(List.of(texts[i].all()), texts[i].prompt().length)[0];
            assertEquals(
                    golden.at("log_likelihood").number(),
                    -Arrays.stream(surprisals).sum(),
                    1e-3);
            var alone = GradientTest.gradients(model, texts[i]);
            double[] norms = golden.at("frobenius").numbers();
            int rows = texts[i].tokens().length;
            for (int k = 0; k < model.horizon(); k++) {
                String what = "text " + i + ", block " + k;
                double[] g = alone.get(k).data;
                assertEquals(1, NormOps_DDRM.normF(alone.get(k)) / norms[k], 1e-4, what);
                int width = model.dimension();
                double[] same = Arrays.copyOfRange(together.get(k).data, from * width, (from + rows) * width);
                assertEquals(0, Golden.relative(same, g), 1e-4, what + ", in a batch");
            }
            for (int k : new int[] {0, 10, 20, 29}) {
                double[] wanted = golden.at("dot_r_by_position_block_0_10_20_29", Integer.toString(k))
                        .numbers();
                assertEquals(rows, wanted.length);
                for (int t = 0; t < rows; t++) {
                    double found = 0;
                    for (int j = 0; j < model.dimension(); j++) {
                        found += alone.get(k).get(t, j) * Math.sin(j + 1) / Math.sqrt(model.dimension());
                    }
                    if (Math.abs(wanted[t]) > norms[k] / 100) {
                        assertEquals(1, found / wanted[t], 1e-3, "text " + i + ", block " + k + ", token " + t);
                    }
                }
            }
            from += rows;
        }
    }
}
