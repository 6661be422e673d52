package rudder.eval;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.DatasetStore;

/**
 * Encodes the meaning of a text as a unit vector of 384 numbers. The vector is the mean of all-MiniLM-L6-v2's last
 * states over the text's tokens, divided by its norm. Only the first 128 tokens count, about a hundred words. Each text
 * takes one thread of the CPU, with 8-bit weights, at 100 to 200 sentences a second. Another build of the runtime may
 * round differently: numbers agree to 0.003.
 *
 * <p>An encoder holds a model in native memory. Close it when its judges are done:
 *
 * <pre>{@code
 * try (var encoder = SentenceEncoder.load()) {
 *     var judge = ConceptClassifier.train(encoder, ocean);
 *     ...
 * }
 * }</pre>
 *
 * <p>Source: Reimers and Gurevych, arXiv 1908.10084; the model sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) as
 * langchain4j packs it.
 */
public final class SentenceEncoder implements AutoCloseable {

    private static final String TOKENS = "128";

    private final HuggingFaceTokenizer tokenizer;
    private final OrtSession session;

    private SentenceEncoder(HuggingFaceTokenizer tokenizer, OrtSession session) {
        this.tokenizer = tokenizer;
        this.session = session;
    }

    /**
     * Loads the encoder, which comes with this library (23 MB). The caller closes it.
     *
     * @throws IOException if the jar that holds it is not there, or ONNX Runtime has no build for this machine
     */
    public static SentenceEncoder load() throws IOException {
        Path model = DatasetStore.fetch("minilm"); // checked by its sha256: native code reads it
        return of(model, model.resolveSibling("all-minilm-l6-v2-q-tokenizer.json"));
    }

    /** Opens a model and its tokenizer, as {@link #load} does. */
    static SentenceEncoder of(Path model, Path vocabulary) throws IOException {
        try (var options = new OrtSession.SessionOptions();
                var json = Files.newInputStream(vocabulary)) {
            options.setIntraOpNumThreads(1);
            var settings = Map.of("maxLength", TOKENS, "truncation", "true", "padding", "false");
            var tokenizer = HuggingFaceTokenizer.newInstance(json, settings);
            try {
                return new SentenceEncoder(
                        tokenizer, OrtEnvironment.getEnvironment().createSession(Files.readAllBytes(model), options));
            } catch (OrtException | RuntimeException | Error e) {
                tokenizer.close();
                throw e;
            }
        } catch (OrtException | UnsatisfiedLinkError e) {
            throw new IOException("ONNX Runtime cannot run " + model + " here: " + e.getMessage(), e);
        }
    }

    /**
     * Returns the text's vector, [384], with norm 1. Texts are encoded one by one: in a batch, the rounding of one text
     * would depend on the others.
     *
     * @throws IllegalStateException if ONNX Runtime fails, as after {@link #close}
     */
    public float[] encode(String text) {
        long[] ids = tokenizer.encode(text).getIds();
        long[] ones = new long[ids.length];
        Arrays.fill(ones, 1);
        long[] zeros = new long[ids.length];
        try (var tokens = row(ids);
                var mask = row(ones);
                var types = row(zeros);
                var out = session.run(Map.of("input_ids", tokens, "attention_mask", mask, "token_type_ids", types))) {
            return unitMean(((float[][][]) out.get(0).getValue())[0]);
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime failed: " + e.getMessage(), e);
        }
    }

    /** Returns the texts' vectors, [texts][384]. Texts are encoded on all cores, each as by {@link #encode(String)}. */
    public float[][] encode(List<String> texts) {
        try (var job = Progress.of("encoding " + texts.size() + " texts", texts.size())) {
            return texts.stream()
                    .parallel()
                    .map(text -> {
                        job.advance(1);
                        return encode(text);
                    })
                    .toArray(float[][]::new);
        }
    }

    private static OnnxTensor row(long[] values) throws OrtException {
        return OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), new long[][] {values});
    }

    private static float[] unitMean(float[][] states) {
        var mean = new float[states[0].length];
        for (float[] state : states) {
            for (int j = 0; j < mean.length; j++) {
                mean[j] += state[j];
            }
        }
        double norm = 0;
        for (float x : mean) {
            norm += x * x;
        }
        for (int j = 0; j < mean.length; j++) {
            mean[j] /= (float) Math.sqrt(norm);
        }
        return mean;
    }

    /** Releases the model and the tokenizer. */
    @Override
    public void close() {
        tokenizer.close();
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return "SentenceEncoder[all-MiniLM-L6-v2, 384]";
    }
}
