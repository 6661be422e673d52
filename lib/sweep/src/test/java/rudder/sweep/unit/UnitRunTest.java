package rudder.sweep.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.sweep.SweepSession;

/** Units that write their names, and need no model. */
class UnitRunTest {

    private static final String FOLDER = "model=none";
    private static final AtomicInteger COMPUTED = new AtomicInteger();
    private static JavaSparkContext context;

    @TempDir
    private Path temp;

    private Folder home;

    @BeforeAll
    static void open() {
        context = JavaSparkContext.fromSparkContext(SweepSession.at("local[2]").sparkContext());
    }

    @AfterAll
    static void close() {
        context.stop();
    }

    @BeforeEach
    void aFolder() throws IOException {
        home = new Folder(temp.resolve("shared").toString(), context.hadoopConfiguration());
        COMPUTED.set(0);
    }

    private record Named(String id) implements UnitJob {
        @Override
        public String folder() {
            return FOLDER;
        }

        @Override
        public List<SentModel> models() {
            return List.of();
        }

        @Override
        public Folder.Content compute(List<LanguageModel> models, Configuration configuration) {
            if (id.startsWith("bad")) {
                throw new IllegalStateException("a unit that fails");
            }
            COMPUTED.incrementAndGet();
            return failed(id, configuration);
        }

        @Override
        public Folder.Content failed(String text, Configuration configuration) {
            return path -> Files.writeString(Path.of(path.toUri().getPath()), text);
        }
    }

    private static final class Naming extends UnitTask<String> {
        private static final long serialVersionUID = 1;

        Naming(String folder, Broadcast<SerializableConfiguration> configuration) {
            super(folder, configuration);
        }

        @Override
        public UnitJob job(String unit) {
            return new Named(unit);
        }
    }

    /** Lets executors write to a folder, which should be the driver's. */
    private void run(String folder, String... units) throws IOException {
        UnitRun.compute(context, "Test", home, List.of(units), configuration -> new Naming(folder, configuration));
    }

    @Test
    void unitsThatFailedOrSucceededAreThere() throws IOException {
        run(home.toString(), "a", "bad", "b");
        assertEquals(List.of("a", "b"), home.units(FOLDER).stream().sorted().toList());
        assertEquals(List.of("bad"), home.failed(FOLDER));
    }

    @Test
    void executorsThatWriteToADiskOfTheirOwnAreFoundOut() {
        var elsewhere = temp.resolve("another disk").toString();
        assertRefused(() -> run(elsewhere, "a", "bad", "b"), "3 of 3 units", home.toString(), "all machines share");
    }

    @Test
    void aUnitThatIsThereIsNotComputedAgain() throws IOException {
        run(home.toString(), "a", "b");
        assertEquals(2, COMPUTED.get());
        run(home.toString(), "a", "b", "c");
        assertEquals(3, COMPUTED.get());
    }
}
