package rudder.steer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import rudder.checkpoint.text.Csv;
import rudder.checkpoint.text.FileNames;

/**
 * Texts that show a feature and texts that do not. Together they define the feature.
 *
 * <pre>{@code
 * var ocean = ContrastSet.read("../data/concepts/ocean.csv");   // ContrastSet[ocean, 24 positive, 24 negative]
 * }</pre>
 *
 * <p>Pairs of texts of similar form and length work best: then the mean difference between the sides is the feature and
 * little else.
 *
 * @param name of the feature, shown in setpoints and charts
 * @param positive D+, texts that show the feature
 * @param negative D-, texts that do not show the feature
 */
public record ContrastSet(String name, List<String> positive, List<String> negative) {

    private static final String POSITIVE = "positive";
    private static final String NEGATIVE = "negative";

    /** @throws IllegalArgumentException if a side is empty, a text is blank, or a text is on both sides */
    public ContrastSet {
        positive = side(name, POSITIVE, positive);
        negative = side(name, NEGATIVE, negative);
        var both = new HashSet<>(positive);
        both.retainAll(new HashSet<>(negative));
        if (!both.isEmpty()) {
            throw new IllegalArgumentException(
                    "the contrast set " + name + " has " + both.size() + " texts on both sides, such as \""
                            + both.iterator().next() + "\": a text shows the feature or it does not");
        }
    }

    private static List<String> side(String set, String side, List<String> texts) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException(
                    "the contrast set " + set + " has no " + side + " text, wanted at least one on each side");
        }
        if (texts.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("the contrast set " + set + " has a blank " + side + " text");
        }
        return List.copyOf(texts);
    }

    /**
     * Reads a csv file (UTF-8, quoted where needed) with the columns {@code label} ({@code positive} or
     * {@code negative}) and {@code text}. Other columns are ignored. The set has the file's name.
     *
     * @throws IOException if there is no such file, a column is missing, or a label is neither; the message names the
     *     line, the label found and the labels wanted
     * @throws IllegalArgumentException if a side is empty, a text is blank, or a text is on both sides
     */
    public static ContrastSet read(String file) throws IOException {
        return of(Csv.read(FileNames.path(file)));
    }

    /**
     * Returns the set of a csv file that was read, as {@link #read} does.
     *
     * @throws IOException if a column is missing, or a label is neither
     */
    public static ContrastSet of(Csv csv) throws IOException {
        int label = csv.column("label");
        int text = csv.column("text");
        var positive = new ArrayList<String>();
        var negative = new ArrayList<String>();
        for (var row : csv.rows()) {
            var side =
                    switch (row.fields().get(label)) {
                        case POSITIVE -> positive;
                        case NEGATIVE -> negative;
                        default ->
                            throw new IOException(csv.file() + ", line " + row.line() + ": found the label \""
                                    + row.fields().get(label) + "\", wanted " + POSITIVE + " or " + NEGATIVE);
                    };
            side.add(row.fields().get(text));
        }
        return new ContrastSet(FileNames.withoutExtension(csv.file()), positive, negative);
    }

    /** Returns the SHA-256 of the texts and their sides, in hexadecimal; it does not depend on the name. */
    public String sha256() {
        return Provenance.digest(List.of(Provenance.digest(positive), Provenance.digest(negative)));
    }

    @Override
    public String toString() {
        return "ContrastSet[" + name + ", " + positive.size() + " positive, " + negative.size() + " negative]";
    }
}
