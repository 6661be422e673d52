package rudder.checkpoint.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.util.Utils;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Map;

/** Runs Hugging Face's own code on a checked {@code tokenizer.json}. */
final class NativeEncoder implements PieceEncoder {
    private final HuggingFaceTokenizer engine;
    private final String sentinel;

    /** Makes the engine of a {@code tokenizer.json}. */
    @FunctionalInterface
    interface Loader {
        HuggingFaceTokenizer load(InputStream tokenizerJson, Map<String, String> options) throws IOException;
    }

    /**
     * Opens the engine.
     *
     * @param tokenizerJson the file
     * @param sentinel an added token of the file that stands before a piece that is not the first, or an empty text
     * @param size number of tokens, for the error
     * @throws IllegalArgumentException if the engine refuses the file
     * @throws IllegalStateException if the engine's native library does not load; the message says where from
     */
    NativeEncoder(InputStream tokenizerJson, String sentinel, int size) {
        this(tokenizerJson, sentinel, size, HuggingFaceTokenizer::newInstance);
    }

    NativeEncoder(InputStream tokenizerJson, String sentinel, int size, Loader loader) {
        this.sentinel = sentinel;
        try (tokenizerJson) {
            this.engine = loader.load(
                    tokenizerJson, Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        } catch (EngineException | LinkageError e) { // a second attempt gets another LinkageError
            throw unloadable(e);
        } catch (RuntimeException e) { // the engine throws no other type
            throw new IllegalArgumentException(
                    "the checkpoint's tokenizer is inconsistent: its " + size
                            + " tokens and its merges were refused with '" + e.getMessage()
                            + "'; fetch the file again, or use another conversion of the model",
                    e);
        }
    }

    private static IllegalStateException unloadable(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return new IllegalStateException(
                "the native library of Hugging Face's tokenizers does not load on " + System.getProperty("os.name")
                        + " " + System.getProperty("os.arch") + ": " + e.getMessage()
                        + (root == e ? "" : ", caused by " + root.getMessage())
                        + ". There is one for Linux with glibc and Windows on x86_64, for Linux and macOS on aarch64."
                        + " DJL unpacks it into the folder tokenizers of " + Utils.getEngineCacheDir()
                        + ": delete that folder, or set DJL_CACHE_DIR to a folder that you may write, with 20 MB free",
                e);
    }

    @Override
    public int[] encode(String piece, boolean first) {
        String front = first ? "" : sentinel;
        String sound = new String(piece.getBytes(UTF_8), UTF_8); // UTF-8 cannot hold half a character
        return Arrays.stream(ids(front + sound))
                .skip(front.isEmpty() ? 0 : 1)
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    private long[] ids(String text) {
        try {
            return engine.encode(text, false, false).getIds();
        } catch (IllegalStateException e) { // closed
            throw e;
        } catch (RuntimeException e) { // the engine throws no other type
            throw new IllegalArgumentException(
                    "the checkpoint's tokenizer cannot encode a text of " + text.length() + " characters: '"
                            + e.getMessage() + "'; fetch the tokenizer again, or give tokens instead of text",
                    e);
        }
    }

    @Override
    public void close() {
        engine.close();
    }
}
