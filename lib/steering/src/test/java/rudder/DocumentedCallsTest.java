package rudder;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.core.domain.JavaClass;
import java.io.IOException;
import java.lang.reflect.Executable;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tech.tablesaw.api.Table;

/** Readers copy the calls in pages and notebooks: each of them must exist. */
class DocumentedCallsTest {
    private static final Pattern FENCE = Pattern.compile("(?ms)^```.*?^```$");
    private static final Pattern SPAN = Pattern.compile("`([^`]+)`");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern STRING = Pattern.compile("\"[^\"]*\"");
    private static final Pattern FILE =
            Pattern.compile("\\S*/\\S*|\\S+\\.(md|csv|ipynb|json|java|xml|png|jar|cff|txt)");
    private static final Pattern CREATED = Pattern.compile("\\bnew ([A-Z]\\w*)\\(");
    private static final Pattern MEMBER =
            Pattern.compile("(?<![\\w.])([A-Z]\\w*(?:\\.[A-Z]\\w*[a-z]\\w*)*)\\.([A-Za-z_]\\w*)");
    private static final Pattern VARIABLE = Pattern.compile("\\bRUDDER_[A-Z_]+\\b");
    private static final Pattern METHOD = Pattern.compile("(?:^\\.|\\.(?=\\w+\\())([a-z]\\w*)");

    /** What a notebook imports. JShell adds java.util. */
    private static final List<String> IMPORTS = imports();

    private static final Set<String> METHODS = Stream.concat(
                    ArchitectureTest.MAIN.stream()
                            .filter(type -> IMPORTS.contains("import " + type.getPackageName() + ".*;"))
                            .map(JavaClass::getName)
                            .map(DocumentedCallsTest::load)
                            .flatMap(Optional::stream),
                    Stream.of(List.class, Map.class, Stream.class, String.class, Table.class))
            .filter(type -> Modifier.isPublic(type.getModifiers()))
            .flatMap(type -> Arrays.stream(type.getMethods()))
            .map(Method::getName)
            .collect(toSet());

    /** One program: a block may use the variables of those before it. */
    @Test
    void theReadmesJavaCompiles(@TempDir Path classes) throws IOException {
        var imports = String.join(" ", IMPORTS);
        // all before the first block on one line, and each line of Java where it stands in the page
        var source = new StringBuilder(imports + " class Readme { static void read() throws Exception { ");
        boolean java = false;
        for (var line : Files.readAllLines(Sources.ROOT.resolve("README.md"))) {
            boolean fence = line.startsWith("```");
            source.append(java && !fence ? line : "").append('\n');
            java = fence ? line.equals("```java") : java;
        }
        source.append("} }");
        var faults = new DiagnosticCollector<JavaFileObject>();
        var compiler = ToolProvider.getSystemJavaCompiler();
        var options = List.of("-proc:none", "-nowarn", "-d", classes.toString());
        var page = new Page(source.toString());
        boolean compiled = compiler.getTask(null, null, faults, options, null, List.of(page))
                .call();
        assertTrue(compiled, () -> faults.getDiagnostics().stream()
                .map(fault -> "README.md:" + fault.getLineNumber() + ": " + fault.getMessage(null))
                .collect(joining("\n")));
    }

    @TestFactory
    Stream<DynamicTest> everyCallInAPageExists() throws IOException {
        return Sources.pages().stream()
                .map(page -> dynamicTest(page.getFileName().toString(), () -> {
                    var text = Files.readString(page);
                    assertEquals(List.of(), unknown(page.getFileName().toString(), text));
                }));
    }

    @TestFactory
    Stream<DynamicTest> everyCallInANotebooksProseExists() throws IOException {
        return Sources.notebooks().stream()
                .map(notebook -> dynamicTest(notebook.getFileName().toString(), () -> {
                    var unknown = new ArrayList<String>();
                    for (var cell : Sources.cells(notebook, "markdown")) {
                        unknown.addAll(unknown(cell.where(), cell.text()));
                    }
                    assertEquals(List.of(), unknown);
                }));
    }

    @TestFactory
    Stream<DynamicTest> everyLinkOfAPageLeadsToAFile() throws IOException {
        return Sources.pages().stream()
                .map(page -> dynamicTest(page.getFileName().toString(), () -> {
                    var broken = LINK.matcher(
                                    FENCE.matcher(Files.readString(page)).replaceAll(""))
                            .results()
                            .map(link -> link.group(1))
                            .filter(link -> !link.matches("(https?:|#).*"))
                            .filter(link -> !Files.exists(page.resolveSibling(link.replaceFirst("#.*", ""))))
                            .toList();
                    assertEquals(List.of(), broken);
                }));
    }

    @Test
    void everyEnvironmentVariableThatIsReadStandsInTheReadme() throws IOException {
        var readme = Files.readString(Sources.ROOT.resolve("README.md"));
        var variables = new TreeSet<String>();
        for (var folder : List.of("theory/src/main", "lib", "binder", ".ci")) {
            try (var files = Files.walk(Sources.ROOT.resolve(folder))) {
                for (var file : files.filter(Files::isRegularFile)
                        .filter(DocumentedCallsTest::isProgram)
                        .toList()) {
                    VARIABLE.matcher(Files.readString(file)).results().forEach(match -> variables.add(match.group()));
                }
            }
        }
        assertTrue(variables.contains("RUDDER_MODEL"), variables::toString);
        variables.removeIf(variable -> readme.contains("| `" + variable + "` |"));
        assertEquals(Set.of(), variables, "not in README's table of environment variables");
    }

