package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Tiny;

/** The Java of a page compiles, runs, and writes the text that the page wrote. */
class JavaTextTest {

    private static final String AWKWARD = "the \"sea\" \\u0022 <b>\n\tand \u2028 \ud83d\ude00";

    @TempDir
    Path folder;

    private Completion run(String java) throws Exception {
        String body = java.strip()
                .replaceFirst("(?m)^var model = .*$", "")
                .replace("../data/", "../../data/")
                .replaceFirst("(?m)^model\\.steered", "return model.steered");
        String source = "import java.util.*; import java.util.stream.*; import rudder.model.*; import rudder.steer.*;"
                + "import rudder.steer.natural.*;"
                + "import rudder.theory.*; import rudder.theory.control.*; import rudder.checkpoint.tokenizer.Message;"
                + "public class Copied { public static Completion of(LanguageModel model) throws Exception {" + body
                + "} }";
        var said = new StringWriter();
        var compiler = ToolProvider.getSystemJavaCompiler();
        var unit = new SimpleJavaFileObject(URI.create("string:///Copied.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreErrors) {
                return source;
            }
        };
        var options = List.of("-d", folder.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none");
        if (!compiler.getTask(said, null, null, options, null, List.of(unit)).call()) {
            throw new AssertionError(said + source);
        }
        try (var loader = new URLClassLoader(
                new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
            return (Completion) loader.loadClass("Copied")
                    .getMethod("of", LanguageModel.class)
                    .invoke(null, Tiny.LLAMA.model());
        }
    }

    private static Wish wish(JsonObject json) {
        return Wish.of(new Fields(json), Tiny.LLAMA.model(), DemoOptions.standard());
    }

    private static JsonObject json() {
        var json = new Visitor("").wish();
        json.addProperty("prompt", "the sea");
        return json;
    }

    private static Completion written(Wish wish) throws IOException {
        var laboratory = new Laboratory(Tiny.LLAMA.model());
        var concepts = new ArrayList<MeasuredConcept>();
        for (var concept : wish.concepts()) {
            concepts.add(laboratory.measure(concept.set(), wish.law(), fraction -> {}));
        }
        return new Scribe(Tiny.LLAMA.model(), wish, concepts, event -> {})
                .write()
                .get(0);
    }

    @ParameterizedTest
    @CsvSource({
        "none,, end, true",
        "actadd,, end, true",
        "actadd, 2, all, true",
        "p,, end, false",
        "p, 1, generated, true",
        "lqr,, end, false",
        "tracker,, end, true",
        "tracker, 2, end, true",
        "natural,, end, false",
        "natural, 1, all, true"
    })
    void theJavaWritesTheSameText(String law, Integer block, String positions, boolean sampled) throws Exception {
        var json = json();
        json.addProperty("law", law);
        json.add("block", block == null ? JsonNull.INSTANCE : new JsonPrimitive(block));
        json.addProperty("positions", positions);
        json.addProperty("sampled", sampled);
        var wish = wish(json);
        assertArrayEquals(
                written(wish).tokens(),
                run(JavaText.of(wish, Tiny.LLAMA.model())).tokens());
    }

    @Test
    void twoConceptsAndAnOwnOneWithAwkwardLettersAreJavaToo() throws Exception {
        var json = json();
        var own = new JsonObject();
        own.add("positive", list(AWKWARD, "the tide"));
        own.add("negative", list("a \"desk\"", "no \\ more"));
        json.add("concept", own);
        json.addProperty("second", "joy");
        json.addProperty("secondStrength", 0.25);
        json.addProperty("prompt", AWKWARD);
        var wish = wish(json);
        var found = run(JavaText.of(wish, Tiny.LLAMA.model()));
        assertEquals(AWKWARD, found.prompt());
        assertArrayEquals(written(wish).tokens(), found.tokens());
    }

    private static JsonArray list(String... texts) {
        var array = new JsonArray();
        List.of(texts).forEach(array::add);
        return array;
    }
}
