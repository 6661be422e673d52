package rudder.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.model.LanguageModel;
import rudder.theory.LqrSolution;
import rudder.theory.QuadraticCost;
import rudder.theory.control.Controller;

class HelpTest {

    private static List<String> lines;
    private static Help help;

    /** Runs the build's own program on the sources. */
    @BeforeAll
    static void readTheSources(@TempDir Path folder) throws IOException, InterruptedException {
        var file = folder.resolve("help.tsv");
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "src/build/java/HelpIndex.java",
                        file.toString(),
                        "../../theory/src/main/java",
                        "../checkpoint/src/main/java",
                        "src/main/java")
                .inheritIO()
                .start();
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), "still runs after 120 s");
        assertEquals(0, process.exitValue());
        lines = Files.readAllLines(file);
        help = new Help(lines);
    }

    @Test
    void theBuildPacksIt() {
        if (System.getProperty("surefire.test.class.path") != null) {
            assertNotNull(Help.class.getResource("/rudder/report/help.tsv"));
        }
    }

    @Test
    void everyLineHasThreeFieldsAndNoMarkup() {
        for (var line : lines) {
            assertEquals(3, line.split("\t", -1).length, line);
            assertTrue(!line.contains("{@") && !line.contains("<p>"), line);
        }
    }

    /** Reflection is the oracle: of each type, as many declarations of a name as it has public methods of that name. */
    @Test
    void everyPublicMethodIsThere() throws ClassNotFoundException {
        var missing = new ArrayList<String>();
        var listed = new HashMap<String, Map<String, Integer>>();
        var type = "";
        for (var line : lines) {
            var fields = line.split("\t", -1);
            type = fields[0].isEmpty() ? type : fields[0];
            var names = listed.computeIfAbsent(type, name -> new HashMap<>());
            if (fields[0].isEmpty() && fields[1].contains("(")) {
                names.merge(fields[1].replaceFirst("\\(.*", "").replaceFirst(".* ", ""), 1, Integer::sum);
            }
        }
        int methods = 0;
        for (var name : listed.keySet()) {
            var loaded = Class.forName(name, false, HelpTest.class.getClassLoader());
            var found = new HashMap<String, Integer>();
            for (var method : loaded.getDeclaredMethods()) {
                boolean inherited = Arrays.stream(loaded.getInterfaces()).anyMatch(parent -> has(parent, method))
                        || loaded.getSuperclass() != null && has(loaded.getSuperclass(), method)
                        || has(Object.class, method);
                boolean made = loaded.isEnum() && List.of("values", "valueOf").contains(method.getName());
                if (Modifier.isPublic(method.getModifiers()) && !method.isSynthetic() && !inherited && !made) {
                    found.merge(method.getName(), 1, Integer::sum);
                    methods++;
                }
            }
            found.forEach((method, count) -> {
                if (listed.get(name).getOrDefault(method, 0) < count) {
                    missing.add(name + "." + method);
                }
            });
        }
        assertTrue(methods > 500, "found " + methods);
        assertEquals(List.of(), missing);
    }

    private static boolean has(Class<?> parent, java.lang.reflect.Method method) {
        return Arrays.stream(parent.getMethods())
                .anyMatch(other -> other.getName().equals(method.getName())
                        && other.getParameterCount() == method.getParameterCount());
    }

    @Test
    void whatANotebooksReaderMeetsHasASentence() {
        var silent = new ArrayList<String>();
        for (var type : List.of(LanguageModel.class, LqrSolution.class, Controller.class, QuadraticCost.class)) {
            boolean inType = false;
            for (var line : lines) {
                var fields = line.split("\t", -1);
                inType = fields[0].isEmpty() ? inType : fields[0].equals(type.getName());
                if (inType && fields[2].isEmpty()) {
                    silent.add(type.getSimpleName() + ": " + fields[1]);
                }
            }
        }
        assertEquals(List.of(), silent);
    }

    @Test
    void aPageNamesATypeItsMembersAndThoseItInherits() {
        var page = help.page(LanguageModel.class);
        assertTrue(page.startsWith("class LanguageModel\n"), page);
        assertTrue(page.contains("\nfrom class TextGenerator\n"), page);
        assertTrue(page.contains("\n  Completion generate(String prompt, int maxTokens)\n      Generates up to"), page);
    }

    @Test
    void anObjectIsOfItsClass() {
        var cost = new QuadraticCost(0.1, 10, 1);
        assertEquals(help.page(QuadraticCost.class), help.page(cost));
        var page = help.page(cost);
        assertTrue(page.startsWith("record QuadraticCost(double q, double r, double qf)\n  The cost"), page);
        assertTrue(page.contains("\n  double r()\n      weight of the inputs; r > 0."), page);
        assertTrue(page.contains("\n  static QuadraticCost of(double q, double r)\n      Returns the cost"), page);
    }

    @Test
    void otherTypesAreRefusedByName() {
        var error = assertThrows(IllegalArgumentException.class, () -> help.page("text"));
        assertTrue(error.getMessage().contains("java.lang.String"), error.getMessage());
    }
}
