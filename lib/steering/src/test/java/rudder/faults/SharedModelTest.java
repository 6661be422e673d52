package rudder.faults;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.types.DataType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.Sampling;
import rudder.model.Tiny;

/** Many threads on one model, and one model for long. */
@Tag("faults")
class SharedModelTest {

    @TempDir
    private Path temp;

    @Test
    void eightThreadsOnOneModelComputeWhatOneDoes() throws Exception {
        var model = Tiny.QWEN2.model(DataType.FLOAT32);
        var steered = model.steered(rudder.theory.control.Controller.none());
        var works = new ArrayList<Callable<float[]>>();
        for (int i = 0; i < 24; i++) {
            String prompt = "the tide " + i % 5 + " turns".repeat(i % 3);
            int kind = i % 3;
            works.add(() -> switch (kind) {
                case 0 -> floats(steered.generate(prompt, 12, Sampling.greedy()).tokens());
                case 1 -> model.logits(model.encode(prompt));
                default -> {
                    var jacobian = model.meanJacobians(List.of(prompt)).get(1).data;
                    float[] all = new float[jacobian.length];
                    for (int j = 0; j < all.length; j++) {
                        all[j] = (float) jacobian[j];
                    }
                    yield all;
                }
            });
        }
        var serial = new ArrayList<float[]>();
        for (var work : works) {
            serial.add(work.call());
        }
        var pool = Executors.newFixedThreadPool(8);
        try {
            var found = new ArrayList<Future<float[]>>();
            works.forEach(work -> found.add(pool.submit(work)));
            for (int i = 0; i < works.size(); i++) {
                // another batch may have cached a prompt's beginning: sums in another order round differently
                assertArrayEquals(serial.get(i), found.get(i).get(), 1e-4f, "work " + i);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    private static float[] floats(int[] tokens) {
        float[] all = new float[tokens.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = tokens[i];
        }
        return all;
    }

    /** Memory is measured in the profile alone. The heap is committed at once, so that only a leak grows. */
    @Test
    void memoryIsFlatOverTwentyLoadsAndTenThousandTokens() throws Exception {
        Assumptions.assumeTrue(Boolean.getBoolean("rudder.memory"), "measured by -Pfaults alone");
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "no /proc");
        flat("loads", 5);
        flat("tokens", 3);
    }

    private void flat(String program, int warm) throws Exception {
        var environment = Map.of(
                "MALLOC_MMAP_THRESHOLD_", "1048576", "MALLOC_TRIM_THRESHOLD_", "16777216", "MALLOC_ARENA_MAX", "2");
        try (var child = new Child(
                temp.resolve("cache"),
                List.of(),
                environment,
                List.of("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch"),
                program,
                temp.resolve("model").toString())) {
            var resident = child.output()
                    .lines()
                    .filter(line -> line.startsWith("resident "))
                    .map(line -> Long.parseLong(line.substring(9)) >> 20)
                    .toList();
            assertEquals(program.equals("loads") ? 20 : 10, resident.size(), child.output());
            long before = resident.get(warm - 1);
            long after = resident.get(resident.size() - 1);
            System.out.printf(
                    "%s: resident %d MB after warm-up, %d MB at the end, %s%n", program, before, after, resident);
            assertTrue(after <= 1.05 * before, program + " grew from " + before + " to " + after + " MB: " + resident);
        }
    }
}
