package rudder.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.model.transformer.Keep;

/**
 * What a token costs in calls of the engine. On a GPU small models are bound by these, not by arithmetic, so each call
 * more is a loss that no test of values sees.
 */
class EngineCallsTest {

    /** Calls that make views, which cost the host alone; the others compute or copy. */
    private static final List<String> VIEWS = List.of(
            "slice",
            "reshape",
            "t",
            "permute",
            "split_with_sizes",
            "transpose",
            "view",
            "expand",
            "unsqueeze",
            "select");

    @TempDir
    Path folder;

    private record Call(String name, double start, double end) {}

    /** Returns the engine's calls by name, in this process, without those that they make themselves. */
    private Map<String, Integer> calls(Runnable work) throws IOException {
        Path file = folder.resolve("calls.json");
        JniUtils.startProfile(false, false, false);
        work.run();
        JniUtils.stopProfile(file.toString());
        var calls = new ArrayList<Call>();
        try (var reader = Files.newBufferedReader(file)) {
            StreamSupport.stream(JsonParser.parseReader(reader).getAsJsonArray().spliterator(), false)
                    .map(one -> one.getAsJsonObject())
                    .filter(one -> one.has("dur"))
                    .forEach(one -> {
                        double start = one.get("ts").getAsDouble();
                        calls.add(new Call(
                                one.get("name").getAsString(),
                                start,
                                start + one.get("dur").getAsDouble()));
                    });
        }
        calls.sort(Comparator.comparingDouble(Call::start).thenComparing(call -> -call.end()));
        var count = new TreeMap<String, Integer>();
        double end = -1;
        for (var call : calls) {
            if (call.start() >= end) {
                count.merge(call.name().replace("aten::", ""), 1, Integer::sum);
                end = call.end();
            }
        }
        return count;
    }

    /** Returns the calls of one token more, by name. */
    private Map<String, Integer> callsOfAToken(LanguageModel model) throws IOException {
        int[] prompt = Tiny.tokens(5, 1);
        Runnable few = () -> model.generateOfTokens(List.of(prompt), 3, Sampling.greedy());
        few.run(); // what the first pass makes once
        var calls = calls(() -> model.generateOfTokens(List.of(prompt), 4, Sampling.greedy()));
        calls(few).forEach((name, count) -> calls.merge(name, -count, Integer::sum));
        calls.values().removeIf(count -> count == 0);
        return calls;
    }

    private static int sum(Map<String, Integer> calls, boolean views) {
        return calls.entrySet().stream()
                .filter(call -> views || !VIEWS.contains(call.getKey()))
                .mapToInt(Map.Entry::getValue)
                .sum();
    }

    @ParameterizedTest
    @CsvSource({
        "LLAMA, FLOAT32, 233, 126",
        "QWEN2, FLOAT32, 237, 130",
        "GEMMA3, FLOAT32, 485, 319",
        "LLAMA, FLOAT16, 314, 207",
        "GEMMA3, FLOAT16, 601, 435"
    })
    void aTokenCallsTheEngineNoMoreThan(Tiny tiny, DataType type, int all, int computing) throws IOException {
        try (var model = Tiny.load(type, tiny.gguf(), "0".repeat(64), Keep.AT_ONCE)) {
            var calls = callsOfAToken(model);
            assertTrue(sum(calls, true) <= all, sum(calls, true) + " calls: " + calls);
            assertTrue(sum(calls, false) <= computing, sum(calls, false) + " calls that compute: " + calls);
        }
    }

    @Test
    void callsAreCounted() throws IOException {
        try (var manager = NDManager.newBaseManager("PyTorch")) {
            var x = manager.ones(new Shape(3, 4));
            var calls = calls(() -> x.square().addi(x).sum(new int[] {-1}).toFloatArray());
            assertEquals(1, calls.get("square"));
            assertEquals(1, calls.get("add_"));
            assertEquals(1, calls.get("sum"));
        }
    }
}
