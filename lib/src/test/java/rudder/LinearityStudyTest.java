package rudder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.LinearityStudy.Along;
import rudder.LinearityStudy.With;
import rudder.model.LanguageModel;

@Tag("model")
class LinearityStudyTest {

    @Test
    void whatIsLostIsMeasuredAgainAsItWasAndNothingElseIs(@TempDir Path cache) throws IOException {
        var ocean = ContrastSet.read("../data/concepts/ocean.csv");
        var prompts = PromptSet.read("../data/prompts/concepts.csv").some(3);
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var first = LinearityStudy.kept(model, prompts, prompts, ocean, cache);
            List<Path> kept;
            try (var files = Files.list(cache.resolve("artefacts"))) {
                kept = files.sorted().toList();
            }
            assertEquals(model.horizon(), kept.size());
            Files.delete(kept.get(0));
            var untouched = Files.getLastModifiedTime(kept.get(1));
            var again = LinearityStudy.kept(model, prompts, prompts, ocean, cache);
            assertTrue(Files.exists(kept.get(0)));
            assertEquals(untouched, Files.getLastModifiedTime(kept.get(1)));
            for (var along : Along.values()) {
                for (var with : With.values()) {
                    var before = first.error(along, with, .1);
                    var after = again.error(along, with, .1);
                    for (int k = 0; k < model.horizon(); k++) {
                        assertEquals(before.get(k).mean(), after.get(k).mean(), 1e-3 * before.get(k).mean(), along + " " + with + ", block " + k);
                    }
                    assertTrue(first.meanError(along, With.OWN, .01).mean() < .1, along.toString());
                }
            }
            assertNotEquals(first.control().get(0), first.alignment().get(0));
            assertThrows(IllegalArgumentException.class, () -> first.error(Along.FEATURE, With.OWN, .2));
            assertThrows(IllegalArgumentException.class, () -> LinearityStudy.kept(model, List.of("a", "b", "b"), prompts, ocean, cache));
        }
    }
}
