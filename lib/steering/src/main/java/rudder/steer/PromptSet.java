package rudder.steer;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.text.Csv;
import rudder.checkpoint.text.FileNames;
import rudder.model.LanguageModel;

/**
 * A named list of different prompts.
 *
 * <pre>{@code
 * var law = PromptSet.read("../data/prompts/law.csv");   // PromptSet[law, 40 prompts]
 * }</pre>
 *
 * @param name shown in charts
 * @param prompts in the file's order
 */
public record PromptSet(String name, List<String> prompts) {

    /** @throws IllegalArgumentException if there is no prompt, a prompt is blank, or a prompt is there twice */
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
            throw new IllegalArgumentException("there is no prompt in " + name + ", wanted at least one");
        }
    }

    /**
     * Reads the column {@code text} of a csv file (UTF-8, quoted where needed). The set has the file's name.
     *
     * @throws IOException if there is no such file, or it has no such column.
     * @throws IllegalArgumentException if there is no prompt, a prompt is blank, or a prompt is there twice
     */
    public static PromptSet read(String file) throws IOException {
        var csv = Csv.read(FileNames.path(file));
        int text = csv.column("text");
        return new PromptSet(
                FileNames.withoutExtension(csv.file()),
                csv.rows().stream().map(row -> row.fields().get(text)).toList());
    }

    /**
     * Reads the prompts of one split: the lines with this value in the column {@code split}. Tune on one split and test
     * on another.
     *
     * @throws IOException if there is no such file, or it lacks the column {@code split} or {@code text}.
     * @throws IllegalArgumentException if the split has no prompt, a prompt is blank, or a prompt is there twice
     */
    public static PromptSet read(String file, String split) throws IOException {
        return of(Csv.read(FileNames.path(file)), split);
    }

    /** Returns the prompts of one split of a csv file that was read, as the other method does. */
    public static PromptSet of(Csv csv, String split) throws IOException {
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
     * Returns {@code count} prompts, spread evenly over the set.
     *
     * @throws IllegalArgumentException if count is not in 1..number of prompts
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
     * Returns these prompts and then the other set's, under this set's name.
     *
     * @throws IllegalArgumentException if a prompt is in both
     */
    public PromptSet plus(PromptSet more) {
        return new PromptSet(
                name, Stream.concat(prompts.stream(), more.prompts.stream()).toList());
    }

    /**
     * Returns each prompt's first {@code tokens} tokens as text; a shorter prompt stays whole. Prompts with the same
     * beginning become one prompt.
     *
     * @param model counts the tokens
     * @throws IllegalArgumentException if tokens is less than 1, or a prompt is longer than the model's context
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

    /** Returns the SHA-256 of the prompts in their order, in hexadecimal; it does not depend on the name. */
    public String sha256() {
        return Provenance.digest(prompts);
    }

    @Override
    public String toString() {
        return "PromptSet[" + name + ", " + prompts.size() + " prompts]";
    }
}