    private static boolean isProgram(Path file) {
        var name = file.toString();
        return name.endsWith(".java") && name.contains("/src/main/")
                || name.matches(".*/(binder|\\.ci)/(gpu/)?\\w+(\\.py|\\.sh)?");
    }

    @Test
    void aCallThatDoesNotExistIsNoticed() {
        for (var wrong : List.of(
                "Classifier.load(...)",
                "Controller.at(Positions.ALL)",
                "Controller.onlyWhen(feature, 0.5, 9)",
                "model.steered(lqr).everywhereAtOnce()",
                ".everywhereAtOnce",
                "Nowhere.of(x)",
                "Positions.SOME",
                "help(Nobody.class)",
                "new Nobody(3)")) {
            assertEquals(1, unknown("here", "Text with `" + wrong + "`.").size(), wrong);
        }
        for (var right : List.of(
                "Comparison.of(...)",
                "Controller.onlyWhen",
                "lqr.onlyWhen(target, Double.NEGATIVE_INFINITY, 0.5)",
                ".atPositions(Positions.ALL)",
                "ContrastSet.read(\"No.such.csv\").positive()",
                "Comparison.Settings.asChat()",
                "help(LqrSolution.class)",
                "new QuadraticCost(0.1, 10, 1)",
                "README.md",
                "../data/Some.csv",
                "rudder.theory")) {
            assertEquals(List.of(), unknown("here", "Text with `" + right + "`."));
        }
    }

    private static List<String> unknown(String where, String markdown) {
        return SPAN.matcher(FENCE.matcher(markdown).replaceAll(""))
                .results()
                .map(span -> span.group(1))
                .filter(span -> !FILE.matcher(span).matches())
                .flatMap(span -> unknownIn(STRING.matcher(span).replaceAll("\"\""))
                        .map(name -> where + ": " + name + " in `" + span + "`"))
                .toList();
    }

    private static Stream<String> unknownIn(String code) {
        var created = CREATED.matcher(code)
                .results()
                .map(match -> match.group(1))
                .filter(name -> type(name).isEmpty());
        var members = MEMBER.matcher(code)
                .results()
                .filter(match -> !isMember(match.group(1), match.group(2), code.substring(match.end())))
                .map(match -> match.group(1) + "." + match.group(2));
        // a member of a known type is not looked for again
        var methods = METHOD.matcher(MEMBER.matcher(code).replaceAll("known"))
                .results()
                .map(match -> match.group(1))
                .filter(name -> !METHODS.contains(name))
                .map(name -> "." + name);
        return Stream.of(created, members, methods).flatMap(stream -> stream);
    }

    /** A call with arguments, {@code Type.method(x)}, is to be copied, so it must be static; {@code (...)} is not. */
    private static boolean isMember(String owner, String name, String after) {
        if (name.equals("class")) {
            return type(owner).isPresent();
        }
        boolean copied = after.startsWith("(") && !after.startsWith("()") && !after.startsWith("(...)");
        return name.equals("class") && type(owner).isPresent()
                || type(owner).stream()
                        .flatMap(type -> Stream.<Stream<? extends Member>>of(
                                        Arrays.stream(type.getMethods()), Arrays.stream(type.getFields()))
                                .flatMap(members -> members))
                        .filter(member -> member.getName().equals(name))
                        .anyMatch(member ->
                                !copied || member instanceof Executable && Modifier.isStatic(member.getModifiers()))
                || !copied && type(owner + "." + name).isPresent();
    }

    /**
     * Returns a public type by the name that a notebook may call it: {@code Comparison}, {@code Comparison.Settings}.
     */
    private static Optional<Class<?>> type(String name) {
        var binary = name.replace('.', '$');
        return Stream.concat(Stream.of("import java.lang.*;"), IMPORTS.stream())
                .map(line -> line.substring("import ".length(), line.length() - 1))
                .filter(line -> line.endsWith(".*") || line.endsWith("." + name))
                .map(line -> line.endsWith(".*") ? line.substring(0, line.length() - 1) + binary : line)
                .map(DocumentedCallsTest::load)
                .flatMap(Optional::stream)
                .filter(type -> Modifier.isPublic(type.getModifiers()))
                .findFirst();
    }

    private static Optional<Class<?>> load(String name) {
        try {
            return Optional.of(Class.forName(name, false, DocumentedCallsTest.class.getClassLoader()));
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
    }

    private static List<String> imports() {
        try (var lines = Files.lines(Sources.ROOT.resolve("notebooks/imports.jshell"))) {
            return Stream.concat(Stream.of("import java.util.*;"), lines.filter(line -> line.startsWith("import ")))
                    .toList();
        } catch (IOException e) {
            throw new IllegalStateException("notebooks/imports.jshell cannot be read", e);
        }
    }

    private static final class Page extends SimpleJavaFileObject {
        private final String source;

        Page(String source) {
            super(URI.create("string:///Readme.java"), Kind.SOURCE);
            this.source = source;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
        }
    }
}
