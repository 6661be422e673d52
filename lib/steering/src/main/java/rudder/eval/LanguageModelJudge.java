package rudder.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import rudder.compare.Metric;
import rudder.model.Completion;
import rudder.model.LanguageModel;
import rudder.theory.Check;
import rudder.theory.control.Controller;

/**
 * Asks a language model a question about a text, to be answered with Yes or No. The verdict is the probability of Yes
 * among the two, {@code 1 / (1 + exp(-(l_yes - l_no)))}. The logits l are those of the tokens at which the two answers
 * part in the model's chat.
 *
 * <p>Validate a judge on labelled texts that nobody steered before you use it: a first look at
 * Qwen2.5-Coder-1.5B-Instruct found AUC 1.00 for ocean, music and anger and 0.95 for trains on 16 + 16 contrast
 * sentences each. The judge does not close its model.
 */
public final class LanguageModelJudge implements Judge {

    private static final String PROMPT = "{prompt}";
    private static final String ANSWER = " Answer with one word, Yes or No.";
    private static final int BATCH = 64;

    private final String name;
    private final LanguageModel model;
    private final String question;

    /**
     * Makes a judge.
     *
     * @param name of its column in tables
     * @param model an instruction-tuned model
     * @param question about "this text", without the request to answer with one word. {@code {prompt}} in it stands for
     *     the text's prompt
     * @throws IllegalStateException if the model has no chat template
     */
    public LanguageModelJudge(String name, LanguageModel model, String question) {
        this.name = Check.given("the judge's name", name);
        this.model = Check.given("the judge's model", model);
        this.question = Check.given("the question", question);
        asked("", "");
    }

    /** Returns the judge that asks whether a text mentions a concept. */
    public static LanguageModelJudge concept(LanguageModel model, String concept) {
        return new LanguageModelJudge(concept + ", asked", model, "Does this text mention " + concept + "?");
    }

    /** Returns the judge that asks whether a text is fluent English. */
    public static LanguageModelJudge fluency(LanguageModel model) {
        return new LanguageModelJudge("fluency, asked", model, "Is this text fluent and correct English?");
    }

    /** Returns the judge that asks whether a text goes on with its prompt. It needs prompts: use {@link #metric}. */
    public static LanguageModelJudge relevance(LanguageModel model) {
        return new LanguageModelJudge(
                "relevance, asked", model, "Is this text a sensible reply to or continuation of \"" + PROMPT + "\"?");
    }

    @Override
    public String name() {
        return name;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if the question needs the text's prompt
     */
    @Override
    public double of(String text) {
        if (question.contains(PROMPT)) {
            throw new IllegalStateException(
                    "the judge '" + name + "' asks about a text and its prompt: use metric() on completions");
        }
        return probability(logits(List.of(""), List.of(text))[0]);
    }

    /** Returns the verdicts as a column. The texts are read in batches. */
    @Override
    public Metric metric() {
        return new Metric(
                name,
                completions -> verdicts(
                        completions.stream().map(Completion::prompt).toList(),
                        completions.stream().map(Completion::text).toList()),
                false);
    }

    /**
     * Returns the verdict on each text. The texts are read in batches.
     *
     * @param prompts of the texts, used if the question names the prompt
     */
    public double[] verdicts(List<String> prompts, List<String> texts) {
        return Arrays.stream(logits(prompts, texts))
                .map(LanguageModelJudge::probability)
                .toArray();
    }

    /**
     * Returns the logit of Yes less that of No for each text.
     *
     * @param prompts of the texts, used if the question names the prompt
     */
    public double[] logits(List<String> prompts, List<String> texts) {
        Check.length("the prompts", prompts.size(), texts.size());
        var unsteered = model.steered(Controller.none());
        double[] logits = new double[texts.size()];
        for (int first = 0; first < logits.length; first += BATCH) {
            int end = Math.min(logits.length, first + BATCH);
            var asked = IntStream.range(first, end)
                    .mapToObj(i -> asked(prompts.get(i), texts.get(i)))
                    .toList();
            double[][][] surprisals = unsteered.surprisals(
                    asked.stream().map(Asked::tokens).toList(),
                    asked.stream()
                            .map(one -> List.of(new int[] {one.yes}, new int[] {one.no}))
                            .toList());
            for (int i = first; i < end; i++) {
                logits[i] = surprisals[i - first][1][0] - surprisals[i - first][0][0];
            }
        }
        return logits;
    }

    private static double probability(double logit) {
        return 1 / (1 + Math.exp(-logit));
    }

    /** A question as tokens, up to where the answers part. */
    private record Asked(int[] tokens, int yes, int no) {}

    private Asked asked(String prompt, String text) {
        String message = "Text: \"" + text.strip() + "\"\n\n" + question.replace(PROMPT, prompt.strip()) + ANSWER;
        int[] yes = model.encodeAnswered(message, "Yes");
        int[] no = model.encodeAnswered(message, "No");
        int at = Arrays.mismatch(yes, no);
        Check.that(
                at > 0 && at < yes.length && at < no.length,
                "the chat template of %s writes Yes and No alike, wanted two answers",
                model.name());
        return new Asked(Arrays.copyOf(yes, at), yes[at], no[at]);
    }

    /**
     * Returns the harmonic mean of several columns, 0 where one of them is 0, as AxBench scores concept, fluency and
     * instruction together. Source: Wu et al., arXiv 2501.17148, with probabilities in place of the scores 0, 1, 2.
     *
     * @param parts columns of numbers from 0 to 1
     * @throws IllegalArgumentException if there is no part
     */
    public static Metric harmonicMean(List<Metric> parts) {
        Check.some("column", parts);
        return new Metric(
                "harmonic mean",
                completions -> {
                    var columns = new ArrayList<double[]>();
                    parts.forEach(part -> columns.add(part.all().apply(completions)));
                    return IntStream.range(0, completions.size())
                            .mapToDouble(i -> columns.size()
                                    / columns.stream()
                                            .mapToDouble(column -> 1 / column[i])
                                            .sum())
                            .toArray();
                },
                false);
    }

    @Override
    public String toString() {
        return "LanguageModelJudge[" + name + ", " + model.name() + ", \"" + question + "\"]";
    }
}
