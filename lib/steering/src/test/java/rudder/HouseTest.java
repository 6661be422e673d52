package rudder;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The sizes that CONTRIBUTING.md promises, read from the sources. */
class HouseTest {
    private static final int COLUMNS = 120;
    private static final int FILES = 26;
    private static final int LINES = 2_600;
    private static final Pattern BARE_CAUSE =
            Pattern.compile("new \\w*(Exception|Error)\\(e\\)|\" \\+ e\\b(?!\\s*[.\\[(])");
    private static final Pattern OF_THIS_MACHINE = Pattern.compile(
            "String\\.format\\((?!\\s*Locale\\.ROOT)[^,)]*|\\S*\\.formatted\\(|to(Upper|Lower)Case\\(\\)");

    @Test
    void noLineOfJavaIsTooLong() throws IOException {
        var wide = new ArrayList<String>();
        for (var file : javaFiles("/src/")) {
            tooWide(Sources.ROOT.relativize(file).toString(), Files.readAllLines(file))
                    .forEach(wide::add);
        }
        assertEquals(List.of(), wide, "lines over " + COLUMNS + " columns");
    }

    /** {@code "..." + e} and {@code new SomeException(e)} say the class's name where a reader wants a sentence. */
    @Test
    void noMessageIsTheClassNameOfItsCause() throws IOException {
        assertEquals(List.of(), inCode(BARE_CAUSE));
    }

    /** Where a language has digits of its own, {@code %d} writes them: into names of tensors and files, too. */
    @Test
    void noTextDependsOnTheMachinesLanguage() throws IOException {
        assertEquals(List.of(), inCode(OF_THIS_MACHINE), "wanted String.format(Locale.ROOT, ..)");
    }

    /** Returns where the library's code matches a pattern, each with its file. */
    private static List<String> inCode(Pattern pattern) throws IOException {
        var found = new ArrayList<String>();
        for (var file : javaFiles("/src/main/java/")) {
            pattern.matcher(Files.readString(file))
                    .results()
                    .forEach(match -> found.add(Sources.ROOT.relativize(file) + ": " + match.group()));
        }
        return found;
    }

    @TestFactory
    Stream<DynamicTest> aPackageIsARoom() throws IOException {
        var packages =
                javaFiles("/src/main/java/").stream().collect(groupingBy(Path::getParent, TreeMap::new, toList()));
        assertFalse(packages.isEmpty());
        return packages.entrySet().stream()
                .map(e ->
                        dynamicTest(name(e.getKey()), () -> assertEquals(List.of(), faults(e.getKey(), e.getValue()))));
    }

    private static List<String> faults(Path folder, List<Path> files) throws IOException {
        var faults = new ArrayList<String>();
        if (!Files.exists(folder.resolve("package-info.java"))) {
            faults.add("has no package-info.java");
        }
        if (files.size() > FILES) {
            faults.add(files.size() + " files, " + FILES + " at most");
        }
        long lines = 0;
        for (var file : files) {
            lines += Files.readAllLines(file).size();
        }
        if (lines > LINES) {
            faults.add(lines + " lines, " + LINES + " at most");
        }
        return faults;
    }

    private static Stream<String> tooWide(String where, List<String> lines) {
        return Stream.iterate(0, i -> i < lines.size(), i -> i + 1)
                .filter(i -> lines.get(i).codePointCount(0, lines.get(i).length()) > COLUMNS)
                .map(i -> where + ":" + (i + 1));
    }

    private static String name(Path folder) {
        return folder.toString().replaceFirst(".*/src/main/java/", "").replace('/', '.');
    }

    /** Returns the project's Java files whose paths have this part. */
    static List<Path> javaFiles(String below) throws IOException {
        var files = new ArrayList<Path>();
        for (var module : List.of("theory", "lib")) {
            try (var walk = Files.walk(Sources.ROOT.resolve(module))) {
                walk.filter(file -> file.toString().contains(below)
                                && file.toString().endsWith(".java"))
                        .forEach(files::add);
            }
        }
        return files;
    }
}
