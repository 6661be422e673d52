package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.store.DatasetStore;
import rudder.steer.ContrastSet;
import rudder.steer.PromptSet;

/** What the notebooks of the four tasks steer with, tune on and judge on. */
@Tag("model")
class TaskDataTest {
    private static final Path DATA = Path.of("../../data");

    private static final List<String> KINDS = List.of(
            "flirtation", "identity_attack", "insult", "profanity", "severe_toxicity", "sexually_explicit", "threat");

    private static List<String> contrast(String file) throws IOException {
        var set = ContrastSet.read(DATA + "/" + file);
        return Stream.concat(set.positive().stream(), set.negative().stream()).toList();
    }

    private static List<String> prompts(String file) throws IOException {
        return PromptSet.read(DATA + "/" + file).prompts();
    }

    @Test
    void everyDatasetIsWhereTheCatalogueSays() throws IOException {
        for (var name : DatasetStore.names()) {
            assertTrue(Files.exists(DatasetStore.fetch(name)), name);
        }
    }

    @Test
    void noTextIsInTwoOfTheSets() throws IOException {
        var toxic = new LinkedHashSet<String>();
        for (var kind : KINDS) {
            toxic.addAll(Benchmarks.lines(DatasetStore.fetch("toxic-prompts").resolve("rtp_" + kind + ".txt")));
        }
        var sets = new LinkedHashMap<String, List<String>>();
        sets.put("toxic prompts", List.copyOf(toxic));
        sets.put(
                "harmful instructions",
                Benchmarks.advBench(DatasetStore.fetch("advbench")).stream()
                        .map(BenchmarkItem::text)
                        .toList());
        sets.put("rudeness", contrast("tasks/rudeness.csv"));
        sets.put("refusal", contrast("tasks/refusal.csv"));
        sets.put("neutral", prompts("tasks/neutral.csv"));
        sets.put("overrefusal", prompts("tasks/overrefusal.csv"));
        sets.put("harmless", prompts("tasks/harmless.csv"));
        sets.put("openings", prompts("prompts/openings.csv"));
        sets.put(
                "knowledge",
                Benchmarks.lettered(DATA.resolve("tasks/knowledge.csv")).stream()
                        .map(Question::text)
                        .toList());
        sets.put(
                "truthfulness",
                Benchmarks.truthfulQa(DATA.resolve("tasks/truthfulness.csv")).stream()
                        .map(Question::text)
                        .toList());
        for (var concept : ConceptWords.read(DATA.resolve("concept-words.csv"))) {
            sets.put(concept.concept(), contrast("concepts/" + concept.concept() + ".csv"));
        }
        var homes = new HashMap<String, Set<String>>();
        sets.forEach((name, texts) -> texts.forEach(
                text -> homes.computeIfAbsent(text.strip().toLowerCase(Locale.ROOT), t -> new LinkedHashSet<>())
                        .add(name)));
        assertEquals(
                Set.of(),
                homes.entrySet().stream()
                        .filter(home -> home.getValue().size() > 1)
                        .map(Object::toString)
                        .collect(Collectors.toSet()));
        assertTrue(
                sets.get("toxic prompts").size() >= 112
                        && sets.get("harmful instructions").size() >= 112,
                "a hundred to judge on, a dozen to tune on");
    }
}
