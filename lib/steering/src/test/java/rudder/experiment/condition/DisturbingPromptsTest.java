package rudder.experiment.condition;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import rudder.eval.ConceptWords;
import rudder.steer.PromptSet;

/** The prompts that take the openings' place: a plan of sixty rows needs sixty of each kind. */
class DisturbingPromptsTest {
    private static final String DATA = "../../data/";
    private static final String TOPIC = "{topic}";

    private final Map<String, List<String>> kinds = new LinkedHashMap<>();

    DisturbingPromptsTest() throws IOException {
        for (var kind : List.of("code", "chat", "other-language")) {
            kinds.put(kind, read(kind).prompts());
        }
        kinds.put("law", read("law").plus(read("law-more")).prompts());
        for (var split : List.of("on topic", "against")) {
            kinds.put(split, PromptSet.read(DATA + "prompts/topics.csv", split).prompts());
        }
    }

    private static PromptSet read(String name) throws IOException {
        return PromptSet.read(DATA + "prompts/" + name + ".csv");
    }

    @Test
    void thereAreSixtyOfEachKind() {
        kinds.forEach((kind, prompts) -> assertEquals(60, prompts.size(), kind));
    }

    @Test
    void noneIsAnOpeningOrStandsThereTwiceHoweverItIsWritten() throws IOException {
        var homes = new HashMap<String, String>();
        for (var opening : read("openings").prompts()) {
            homes.put(words(opening), "openings");
        }
        kinds.forEach((kind, prompts) -> prompts.forEach(prompt -> {
            var before = homes.put(words(prompt), kind);
            assertTrue(before == null, () -> "\"" + prompt + "\" of " + kind + " is also one of " + before);
        }));
    }

    @Test
    void eachLeavesItsSentenceOpen() {
        kinds.forEach((kind, prompts) -> prompts.forEach(prompt -> {
            assertFalse(prompt.matches("(?s).*[.!?;\u2026\\s]"), () -> kind + ": \"" + prompt + "\" is at its end");
            assertTrue(words(prompt).contains(" "), () -> kind + ": \"" + prompt + "\" is one word");
        }));
    }

    /** The rows that are older than this rule stay, so that what was measured on them can be repeated. */
    @Test
    void noLaterRowHasAWordOfAConcept() throws IOException {
        var concepts = ConceptWords.read(Path.of(DATA + "concept-words.csv"));
        assertEquals(24, concepts.size());
        kinds.forEach((kind, prompts) -> {
            int older = kind.equals("law") ? 40 : 20;
            for (var prompt : prompts.subList(older, prompts.size())) {
                for (var concept : concepts) {
                    assertEquals(0, concept.of(prompt.replace(TOPIC, "")), () -> concept.concept() + ": " + prompt);
                }
            }
        });
    }

    @Test
    void eachFrameNamesItsTopicOnceAndNoOtherPromptHasAFrame() {
        kinds.forEach((kind, prompts) -> prompts.forEach(prompt -> assertEquals(
                kind.equals("on topic") || kind.equals("against") ? 1 : 0,
                prompt.split("\\{topic}", -1).length - 1,
                () -> kind + ": " + prompt)));
    }

    private static String words(String prompt) {
        return prompt.toLowerCase(Locale.ROOT)
                .replaceAll("[^\\p{L}\\p{N}]+", " ")
                .strip();
    }
}
