package rudder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class PromptSetTest {

    @Test
    void theFiveSetsHaveFortyPromptsEachAndShareNone() throws IOException {
        var all = new HashSet<String>();
        for (var name : List.of("concepts", "code", "law", "noisy", "adversarial")) {
            var set = PromptSet.read("../data/prompts/" + name + ".csv");
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
    void whatIsNotASetIsRefused() {
        for (var prompts : List.of(List.<String>of(), List.of("a", " "), List.of("a", "a"))) {
            var message = assertThrows(IllegalArgumentException.class, () -> new PromptSet("mine", prompts)).getMessage();
            assertTrue(message.contains("mine"), message);
        }
    }
}
