package rudder.experiment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnitsTest {

    private static final long LARGE = 1000;
    private static final List<String> PLAN = List.of("a plan", "of two lines");

    @TempDir
    private Path folder;

    private static Unit unit(int i) {
        var key = new Unit.Key("model", "concept " + i, "KL 0.2", "ActAdd / P", "OPEN", "none");
        return Unit.texts(key, 0.5, List.of("A prompt"), List.of("A text of some length"), new double[] {0.25});
    }

    @Test
    void unitsGoOnInAnotherFileWhereOneIsLargeAndAllAreReadAgain() throws IOException {
        try (var units = Units.open(folder, PLAN, LARGE)) {
            for (int i = 0; i < 20; i++) {
                units.add(unit(i));
            }
        }
        int files = 0;
        for (int n = 1; Files.exists(file(n)); n++) {
            assertTrue(Files.size(file(n)) <= LARGE, n + ": " + Files.size(file(n)));
            files++;
        }
        assertTrue(files > 2, files + " files");
        try (var units = Units.open(folder, PLAN, LARGE)) {
            assertEquals(20, units.all().size());
            assertEquals("concept 19", units.all().get(19).key().concept());
            units.add(unit(20));
        }
        try (var units = Units.open(folder, PLAN, LARGE)) {
            assertEquals(21, units.all().size());
        }
    }

    @Test
    void aUnitThatIsLargerThanAFileIsAFileOfItsOwn() throws IOException {
        try (var units = Units.open(folder, PLAN, 10)) {
            units.add(unit(0));
            units.add(unit(1));
        }
        try (var units = Units.open(folder, PLAN, 10)) {
            assertEquals(2, units.all().size());
        }
        assertTrue(Files.exists(file(2)) && Files.notExists(file(3)));
    }

    @Test
    void everyFileHasThePlanAndALineThatWasCutOffIsLeftOut() throws IOException {
        try (var units = Units.open(folder, PLAN, LARGE)) {
            for (int i = 0; i < 5; i++) {
                units.add(unit(i));
            }
        }
        Files.writeString(file(2), "{\"key\":", StandardCharsets.UTF_8, StandardOpenOption.APPEND);
        try (var units = Units.open(folder, PLAN, LARGE)) {
            assertEquals(5, units.all().size());
        }
        Files.write(file(2), List.of("[\"another plan\"]"));
        var e = assertThrows(IOException.class, () -> Units.open(folder, PLAN, LARGE));
        assertTrue(e.getMessage().contains("units-2.jsonl, line 1"), e.getMessage());
    }

    @Test
    void whoReadsNeitherWaitsForTheWriterNorChangesAFile() throws IOException {
        assertRefused(() -> Units.read(folder, PLAN), file(1).toString(), "wanted the folder of a run");
        assertTrue(Files.notExists(file(1)), "a reader makes no file");
        try (var units = Units.open(folder, PLAN)) {
            assertEquals(List.of(), Units.read(folder, PLAN));
            units.add(unit(0));
            Files.writeString(file(1), "{\"key\":", StandardCharsets.UTF_8, StandardOpenOption.APPEND);
            String before = Files.readString(file(1));
            assertEquals(1, Units.read(folder, PLAN).size());
            assertEquals(before, Files.readString(file(1)));
        }
        assertRefused(() -> Units.read(folder, List.of("another plan")), "units.jsonl, line 1");
    }

    private Path file(int n) {
        return folder.resolve(n == 1 ? "units.jsonl" : "units-" + n + ".jsonl");
    }
}
