package rudder.eval;

import ai.djl.MalformedModelException;
import ai.djl.huggingface.translator.TextClassificationTranslatorFactory;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A text-classification model of the user's as a judge: the probability it gives to one label, say of a RoBERTa
 * toxicity classifier.
 *
 * <pre>{@code
 * var judge = Classifier.of("models/roberta-toxicity", "toxic");
 * }</pre>
 *
 * The model is a folder as DJL keeps it: TorchScript ({@code NAME.pt}) beside {@code config.json}, whose
 * {@code id2label} names the labels, and {@code tokenizer.json}; DJL's converter makes one of any such model of the
 * Hugging Face hub. The first 512 tokens are read. Tested with a model made by hand; no published one has been tried
 * here, nor loading from a URL, and what one is worth its authors must say.
 */
public final class Classifier implements Judge, AutoCloseable {

    private static final String TOKENS = "512";

    private final String label;
    private final ZooModel<String, Classifications> model;
    private final Predictor<String, Classifications> predictor;

    private Classifier(String label, ZooModel<String, Classifications> model) {
        this.label = label;
        this.model = model;
        predictor = model.newPredictor();
    }

    /**
     * Loads a model.
     *
     * @param pathOrUrl a folder or archive in DJL's layout, or a URL that DJL knows ({@code djl://}, {@code https://});
     *     not with ai.djl.offline=true, which the notebooks set
     * @param label the label whose probability is the verdict
     * @throws IOException if it cannot be found, fetched or read
     * @throws IllegalArgumentException if it has no such label
     */
    public static Classifier of(String pathOrUrl, String label) throws IOException {
        var criteria = Criteria.builder()
                .setTypes(String.class, Classifications.class)
                .optEngine("PyTorch")
                .optTranslatorFactory(new TextClassificationTranslatorFactory())
                .optArgument("truncation", "true")
                .optArgument("maxLength", TOKENS);
        if (pathOrUrl.contains("://")) {
            criteria.optModelUrls(pathOrUrl);
        } else if (Files.exists(Path.of(pathOrUrl))) {
            criteria.optModelPath(Path.of(pathOrUrl));
        } else {
            throw new IOException("there is no classifier " + Path.of(pathOrUrl).toAbsolutePath()
                    + ", wanted a folder in DJL's layout");
        }
        try {
            var classifier = new Classifier(label, criteria.build().loadModel());
            try {
                classifier.of("a");
                return classifier;
            } catch (RuntimeException e) {
                classifier.close();
                throw e;
            }
        } catch (ModelNotFoundException | MalformedModelException e) {
            throw new IOException("cannot load the classifier " + pathOrUrl + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String name() {
        return label;
    }

    @Override
    public double of(String text) {
        try {
            var verdict = predictor.predict(text);
            if (!verdict.getClassNames().contains(label)) {
                throw new IllegalArgumentException(
                        "the classifier " + model.getName() + " has no label \"" + label + "\", it has "
                                + verdict.getClassNames().stream().sorted().toList());
            }
            return verdict.get(label).getProbability();
        } catch (TranslateException e) {
            throw new IllegalStateException("the classifier " + model.getName() + " failed: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        predictor.close();
        model.close();
    }

    @Override
    public String toString() {
        return "Classifier[" + model.getName() + ", " + label + "]";
    }
}
