package rudder.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model made by hand, in TorchScript: its two logits are -4 and 4 times the number of words "rude". */
class ClassifierTest {

    private static final String CODE = """
            class Counter(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              def forward(self: __torch__.Counter,
                input_ids: Tensor,
                attention_mask: Tensor) -> Tensor:
                counted = torch.mul(torch.sum(torch.eq(input_ids, 3), [1]), 4.)
                return torch.stack([torch.neg(counted), counted], 1)
            """;

    @TempDir
    private Path folder;

    @BeforeEach
    void aClassifierInDjlsLayout() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"id2label\": {\"0\": \"fine\", \"1\": \"toxic\"}}");
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"},
                 "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "word": 2, "rude": 3}}}""");
        archive(
                folder.resolve("model.pt"),
                Map.of(
                        "data.pkl",
                        "\u0080\2c__torch__\nCounter\n)\u0081}X\10\0\0\0training\u0089sb.",
                        "constants.pkl",
                        "\u0080\2).",
                        "code/__torch__.py",
                        CODE,
                        "version",
                        "3\n"));
    }

    private static void archive(Path file, Map<String, String> entries) throws IOException {
        try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
            for (var entry : new TreeMap<>(entries).entrySet()) {
                var bytes = entry.getValue().getBytes(StandardCharsets.ISO_8859_1);
                var sum = new CRC32();
                sum.update(bytes);
                var stored = new ZipEntry("model/" + entry.getKey());
                stored.setMethod(ZipEntry.STORED);
                stored.setSize(bytes.length);
                stored.setCrc(sum.getValue());
                zip.putNextEntry(stored);
                zip.write(bytes);
            }
        }
    }

    @Test
    void theVerdictIsTheLabelsProbability() throws IOException {
        try (var judge = Classifier.of(folder.toString(), "toxic")) {
            assertEquals(0.5, judge.of("a word"), 1e-6);
            assertEquals(1 / (1 + Math.exp(-8)), judge.of("a rude word"), 1e-6);
            assertEquals("toxic", judge.name());
        }
        try (var judge = Classifier.of(folder.toString(), "fine")) {
            assertEquals(1 / (1 + Math.exp(16)), judge.of("rude rude"), 1e-6);
        }
    }

    @Test
    void whatIsNoClassifierIsRefused() {
        assertRefused(() -> Classifier.of(folder.toString(), "obscene"), "no label \"obscene\"", "[fine, toxic]");
        assertRefused(
                () -> Classifier.of(folder.resolve("none").toString(), "toxic"), "there is no classifier", "none");
    }
}
