package rudder.faults;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.eval.EvalFiles;
import rudder.faults.Mutator.Format;
import rudder.faults.Subject.Accepted;

/**
 * The files of judges and of WordNet. They lie in jars, whose checksum is compared before: see {@link StoreSubjects}.
 */
final class JudgeSubjects {

    private JudgeSubjects() {}

    static List<Subject> all() {
        return List.of(encoder(), toxicity(), wordNet());
    }

    /** Native code reads the model and may end the process. The tokenizer beside it is sound. */
    private static Subject encoder() {
        return new Subject(
                "onnx", false, Format.BYTES, List.of(), 0.3, scratch -> List.of(OnnxBytes.encoder(12, 8)), scratch -> {
                    Path model = scratch.resolve("encoder.onnx");
                    Path vocabulary = Files.writeString(scratch.resolve("vocabulary.json"), VOCABULARY);
                    return (original, file, loaded) -> {
                        Files.write(model, file);
                        try (var encoder = EvalFiles.encoder(model, vocabulary)) {
                            loaded.run();
                            encoder.encode("the sea x");
                        }
                    };
                });
    }

    private static final String VOCABULARY = """
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
             "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null,
             "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "the": 1, "sea": 2, "##s": 3}}}""";

    private static Subject toxicity() {
        return new Subject(
                "lexical toxicity",
                false,
                Format.SAFETENSORS,
                List.of("\"F32\"", "\"I64\"", "[2]", "[6]", "[2, 3]", "[0]", "\"\"", "\"a\""),
                0.3,
                scratch -> {
                    Path file = scratch.resolve("judge.safetensors");
                    new SafetensorsWriter()
                            .metadata("vocabulary", "sea tide wave")
                            .doubles("idf", () -> new double[] {1, 2, 3}, 3)
                            .doubles("w", () -> new double[] {1, -1, 2, 0.5, 1, 1}, 2, 3)
                            .doubles("b", () -> new double[] {0.1, 0.2}, 2)
                            .doubles("a", () -> new double[] {-1, -2}, 2)
                            .doubles("s", () -> new double[] {0, 1}, 2)
                            .write(file);
                    return List.of(Files.readAllBytes(file));
                },
                scratch -> (original, file, loaded) -> {
                    var judge = EvalFiles.toxicity(file);
                    loaded.run();
                    judge.of("the tide and the wave");
                });
    }

    private static Subject wordNet() {
        return new Subject(
                "wordnet",
                false,
                Format.TEXT,
                List.of("|", "\"", "  ", "\n", "; ", "\u0000"),
                0.3,
                scratch -> List.of(("  1 This is a comment\n00001740 03 n 01 sea 0 | a great body of water; "
                                + "\"the sea was calm all day\"; \"short one\"  \n")
                        .repeat(3)
                        .getBytes(StandardCharsets.UTF_8)),
                scratch -> (original, file, loaded) -> {
                    for (String part : List.of("noun", "verb", "adj", "adv")) {
                        Files.write(scratch.resolve("data." + part), file);
                    }
                    var read = EvalFiles.wordNet(scratch.resolve("data.noun"));
                    loaded.run();
                    if (read.examples().contains("")) {
                        throw new Accepted("an empty example");
                    }
                });
    }
}
