package rudder.eval;

import java.io.IOException;
import java.nio.file.Path;

/** Reads files that this package's public calls take from a jar only. */
public final class EvalFiles {
    private EvalFiles() {}

    public static SentenceEncoder encoder(Path model, Path vocabulary) throws IOException {
        return SentenceEncoder.of(model, vocabulary);
    }

    public static LexicalToxicity toxicity(byte[] file) throws IOException {
        return LexicalToxicity.of(file);
    }

    public static WordNet wordNet(Path nouns) throws IOException {
        return WordNet.of(nouns);
    }
}
