package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.store.DatasetStore;
import rudder.eval.BenchmarkItem;
import rudder.eval.Benchmarks;
import rudder.model.LanguageModel;

class PromptSetTest {

    @Test
    void theFourSetsHaveFortyPromptsEachAndShareNone() throws IOException {
        var all = new HashSet<String>();
        for (var name : List.of("concepts", "law", "noisy", "adversarial")) {
            var set = PromptSet.read("../../data/prompts/" + name + ".csv");
            assertEquals(name, set.name());
            assertEquals(40, set.prompts().size());
            assertTrue(set.prompts().stream().allMatch(all::add), name);
        }
    }

    @Test
    void someAreSpreadOverTheSet() {
        var set = new PromptSet("letters", List.of("a", "b", "c", "d", "e", "f"));
        assertEquals(List.of("a", "c", "e"), set.some(3));
        assertEquals(set.prompts(), set.some(6));
        assertThrows(IllegalArgumentException.class, () -> set.some(7));
    }

    @Test
    void aSumKeepsTheFirstNameAndOrderAndRefusesAPromptOfBoth() {
        var first = new PromptSet("letters", List.of("c", "a"));
        var sum = first.plus(new PromptSet("more", List.of("b")));
        assertEquals(new PromptSet("letters", List.of("c", "a", "b")), sum);
        assertRefused(() -> sum.plus(first), "letters", "\"c\" twice");
    }

    @Test
    @Tag("model")
    void cutPromptsAreBeginningsOfSoManyTokens() throws IOException {
        var problems = new PromptSet(
                "code",
                Benchmarks.humanEval(DatasetStore.fetch("humaneval")).stream()
                        .map(BenchmarkItem::text)
                        .toList());
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var code = problems.cut(model, 24);
            assertEquals("PromptSet[code, 164 prompts]", code.toString());
            for (int i = 0; i < 164; i++) {
                assertTrue(
                        problems.prompts().get(i).startsWith(code.prompts().get(i)),
                        code.prompts().get(i));
                assertEquals(
                        24,
                        model.encode(code.prompts().get(i)).length,
                        code.prompts().get(i));
            }
            assertEquals(
                    List.of("The sea", "The"),
                    new PromptSet("short", List.of("The sea is", "The sea was", "The"))
                            .cut(model, 2)
                            .prompts());
            assertRefused(() -> problems.cut(model, 0), "code", "0 tokens", "at least 1");
        }
    }

    @Test
    void whatIsNotASetIsRefused() {
        for (var prompts : List.of(List.<String>of(), List.of("a", " "), List.of("a", "a"))) {
            var message = assertThrows(IllegalArgumentException.class, () -> new PromptSet("mine", prompts))
                    .getMessage();
            assertTrue(message.contains("mine"), message);
        }
    }
}
