package rudder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What a notebook keeps to be a lecture: short cells, few figures, numbered captions, a short conclusion, exercises.
 */
class LectureTest {

    private static final int LINES = 12;
    private static final int COLUMNS = 120;
    private static final int WORDS = 150;
    private static final int FIGURES = 6;
    private static final int SENTENCES = 5;
    private static final int LONG = 25; // words of a sentence
    private static final int EXERCISES = 2;

    private static final Pattern MAGIC = Pattern.compile("(?m)^%.*$");
    private static final Pattern CAPTION = Pattern.compile("(?m)^\\*Figure (\\d+):[^*]+\\*$");
    private static final Pattern FOLDED =
            Pattern.compile("<details><summary>Solution \\d</summary>\n\n.+?\n\n</details>", Pattern.DOTALL);
    private static final Pattern SENTENCE_END = Pattern.compile("[.!?](?=\\s|$)");
    private static final Pattern LINK = Pattern.compile("\\[([^\\]]*)\\]\\([^()]*\\)");
    private static final Pattern BRACKETS = Pattern.compile("\\([^()]*\\)");
    private static final Pattern WORD = Pattern.compile("\\S*\\w\\S*");

    private static JShell shell;

    private enum Rule {
        SHORT_CODE,
        SHORT_PROSE,
        NO_DEFINITIONS,
        FEW_FIGURES,
        NUMBERED_CAPTIONS,
        CONCLUSION,
        TWO_EXERCISES
    }

    @BeforeAll
    static void openAShell() {
        shell = JShell.builder().executionEngine("local").build(); // only parses
    }

    @AfterAll
    static void closeIt() {
        shell.close();
    }

    @TestFactory
    Stream<DynamicTest> aNotebookIsALecture() throws IOException {
        return Sources.notebooks().stream()
                .map(notebook -> dynamicTest(notebook.getFileName().toString(), () -> {
                    var cells = JsonParser.parseString(Files.readString(notebook))
                            .getAsJsonObject()
                            .getAsJsonArray("cells");
                    for (var rule : Rule.values()) {
                        assertEquals(List.of(), faults(rule, cells), rule.toString());
                    }
                }));
    }

    @Test
    void whatBreaksARuleIsNoticed() {
        assertEquals(
                1, faults(Rule.SHORT_CODE, cells("code", "int i;\n".repeat(13))).size());
        assertEquals(1, faults(Rule.SHORT_CODE, cells("code", "x".repeat(121))).size());
        assertEquals(
                1,
                faults(Rule.SHORT_PROSE, cells("markdown", "word ".repeat(151))).size());
        assertEquals(
                1,
                faults(Rule.NO_DEFINITIONS, cells("code", "int i = 1;\nint twice(int x) { return 2 * x; }"))
                        .size());
        assertEquals(
                1,
                faults(Rule.NO_DEFINITIONS, cells("code", "record Pair(int a, int b) {}"))
                        .size());
        assertEquals(
                List.of(),
                faults(Rule.NO_DEFINITIONS, cells("code", "%load x\nfor (int i = 0; i < 3; i++) { f(i); }\nshow(x)")));
        assertEquals(
                1,
                faults(Rule.CONCLUSION, cells("markdown", "## What was found\n\n" + "It is 0.5 here. ".repeat(6)))
                        .size());
        assertEquals(
                List.of(),
                faults(Rule.CONCLUSION, cells("markdown", "## What was found\n\n" + "It is 0.5 here. ".repeat(5))));
        for (int words : new int[] {25, 26}) {
            var sentence = "- **A lead.** It" + " is".repeat(words - 2) + " 0.5 (0.4 to 0.6, [here](there.ipynb)).\n";
            var found = faults(Rule.CONCLUSION, cells("markdown", "## What was found\n\n" + sentence));
            assertEquals(words - 25, found.size(), found.toString());
        }
        assertEquals(1, faults(Rule.CONCLUSION, cells("markdown", "## The end")).size());
        assertEquals(
                1,
                faults(Rule.TWO_EXERCISES, cells("markdown", "## Exercises\n\n**Exercise 1.** Why?"))
                        .size());
        assertEquals(
                1,
                faults(Rule.NUMBERED_CAPTIONS, cells("markdown", "*Figure 2: A curve.*"))
                        .size());
    }

    private static JsonArray cells(String type, String source) {
        var cell = new JsonObject();
        cell.addProperty("cell_type", type);
        cell.addProperty("source", source);
        var cells = new JsonArray();
        cells.add(cell);
        return cells;
    }

    private static List<String> faults(Rule rule, JsonArray cells) {
        return switch (rule) {
            case SHORT_CODE ->
                each(cells, "code", text -> {
                    long wide = text.lines()
                            .filter(line -> line.codePointCount(0, line.length()) > COLUMNS)
                            .count();
                    long lines = text.lines().count();
                    return lines > LINES || wide > 0 ? lines + " lines, " + wide + " over " + COLUMNS + " columns" : "";
                });
            case SHORT_PROSE ->
                each(cells, "markdown", text -> {
                    int words = text.strip().split("\\s+").length;
                    return words > WORDS ? words + " words" : "";
                });
            case NO_DEFINITIONS -> each(cells, "code", LectureTest::definitions);
            case FEW_FIGURES -> figures(cells) > FIGURES ? List.of(figures(cells) + " figures") : List.of();
            case NUMBERED_CAPTIONS -> captions(cells);
            case CONCLUSION -> conclusion(cells);
            case TWO_EXERCISES -> exercises(cells);
        };
    }

