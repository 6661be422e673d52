package rudder.eval;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import rudder.checkpoint.format.LockFile;
import rudder.checkpoint.text.LineFile;
import rudder.checkpoint.text.RecordJson;
import rudder.compare.Comparison;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.SteeredModel;
import rudder.steer.ControllerFactory;
import rudder.steer.PromptSet;
import rudder.theory.Vectors;

/**
 * The file of one controller's completions: a {@link Header}, then one completion on each line, in the prompts' order.
 */
final class Transcript {

    private static final Gson JSON =
            RecordJson.builder().serializeSpecialFloatingPointValues().create();
    private static final String END = ".jsonl";
    private static final Pattern CHECKED = Pattern.compile("(.*),\"crc32\":\"([0-9a-f]{8})\"}", Pattern.DOTALL);

    /**
     * Says where the completions come from.
     *
     * @param effect |z_T - z_T unsteered| at the first prompt, three digits; it tells controllers of one name apart
     */
    private record Header(
            String task,
            String model,
            String sha256,
            String controller,
            String effect,
            String prompts,
            String settings,
            long seed) {
        Header of(String effect) {
            return new Header(task, model, sha256, controller, effect, prompts, settings, seed);
        }
    }

    /** A completion. Measured numbers are in single precision, as they were computed. */
    private record Line(
            String prompt,
            String text,
            int[] promptTokens,
            int[] tokens,
            boolean ended,
            String positions,
            float[][] strengths,
            float[][] energies) {
        static Line of(Completion c) {
            return new Line(
                    c.prompt(),
                    c.text(),
                    c.promptTokens(),
                    c.tokens(),
                    c.ended(),
                    c.positions().name(),
                    floats(c.strengths()),
                    floats(c.energies()));
        }

        Completion completion(String controller) {
            return new Completion(
                    prompt,
                    text,
                    promptTokens,
                    tokens,
                    ended,
                    controller,
                    Positions.named(positions),
                    doubles(strengths),
                    doubles(energies));
        }

        boolean isWhole() {
            return prompt != null
                    && text != null
                    && promptTokens != null
                    && tokens != null
                    && positions != null
                    && strengths != null
                    && energies != null
                    && tokens.length == energies.length
                    && Stream.of(strengths, energies).flatMap(Arrays::stream).noneMatch(Objects::isNull);
        }
    }

    private final LineFile file;
    private final Header header;
    private final List<String> prompts;

    private Transcript(Path file, Header header, List<String> prompts) {
        this.file = new LineFile(file);
        this.header = header;
        this.prompts = prompts;
    }

    /**
     * Returns the file of such a run, which need not exist yet.
     *
     * @param unsteered {@link #last} at the first prompt without steering
     */
    static Transcript of(
            Path folder,
            LanguageModel model,
            PromptSet prompts,
            Comparison.Settings settings,
            ControllerFactory factory,
            double[] unsteered) {
        var header = header(folder, model, prompts, settings, factory.name())
                .of(effect(last(model, prompts.prompts().get(0), factory), unsteered));
        var slug = factory.name().replaceAll("[^A-Za-z0-9.]+", "-");
        var file = folder.resolve(slug + "-"
                + String.format(Locale.ROOT, "%08x", JSON.toJson(header).hashCode()) + END);
        return new Transcript(file, header, prompts.prompts());
    }

    /**
     * Returns the file of the controller of that name.
     *
     * @throws IOException if there is none, or more than one
     */
    static Transcript find(
            Path folder, LanguageModel model, PromptSet prompts, Comparison.Settings settings, String controller)
            throws IOException {
        var wanted = header(folder, model, prompts, settings, controller);
        var found = new ArrayList<Transcript>();
        if (Files.isDirectory(folder)) {
            try (var files = Files.list(folder)) {
                for (var file : files.filter(path -> path.toString().endsWith(END))
                        .sorted()
                        .toList()) {
                    var header = parse(
                            file,
                            1,
                            new LineFile(file).lines().stream().findFirst().orElse(""),
                            Header.class);
                    if (header.of(null).equals(wanted)) {
                        found.add(new Transcript(file, header, prompts.prompts()));
                    }
                }
            }
        }
        if (found.size() != 1) {
            throw new IOException(folder + " has " + found.size() + " runs of '" + controller
                    + "' with this model, these prompts and settings, wanted one"
                    + (found.isEmpty()
                            ? ": run the task first"
                            : ": "
                                    + found.stream()
                                            .map(t ->
                                                    t.file.path().getFileName().toString())
                                            .collect(Collectors.joining(", "))));
        }
        return found.get(0);
    }

    private static Header header(
            Path folder, LanguageModel model, PromptSet prompts, Comparison.Settings settings, String controller) {
        return new Header(
                folder.getFileName().toString(),
                model.name(),
                model.sha256(),
                controller,
                null,
                prompts.sha256(),
                settings.tokens() + " tokens, " + settings.sampling() + ", " + settings.positions()
                        + (settings.chat() ? ", chat, " : ", ") + settings.measured(),
                settings.sampling().seed());
    }

