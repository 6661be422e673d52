package rudder.experiment.judge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import rudder.checkpoint.format.WholeFile;
import rudder.checkpoint.text.Csv;
import rudder.eval.Judge;
import rudder.experiment.WrittenText;
import rudder.theory.Check;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Texts of all arms for a person who must not know the arms, and the judges' agreement with this person.
 *
 * <p>{@link #write} makes three files: {@code texts.csv} and {@code page.html}, which name no arm, and {@code key.csv},
 * which does. A person opens the page, rates each text 0, 1 or 2 for concept and for fluency, and saves
 * {@code ratings.csv}. {@link #read} reads that file.
 *
 * @param texts by number, from 1
 * @param ratings by number; empty before {@link #read}
 */
public record BlindRating(Map<Integer, Text> texts, Map<Integer, Rating> ratings) {

    private static final int WORST = 0;
    private static final int BEST = 2;

    /**
     * A text to be rated.
     *
     * @param concept that may have been steered towards
     * @param prompt of the text
     * @param text behind the prompt
     */
    public record Text(String concept, String prompt, String text) {}

    /**
     * A person's rating.
     *
     * @param concept 0 if the text does not show the concept, 1 in part, 2 clearly
     * @param fluency 0 for broken text, 1 with faults, 2 fluent
     */
    public record Rating(int concept, int fluency) {}

    /**
     * Draws texts of all arms and writes the three files.
     *
     * @param folder made if it is missing
     * @param written {@code results.texts()}; unsteered ones get a concept of the others at random
     * @param count number of texts, 200 for instance; fewer if there are fewer different ones
     * @param seed of the draw and the order
     * @throws IOException if a file cannot be written
     */
    public static BlindRating write(Path folder, List<WrittenText> written, int count, long seed) throws IOException {
        Check.that(count > 0, "%d texts to rate, wanted at least 1", count);
        var random = new Random(seed);
        var all = new ArrayList<>(written);
        Collections.shuffle(all, random);
        var concepts = written.stream()
                .map(WrittenText::concept)
                .filter(concept -> !concept.isEmpty())
                .distinct()
                .toList();
        Check.that(!concepts.isEmpty(), "no text of %d was steered towards a concept, wanted some", all.size());
        var texts = new LinkedHashMap<Integer, Text>();
        var seen = new HashSet<Text>();
        var rows = new ArrayList<String>(List.of("id,concept,prompt,text"));
        var key = new ArrayList<String>(List.of("id,model,twin,side,dose,disturbance"));
        for (var own : all) {
            var concept = own.concept().isEmpty() ? concepts.get(random.nextInt(concepts.size())) : own.concept();
            var text = new Text(concept, own.prompt(), own.text());
            if (texts.size() < count && seen.add(text)) {
                int id = texts.size() + 1;
                texts.put(id, text);
                rows.add(id + "," + row(text.concept, text.prompt, text.text));
                key.add(id + "," + row(own.model(), own.twin(), own.side(), own.dose(), own.disturbance()));
            }
        }
        WholeFile.write(folder.resolve("texts.csv"), String.join("\n", rows) + "\n");
        WholeFile.write(folder.resolve("key.csv"), String.join("\n", key) + "\n");
        WholeFile.write(folder.resolve("page.html"), page(texts));
        return new BlindRating(Map.copyOf(texts), Map.of());
    }

    private static String row(String... fields) {
        return Arrays.stream(fields).map(Csv::quoted).collect(Collectors.joining(","));
    }

    private static String page(Map<Integer, Text> texts) throws IOException {
        var items = new StringBuilder();
        texts.forEach((id, text) -> items.append("<section data-id=\"")
                .append(id)
                .append("\"><p>")
                .append(html(text.prompt))
                .append(" <b>")
                .append(html(text.text))
                .append("</b></p>")
                .append(choice(
                        id, "concept", "Does the bold part show " + html(text.concept) + "?", "no,in part,clearly"))
                .append(choice(id, "fluency", "Is it fluent?", "broken,with faults,fluent"))
                .append("</section>\n"));
        try (var in = BlindRating.class.getResourceAsStream("blind-rating.html")) {
            var frame = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return frame.replace("{items}", items);
        }
    }

    private static String choice(int id, String criterion, String question, String labels) {
        var text = new StringBuilder("<div>" + question);
        var names = labels.split(",");
        for (int value = WORST; value <= BEST; value++) {
            text.append(" <label><input type=\"radio\" name=\"" + criterion + id + "\" value=\"" + value + "\">"
                    + names[value] + "</label>");
        }
        return text.append("</div>").toString();
    }

    private static String html(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    /**
     * Reads the texts of a folder, and the ratings of a file with the columns {@code id}, {@code concept} and
     * {@code fluency}. Texts without a rating are allowed.
     *
     * @throws IOException if a file is missing or damaged, or a rating is not 0, 1 or 2 or has no text; the message
     *     names the line
     */
    public static BlindRating read(Path folder, Path ratings) throws IOException {
        var csv = Csv.read(folder.resolve("texts.csv"));
        int[] at = {csv.column("id"), csv.column("concept"), csv.column("prompt"), csv.column("text")};
        var texts = new LinkedHashMap<Integer, Text>();
        for (var row : csv.rows()) {
            var fields = row.fields();
            texts.put(
                    number(csv, row, at[0], 1, Integer.MAX_VALUE),
                    new Text(fields.get(at[1]), fields.get(at[2]), fields.get(at[3])));
        }
        var rated = Csv.read(ratings);
        int id = rated.column("id");
        int concept = rated.column("concept");
        int fluency = rated.column("fluency");
        var found = new LinkedHashMap<Integer, Rating>();
        for (var row : rated.rows()) {
            int number = number(rated, row, id, 1, Integer.MAX_VALUE);
            if (!texts.containsKey(number)) {
                throw new IOException(ratings + ", line " + row.line() + ": found the text " + number
                        + ", wanted one of " + folder.resolve("texts.csv") + "; rate the texts of this folder");
            }
            found.put(
                    number,
                    new Rating(number(rated, row, concept, WORST, BEST), number(rated, row, fluency, WORST, BEST)));
        }
        return new BlindRating(Map.copyOf(texts), Map.copyOf(found));
    }

    private static int number(Csv csv, Csv.Row row, int column, int least, int most) throws IOException {
        String found = row.fields().get(column);
        if (found.matches("\\d{1,9}") && Integer.parseInt(found) >= least && Integer.parseInt(found) <= most) {
            return Integer.parseInt(found);
        }
        throw new IOException(csv.file() + ", line " + row.line() + ": found the "
                + csv.columns().get(column) + " \"" + found + "\", wanted a whole number from " + least + " to "
                + most);
    }

    /**
     * Scores judges of the concept against the person: the AUC of texts rated 1 or 2 against those rated 0, and
     * Spearman's rank correlation with the rating.
     *
     * @param judges by name; each maps a concept to its judge
     * @throws IllegalArgumentException if no text is rated 0, or none above
     */
    public Table agreement(Map<String, Function<String, ? extends Judge>> judges) {
        var ids = ratings.keySet().stream().sorted().toList();
        double[] wanted =
                ids.stream().mapToDouble(id -> ratings.get(id).concept).toArray();
        var auc = new ArrayList<Double>();
        var correlation = new ArrayList<Double>();
        judges.values().forEach(judge -> {
            double[] found = ids.stream()
                    .mapToDouble(id -> judge.apply(texts.get(id).concept).of(texts.get(id).text))
                    .toArray();
            auc.add(Validation.auc(found, wanted, WORST));
            correlation.add(Validation.rankCorrelation(found, wanted));
        });
        return Table.create(
                "Judges against " + ids.size() + " blind ratings",
                StringColumn.create("judge", judges.keySet()),
                IntColumn.create(
                        "texts",
                        judges.keySet().stream().mapToInt(name -> ids.size()).toArray()),
                DoubleColumn.create("AUC", auc),
                DoubleColumn.create("rank correlation", correlation));
    }

    @Override
    public String toString() {
        return "BlindRating[" + texts.size() + " texts, " + ratings.size() + " ratings]";
    }
}
