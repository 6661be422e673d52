package rudder.checkpoint.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the native library must not see is refused before, by name: it would end the process. */
class TokenizerChecksTest {
    private static final String SOUND = """
            {"version": "1.0", "truncation": null, "padding": null,
             "added_tokens": [{"id": 4, "content": "<m>", "single_word": false, "lstrip": false, "rstrip": false,
                               "normalized": false, "special": true}],
             "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
             "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a+"}, "behavior": "Isolated", "invert": false},
             "post_processor": {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<m>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [], "special_tokens": {"<m>": {"id": "<m>", "ids": [4], "tokens": ["<m>"]}}},
             "decoder": {"type": "Fuse"},
             "model": {"type": "BPE", "dropout": null, "unk_token": "\u2581", "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": {"\u2581": 0, "a": 1, "b": 2, "ab": 3}, "merges": [["a", "b"]]}}""";

    @TempDir
    private Path folder;

    private Tokenizer open(String json) throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), json, StandardCharsets.UTF_8);
        return Tokenizer.ofJson(file, 5, Set.of(), Optional.empty());
    }

    @Test
    void theSoundFileIsRead() throws IOException {
        try (Tokenizer tokenizer = open(SOUND)) {
            assertArrayEquals(new int[] {4, 1, 2, 0, 1}, tokenizer.encode("ab a"));
        }
    }

    /** The engine is not shown the marks, but needs the token for unknown characters. */
    @Test
    void aMarkMayStandForUnknownCharactersInAModelOfWholeWords() throws IOException {
        String json = SOUND.replace("\"unk_token\": \"\u2581\"", "\"unk_token\": \"<m>\"")
                .replace("\"ab\": 3", "\"ab\": 3, \"<m>\": 4");
        for (String whole : new String[] {"false", "true"}) {
            try (Tokenizer tokenizer = open(json.replace("\"ignore_merges\": false", "\"ignore_merges\": " + whole))) {
                assertArrayEquals(new int[] {4, 1, 2, 4, 1}, tokenizer.encode("abxa"), whole);
            }
        }
    }

    @Test
    void aTokenWithoutARowInTheEmbeddingIsRefusedUnlessItIsAnAddedOne() throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), SOUND, StandardCharsets.UTF_8);
        Tokenizer.ofJson(file, 4, Set.of(), Optional.empty()).close(); // <m>, the fifth, is an added token
        assertRefused(
                () -> Tokenizer.ofJson(file, 3, Set.of(), Optional.empty()),
                file.toString(),
                "'ab'",
                "id 3",
                "below 3");
    }

    /** The class writes BOS itself, and the settings name an empty one. */
    @Test
    void aTokenBeforeTextsIsInTheVocabulary() throws IOException {
        var settings = TokenizerSettings.of(
                "tokenizer_config.json",
                Map.of("tokenizer_class", "LlamaTokenizerFast", "bos_token", "", "add_bos_token", true),
                Map.of(),
                Map.of(),
                Map.of());
        Path file = Files.writeString(folder.resolve("tokenizer.json"), SOUND, StandardCharsets.UTF_8);
        var refusal = assertThrows(
                IllegalArgumentException.class, () -> Tokenizer.ofJson(file, settings, 9, Set.of(), Optional.empty()));
        assertTrue(refusal.getMessage().startsWith("tokenizer_config.json: the class"), refusal.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "\"Replace\"; \"Precompiled\"; Precompiled",
                "{\"String\": \" \"}; {\"String\": \"\"}; pattern",
                "\"content\": \"\u2581\"}; \"content\": 3}; content",
                "\"content\": \"\u2581\"}; \"content\": \" \", \"more\": 1}; more",
                "\"Split\"; \"FixedLength\", \"length\": 0; FixedLength",
                "\"a+\"; \"(a|a)*b\"; more than one form",
                "\"a+\"; \"(a+)+b\"; more than one form",
                "\"a+\"; \"(a)\\\\1\"; \\1",
                "\"a+\"; \"(a\"; without its end",
                "\"a+\"; \"a*a*a*b\"; unlimited",
                "\"Isolated\"; \"isolated\"; behavior",
                "\"invert\": false; \"invert\": 0; invert",
                "\"SpecialToken\": {\"id\": \"<m>\"; \"SpecialToken\": {\"id\": \"<n>\"; <n>",
                "\"ids\": [4]; \"ids\": [5]; 0 to 4",
                "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}; {\"Sequence\": {\"i"
                        + "d\": \"B\", \"type_id\": 0}}; sequence A",
                "\"Fuse\"; \"CTC\"; CTC",
                "\"BPE\"; \"WordLevel\"; WordLevel",
                "\"dropout\": null; \"dropout\": 0.5; dropout",
                "\"unk_token\": \"\u2581\"; \"unk_token\": \"x\"; unk_token",
                "\"continuing_subword_prefix\": null; \"continuing_subword_prefix\": \"##\"; continuing_subword_prefix",
                "\"ab\": 3; \"ab\": 16777216; 16777216",
                "\"ab\": 3; \"ab\": -1; -1",
                "\"ab\": 3; \"ab\": 2; both have the id 2",
                "\"ab\": 3; \"a\": 3, \"ab\": 4; two ids",
                "[\"a\", \"b\"]; [\"a\", \"c\"]; 'c'",
                "[\"a\", \"b\"]; [\"b\", \"a\"]; 'a'",
                "\"byte_fallback\": false; \"byte_fallback\": \"no\"; byte_fallback",
                "\"special\": true; \"special\": \"yes\"; special",
                "\"content\": \"<m>\"; \"content\": \"\"; content",
                "\"decoder\"; \"normalizer\"; twice"
            })
    void damageIsRefusedByName(String sound, String damaged, String word) throws IOException {
        assertTrue(SOUND.contains(sound), sound);
        var error = assertThrows(
                IOException.class, () -> open(SOUND.replace(sound, damaged)).close());
        assertTrue(
                error.getMessage().contains("tokenizer.json")
                        && error.getMessage().contains(word),
                error.toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"
                        + "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+",
                "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M"
                        + "}]*[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+"
                        + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*",
                "[!\\\"#$%&'()*+,\\\\-./:;<=>?@\\\\[\\\\\\\\\\\\]^_`{|}~][A-Za-z"
                        + "]+|[^\\\\r\\\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+"
                        + "| ?[\\\\p{P}\\\\p{S}]+[\\\\r\\\\n]*",
                "'(?i:[sdmt]|ll|ve|re)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?+\\\\p{L}+|\\\\p{N"
                        + "}| ?[^\\\\s\\\\p{L}\\\\p{N}]++[\\\\r\\\\n]*",
                " ?[^(\\\\s|.,!?)]+",
                "(?=(\\\\d{3})+(?!\\\\d))",
                "\\\\d{1,3}(?=(?:\\\\d{3})*\\\\b)"
            })
    void thePatternsOfPublicTokenizersAreAccepted(String pattern) throws IOException {
        open(SOUND.replace("\"a+\"", "\"" + pattern + "\"")).close();
    }

    @Test
    void noMutantEndsTheProcessOrEscapesItsErrors() {
        var random = new Random(7);
        int read = 0;
        for (int i = 0; i < 2_000; i++) {
            var mutant = new StringBuilder(SOUND);
            for (int k = random.nextInt(3); k >= 0; k--) {
                int at = random.nextInt(mutant.length());
                switch (random.nextInt(3)) {
                    case 0 -> mutant.setCharAt(at, (char) (32 + random.nextInt(95)));
                    case 1 -> mutant.deleteCharAt(at);
                    default ->
                        mutant.insert(at, mutant.substring(at, Math.min(mutant.length(), at + random.nextInt(40))));
                }
            }
            try (Tokenizer tokenizer = open(mutant.toString())) {
                tokenizer.encode("ab <m> aaab\n");
                tokenizer.encodeMarked("ab <m> aaab\n");
                read++;
            } catch (IOException | IllegalArgumentException e) {
                assertTrue(e.getMessage() != null, e.toString());
            }
        }
        assertTrue(read > 10, "mutants read: " + read);
    }
}
