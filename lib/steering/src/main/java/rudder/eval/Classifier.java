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
 * Judges texts with a text-classification model of the user's: the verdict is the probability of one label. An example
 * is a RoBERTa toxicity classifier.
 *
 * <pre>{@code
 * try (var judge = Classifier.of("models/roberta-toxicity", "toxic")) {
 *     judge.of("You are welcome.")   // the probability of "toxic", 0 to 1
 * }
 * }</pre>
 *
 * <p>The model is a folder in DJL's layout: TorchScript ({@code NAME.pt}), {@code tokenizer.json} and
 * {@code config.json}, whose {@code id2label} names the labels. DJL's converter makes such a folder from a
 * text-classification model of the Hugging Face hub. Only a text's first 512 tokens count.
 *
 * <p>The test uses a model made by hand. No published model has been tried here, nor loading from a URL. Its authors
 * must say how well a model does.
 *
 * <p>A classifier holds a model in native memory: close it.
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
     * Loads a model, and tries it on one text. The caller closes it.
     *
     * @param pathOrUrl a folder or archive in DJL's layout, or a URL that DJL knows ({@code djl://}, {@code https://}).
     *     A URL needs the property ai.djl.offline to be unset; the notebooks set it to true
     * @param label the label whose probability is the verdict, as in {@code id2label}
     * @throws IOException if the model cannot be found, fetched or read
     * @throws IllegalArgumentException if the model has no such label; the message lists its labels
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

    /** Releases the model. */
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
