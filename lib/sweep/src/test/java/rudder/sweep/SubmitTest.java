package rudder.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.compare.SameComparison.assertSame;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.compare.Comparison;
import rudder.model.Tiny;

/** The assembled jar, {@code mvn -Psweep package}, runs under spark-submit on a Spark that has no jar of Rudder. */
@Tag("submit")
class SubmitTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"local[2]", "standalone"})
    void theAssembledJarGivesTheComparisonOfOneMachine(String master) throws Exception {
        var assembled = Path.of("..", "target", "rudder-sweep.jar").toAbsolutePath();
        assertTrue(Files.exists(assembled), assembled + " is missing: mvn -Psweep package makes it");
        var out = folder.resolve("sweep");
        try (var cluster = Cluster.ofSpark(folder);
                var model = TinyFile.load(Tiny.LLAMA, folder)) {
            cluster.finish(cluster.submit(
                    master.equals("standalone") ? cluster.standalone() : master,
                    assembled,
                    program(),
                    Submitted.class,
                    folder.resolve("llama.gguf").toString(),
                    out.toString()));
            var swept = Sweep.read(out.toString());
            assertEquals(2, swept.done());
            assertSame(
                    Comparison.of(model, Submitted.PROMPTS, Submitted.settings(), Submitted.arms(model)),
                    swept.comparison());
        }
    }

    /** The user's jar: one class. */
    private Path program() throws IOException {
        var jar = folder.resolve("program.jar");
        var name = Submitted.class.getName().replace('.', '/') + ".class";
        try (var out = new JarOutputStream(Files.newOutputStream(jar));
                var in = Submitted.class.getClassLoader().getResourceAsStream(name)) {
            out.putNextEntry(new JarEntry(name));
            in.transferTo(out);
            out.closeEntry();
        }
        return jar;
    }
}