    private static List<String> each(JsonArray cells, String type, Function<String, String> fault) {
        var faults = new ArrayList<String>();
        for (var cell : cells) {
            if (type(cell).equals(type)) {
                var found = fault.apply(text(cell));
                if (!found.isEmpty()) {
                    faults.add(cell.getAsJsonObject().get("id") + ": " + found);
                }
            }
        }
        return faults;
    }

    private static String definitions(String code) {
        var definitions = new ArrayList<String>();
        var analysis = shell.sourceCodeAnalysis();
        var rest = MAGIC.matcher(code).replaceAll("");
        while (!rest.isBlank()) {
            var next = analysis.analyzeCompletion(rest);
            var source = next.source() == null ? rest : next.source();
            for (var snippet : analysis.sourceToSnippets(source)) {
                if (snippet.kind() == Snippet.Kind.METHOD || snippet.kind() == Snippet.Kind.TYPE_DECL) {
                    definitions.add(source.strip().lines().findFirst().orElse(""));
                }
            }
            rest = next.source() == null ? "" : next.remaining();
        }
        return String.join("; ", definitions);
    }

    private static long figures(JsonArray cells) {
        return StreamSupport.stream(cells.spliterator(), false)
                .filter(cell -> cell.getAsJsonObject().has("outputs"))
                .flatMap(cell -> StreamSupport.stream(
                        cell.getAsJsonObject().getAsJsonArray("outputs").spliterator(), false))
                .filter(output -> output.getAsJsonObject().has("data")
                        && output.getAsJsonObject().getAsJsonObject("data").has("image/png"))
                .count();
    }

    /** Figures are numbered 1, 2, .. in the order of their captions, and each has one. */
    private static List<String> captions(JsonArray cells) {
        var found = new ArrayList<Integer>();
        for (var cell : cells) {
            if (type(cell).equals("markdown")) {
                CAPTION.matcher(text(cell)).results().forEach(match -> found.add(Integer.valueOf(match.group(1))));
            }
        }
        var wanted = IntStream.rangeClosed(1, (int) figures(cells)).boxed().toList();
        return found.equals(wanted) ? List.of() : List.of("captions " + found + ", wanted " + wanted);
    }

    /**
     * The prose below "What was found" up to the next heading: few sentences, and short ones. What stands in brackets,
     * such as an interval, does not count.
     */
    private static List<String> conclusion(JsonArray cells) {
        var section = section(cells, "## What was found");
        if (section.isBlank()) {
            return List.of("no section 'What was found'");
        }
        var sentences = Stream.of(section.split("\n\\s*\n|\n(?=[-*|])"))
                .map(String::strip)
                .filter(paragraph -> !paragraph.isEmpty() && !paragraph.startsWith("|"))
                .map(paragraph -> LINK.matcher(paragraph).replaceAll("$1"))
                .map(paragraph -> BRACKETS.matcher(paragraph).replaceAll(""))
                .flatMap(SENTENCE_END::splitAsStream)
                .filter(sentence -> WORD.matcher(sentence).find())
                .toList();
        var found = new ArrayList<String>();
        if (sentences.size() > SENTENCES) {
            found.add(sentences.size() + " sentences");
        }
        sentences.stream()
                .flatMap(sentence -> SENTENCE_END.splitAsStream(sentence.replace("**", ""))) // a bold lead is its own
                .filter(sentence -> WORD.matcher(sentence).results().count() > LONG)
                .forEach(sentence -> found.add("over " + LONG + " words:" + sentence));
        return found;
    }

    private static List<String> exercises(JsonArray cells) {
        int exercises =
                Pattern.compile("\\*\\*Exercise \\d\\.\\*\\*").split(section(cells, "## Exercises"), -1).length - 1;
        long solutions = StreamSupport.stream(cells.spliterator(), false)
                .map(JsonElement::getAsJsonObject)
                .filter(cell -> type(cell).equals("code") && isSolution(cell.getAsJsonObject("metadata")))
                .count();
        long explained =
                FOLDED.matcher(section(cells, "## Exercises")).results().count();
        return exercises == EXERCISES && solutions == EXERCISES && explained == EXERCISES
                ? List.of()
                : List.of(exercises + " exercises, " + solutions + " hidden cells and " + explained
                        + " folded solutions, wanted " + EXERCISES + " of each");
    }

    /** A solution's cell is tagged, and its source and output are hidden until a reader asks for them. */
    private static boolean isSolution(JsonObject metadata) {
        return metadata != null
                && metadata.has("tags")
                && metadata.getAsJsonArray("tags").contains(new JsonPrimitive("solution"))
                && metadata.has("jupyter")
                && hides(metadata.getAsJsonObject("jupyter"), "source_hidden")
                && hides(metadata.getAsJsonObject("jupyter"), "outputs_hidden");
    }

    private static boolean hides(JsonObject jupyter, String what) {
        return jupyter.has(what) && jupyter.get(what).getAsBoolean();
    }

    /** Returns the prose from a heading to the next of its level, without the heading. */
    private static String section(JsonArray cells, String heading) {
        var section = new StringBuilder();
        boolean inside = false;
        for (var cell : cells) {
            if (type(cell).equals("markdown")) {
                for (var line : text(cell).lines().toList()) {
                    if (line.startsWith("## ")) {
                        inside = line.startsWith(heading);
                    } else if (inside) {
                        section.append(line).append('\n');
                    }
                }
                section.append(inside ? "\n" : "");
            }
        }
        return section.toString();
    }

    private static String type(JsonElement cell) {
        return cell.getAsJsonObject().get("cell_type").getAsString();
    }

    private static String text(JsonElement cell) {
        return Sources.text(cell.getAsJsonObject().get("source"));
    }
}
