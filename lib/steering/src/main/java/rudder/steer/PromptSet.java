package rudder.steer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import rudder.checkpoint.format.Csv;
import rudder.checkpoint.format.FileNames;
import rudder.model.LanguageModel;

/**
 * Prompts of one kind.
 *
 * <pre>{@code
 * var law = PromptSet.read("../data/prompts/law.csv");   // PromptSet[law, 40 prompts]
 * }</pre>
 *
 * @param name what charts call the kind
 * @param prompts in the file's order
 */
public record PromptSet(String name, List<String> prompts) {

    /** @throws IllegalArgumentException if there is no prompt, one is blank, or one is there twice */
    public PromptSet {
        prompts = List.copyOf(prompts);
        var seen = new HashSet<String>();
        for (var prompt : prompts) {
            if (prompt.isBlank() || !seen.add(prompt)) {
                throw new IllegalArgumentException("the prompts " + name + " have "
                        + (prompt.isBlank() ? "a blank one" : "\"" + prompt + "\" twice") + ": wanted different ones");
            }
        }
        if (prompts.isEmpty()) {
            throw new IllegalArgumentException("the prompts " + name + " are none, wanted at least one");
        }
    }

    /**
     * Reads the column {@code text} of a csv file (UTF-8, quoted where needed); the set is named after the file.
     *
     * @throws IOException if there is no such file, or it has no such column
     * @throws IllegalArgumentException if there is no prompt, one is blank, or one is there twice
     */
    public static PromptSet read(String file) throws IOException {
        var csv = Csv.read(Path.of(file));
        int text = csv.column("text");
        return new PromptSet(
                FileNames.withoutExtension(csv.file()),
                csv.rows().stream().map(row -> row.fields().get(text)).toList());
    }

    /**
     * The prompts of one split, the lines whose column {@code split} says so: what is tuned or calibrated on one is
     * tested on another.
     *
     * @throws IOException if there is no such file, or it lacks one of the columns {@code split} and {@code text}
     * @throws IllegalArgumentException if there is no prompt of that split, one is blank, or one is there twice
     */
    public static PromptSet read(String file, String split) throws IOException {
        var csv = Csv.read(Path.of(file));
        int column = csv.column("split");
        int text = csv.column("text");
        return new PromptSet(
                split + " of " + csv.file().getFileName(),
                csv.rows().stream()
                        .filter(row -> row.fields().get(column).equals(split))
                        .map(row -> row.fields().get(text))
                        .toList());
    }

    /**
     * So many of them, spread evenly over the set.
     *
     * @throws IllegalArgumentException if there are fewer
     */
    public List<String> some(int count) {
        if (count < 1 || count > prompts.size()) {
            throw new IllegalArgumentException(
                    count + " of " + prompts.size() + " prompts " + name + ", wanted 1.." + prompts.size());
        }
        return IntStream.range(0, count)
                .mapToObj(i -> prompts.get(i * prompts.size() / count))
                .toList();
    }

    /**
     * The prompts' beginnings, as texts: of each so many tokens as this model counts them, of a shorter one all.
     * Prompts that begin alike become one.
     *
     * @throws IllegalArgumentException if there is to be no token, or a prompt is longer than the model's context
     */
    public PromptSet cut(LanguageModel model, int tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException(
                    "the prompts " + name + " cut to " + tokens + " tokens, wanted at least 1");
        }
        return new PromptSet(
                name,
                prompts.stream()
                        .map(model::encode)
                        .map(all -> model.decode(Arrays.copyOf(all, Math.min(tokens, all.length))))
                        .distinct()
                        .toList());
    }

    /** SHA-256 of the prompts in their order, in hexadecimal; the name does not count. */
    public String sha256() {
        return Provenance.digest(prompts);
    }

    @Override
    public String toString() {
        return "PromptSet[" + name + ", " + prompts.size() + " prompts]";
    }
}