    private static String effect(double[] steered, double[] unsteered) {
        double sum = 0;
        for (int i = 0; i < steered.length; i++) {
            sum += (steered[i] - unsteered[i]) * (steered[i] - unsteered[i]);
        }
        return String.format(Locale.ROOT, "%.2e", Math.sqrt(sum));
    }

    /** Returns z_T at the prompt's last token. */
    static double[] last(LanguageModel model, String prompt, ControllerFactory factory) {
        return factory.rollouts(model, List.of(prompt)).get(0).states()[model.horizon()];
    }

    /**
     * Prepares the file for {@link #append}: writes the header if it is missing, and keeps whole batches only. If a
     * batch was cut off, all of it is removed, since its rest, generated alone, would differ by rounding. Returns the
     * number of completions left.
     *
     * @param held the folder's {@link #lock}
     */
    int open(LockFile held) throws IOException {
        Objects.requireNonNull(held, "held");
        if (!Files.exists(file.path()) || file.lines().isEmpty()) {
            file.keep(0); // of a header that was cut off
            file.append(List.of(JSON.toJson(header)));
        }
        int found = read().size();
        int done = found == prompts.size() ? found : found / SteeredModel.BATCH * SteeredModel.BATCH;
        file.keep(1 + done);
        return done;
    }

    /**
     * Takes the lock of a task's folder, which lets one thread of one process write there.
     *
     * @throws IOException if another holds it
     */
    static LockFile lock(Path folder) throws IOException {
        return LockFile.tryTake(folder.resolveSibling(folder.getFileName() + ".lock"))
                .orElseThrow(() -> new IOException("another process, or another thread of this one, is writing"
                        + " completions into " + folder + ", wanted one writer at a time: wait until it ends, or give"
                        + " another folder"));
    }

    /** Writes completions at the end of the file. They are on the disk when this returns. */
    void append(List<Completion> completions) throws IOException {
        file.append(completions.stream()
                .map(completion -> checked(JSON.toJson(Line.of(completion))))
                .toList());
    }

    /** Returns a JSON object with its own checksum as last member. */
    private static String checked(String json) {
        return json.substring(0, json.length() - 1) + String.format(Locale.ROOT, ",\"crc32\":\"%08x\"}", crc(json));
    }

    private static long crc(String text) {
        var crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return crc.getValue();
    }

    /** Returns all completions, without a last line that was cut off. */
    List<Completion> read() throws IOException {
        var lines = file.lines();
        if (lines.isEmpty()
                || !parse(file.path(), 1, lines.get(0), Header.class).equals(header)) {
            throw new IOException(file.path() + ", line 1: wanted " + JSON.toJson(header)
                    + ": it is of another run, or damaged; remove it");
        }
        var completions = new ArrayList<Completion>();
        for (int i = 1; i < lines.size(); i++) {
            var line = parse(file.path(), i + 1, unchecked(lines.get(i), i + 1), Line.class);
            var wanted = i <= prompts.size() ? "\"" + prompts.get(i - 1) + "\"" : "the end of the file";
            if (!line.isWhole() || i > prompts.size() || !line.prompt.equals(prompts.get(i - 1))) {
                throw new IOException(file.path() + ", line " + (i + 1) + ": wanted a completion of " + wanted
                        + " with text, tokens and measurements; remove what is damaged");
            }
            completions.add(line.completion(header.controller));
        }
        return completions;
    }

    /** Returns the line without its checksum, if it has one and it is right. Earlier versions wrote none. */
    private String unchecked(String line, int number) throws IOException {
        var match = CHECKED.matcher(line);
        if (!match.matches()) {
            return line;
        }
        var json = match.group(1) + "}";
        if (crc(json) != Long.parseLong(match.group(2), 16)) {
            throw new IOException(file.path() + ", line " + number + ": found the checksum "
                    + String.format(Locale.ROOT, "%08x", crc(json)) + ", wanted " + match.group(2)
                    + ": the line is damaged; remove it and those that follow");
        }
        return json;
    }

    private static <T> T parse(Path file, int number, String line, Class<T> type) throws IOException {
        try {
            var value = JSON.fromJson(line, type);
            if (value != null) {
                return value;
            }
        } catch (JsonParseException | NumberFormatException e) { // the latter for a number that no float has
            throw new IOException(file + ", line " + number + " is no JSON object of a run: " + e.getMessage(), e);
        }
        throw new IOException(file + ", line " + number + " is empty, wanted a JSON object");
    }

    private static float[][] floats(double[][] rows) {
        return Arrays.stream(rows).map(Vectors::floats).toArray(float[][]::new);
    }

    private static double[][] doubles(float[][] rows) {
        return Arrays.stream(rows).map(Vectors::doubles).toArray(double[][]::new);
    }
}
