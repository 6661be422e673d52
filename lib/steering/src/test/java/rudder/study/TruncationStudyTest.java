package rudder.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.report.LinearityCharts;
import rudder.study.TruncationStudy.Cut;
import rudder.theory.LocalLinearity;
import rudder.theory.Vectors;

/** At block 0 prompts that end in the same token have the same state, and no difference to measure along. */
class TruncationStudyTest {

    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final List<String> ALIKE =
            IntStream.range(0, 9).mapToObj(i -> "a".repeat(i + 1) + " sea").toList();

    @Test
    void withoutADifferenceErrorsAreUndefinedAndTheRestIsMeasured(@TempDir Path cache) throws IOException {
        var study = TruncationStudy.kept(MODEL, ALIKE.subList(0, 3), cache, 0, 1);
        for (var cut : Cut.values()) {
            assertTrue(study.error(0, cut).stream().allMatch(error -> Double.isNaN(error.mean())), cut.toString());
            assertTrue(Double.isNaN(study.thresholdError(0, cut).mean()));
            assertTrue(study.error(1, cut).stream().allMatch(error -> error.mean() > 0), cut.toString());
        }
        assertTrue(Double.isNaN(study.identityError(0).mean()));
        assertTrue(study.alignment(0).get(0).mean() > 0);
        assertTrue(study.aboveThreshold(0).mean() > 0);
        assertEquals(
                study.alignment(0),
                TruncationStudy.kept(MODEL, ALIKE.subList(0, 3), cache, 0).alignment(0));
        LinearityCharts.ranks(study, 0); // draws what is defined
    }

    /** The first eight others of some prompts are all alike: the ninth is what they differ from. */
    @Test
    void differencesAreThoseToTheFirstPromptsThatDiffer(@TempDir Path cache) throws IOException {
        var prompts = Stream.concat(ALIKE.stream(), Stream.of("a tide")).toList();
        var study = TruncationStudy.kept(MODEL, prompts, cache, 0);
        var neighbours = Neighbours.of(MODEL, prompts);
        var identity = CommonOps_DDRM.identity(Tiny.D);
        double wanted = IntStream.range(0, prompts.size())
                .mapToDouble(i -> {
                    double[][] others = neighbours.differences(0, i).stream()
                            .filter(w -> Vectors.norm(w) > 0)
                            .limit(8)
                            .toArray(double[][]::new);
                    var around = LocalLinearity.around(
                            neighbours.plants().get(i), 0, neighbours.state(0, i), others, TruncationStudy.RADIUS);
                    return Arrays.stream(around.errors(identity, MODEL.algebra()))
                            .mapToDouble(error -> error[0])
                            .average()
                            .orElseThrow();
                })
                .average()
                .orElseThrow();
        assertEquals(wanted, study.identityError(0).mean(), 1e-9);
    }
}
