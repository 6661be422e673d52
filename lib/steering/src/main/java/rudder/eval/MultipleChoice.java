package rudder.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.compare.ConfidenceInterval;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.steer.ControllerFactory;

/**
 * Finds the answer that a model finds likeliest; no judge is needed. Measures the log-probability of every answer after
 * the question. Steering acts as if the model generated the answer.
 *
 * <p>Small models are near chance on letters, 0.25 of four. Of this project's knowledge questions SmolLM2-135M-Instruct
 * answers 0.33 right as letters (of 30) and 0.42 as texts (of 60). MC2 can also rise because the model doubts every
 * answer alike. A model may prefer answers by their length or style; {@code data/README.md} says how this project's own
 * questions avoid that.
 */
public final class MultipleChoice {

    private MultipleChoice() {}

    /**
     * A question, and how likely the model finds each of its options.
     *
     * @param question the question
     * @param logProbabilities ln p(option | question), summed over the option's tokens, one number for each option
     */
    public record Answered(Question question, double[] logProbabilities) {

        /** Returns 1 if the likeliest option is right, else 0. */
        public double correct() {
            return question.right().contains(best(IntStream.range(0, logProbabilities.length))) ? 1 : 0;
        }

        /** Returns MC1: 1 if the best answer, the first right option, is likelier than every wrong one, else 0. */
        public double mc1() {
            int first = question.right().stream().mapToInt(i -> i).min().orElseThrow();
            return best(IntStream.range(0, logProbabilities.length)
                                    .filter(i -> i == first || !question.right().contains(i)))
                            == first
                    ? 1
                    : 0;
        }

        /** Returns MC2: the share of probability on the right options, sum_right p / sum p. */
        public double mc2() {
            double most = Arrays.stream(logProbabilities).max().orElseThrow();
            double[] p =
                    Arrays.stream(logProbabilities).map(x -> Math.exp(x - most)).toArray();
            return question.right().stream().mapToDouble(i -> p[i]).sum()
                    / Arrays.stream(p).sum();
        }

        private int best(IntStream options) {
            return options.boxed()
                    .max((i, j) -> Double.compare(logProbabilities[i], logProbabilities[j]))
                    .orElseThrow();
        }
    }

    /**
     * Measures the answers as texts, after {@code Q: QUESTION} and {@code A:} on a line of its own. MC1 and MC2 are
     * defined on such answers. TruthfulQA's own figures have six more questions in front: give them as {@code before}.
     *
     * @param before the text before every question, blank or ending in a line end
     */
    public static List<Answered> texts(
            LanguageModel model,
            ControllerFactory factory,
            Positions positions,
            String before,
            List<Question> questions) {
        return answered(
                model,
                factory,
                positions,
                questions,
                question -> before + "Q: " + question.text() + "\nA:",
                Question::options);
    }

    /**
     * Measures the letters of the options, after the options themselves. Some questions with their answers stand in
     * front: few-shot multiple choice as in MMLU.
     *
     * @param shots questions that show the form, usually five
     * @throws IllegalArgumentException if one of the shots is also asked
     */
    public static List<Answered> letters(
            LanguageModel model,
            ControllerFactory factory,
            Positions positions,
            List<Question> shots,
            List<Question> questions) {
        if (shots.stream().anyMatch(questions::contains)) {
            throw new IllegalArgumentException("a question is among those that show the form: hold these out");
        }
        var before = shots.stream()
                .map(shot ->
                        lettered(shot) + " " + letter(shot.right().iterator().next()) + "\n\n")
                .collect(Collectors.joining());
        return answered(
                model,
                factory,
                positions,
                questions,
                question -> before + lettered(question),
                question -> IntStream.range(0, question.options().size())
                        .mapToObj(MultipleChoice::letter)
                        .toList());
    }

    private static String lettered(Question question) {
        return IntStream.range(0, question.options().size())
                .mapToObj(i -> letter(i) + ". " + question.options().get(i) + "\n")
                .collect(Collectors.joining("", question.text() + "\n", "Answer:"));
    }

    private static String letter(int option) {
        return String.valueOf((char) ('A' + option));
    }

    private static List<Answered> answered(
            LanguageModel model,
            ControllerFactory factory,
            Positions positions,
            List<Question> questions,
            Function<Question, String> prompt,
            Function<Question, List<String>> answers) {
        var prompts = questions.stream().map(prompt).toList();
        var read = new ArrayList<int[]>();
        var options = new ArrayList<List<int[]>>();
        for (int i = 0; i < prompts.size(); i++) {
            var own = prompts.get(i);
            int[] tokens = model.encode(own);
            var whole = answers.apply(questions.get(i)).stream()
                    .map(answer -> model.encode(own + " " + answer))
                    .toList();
            // a token may span the prompt's end: count all answers from the first token in which one of them differs
            // from the prompt
            int from = whole.stream()
                    .mapToInt(one -> Arrays.mismatch(tokens, one))
                    .map(at -> at < 0 ? tokens.length : at)
                    .min()
                    .orElseThrow();
            read.add(Arrays.copyOf(tokens, from));
            options.add(whole.stream()
                    .map(one -> Arrays.copyOfRange(one, from, one.length))
                    .toList());
        }
        double[][][] surprisals =
                factory.on(model, prompts).atPositions(positions).surprisals(read, options);
        return IntStream.range(0, prompts.size())
                .mapToObj(i -> new Answered(
                        questions.get(i),
                        Stream.of(surprisals[i])
                                .mapToDouble(tokens -> -Arrays.stream(tokens).sum())
                                .toArray()))
                .toList();
    }

    /** Returns the share of questions whose likeliest option is right, with Wilson's interval. */
    public static ConfidenceInterval accuracy(List<Answered> answered) {
        return ConfidenceInterval.wilson(
                (int) answered.stream().mapToDouble(Answered::correct).sum(), answered.size());
    }

    /** Returns MC1 over questions, with Wilson's interval. */
    public static ConfidenceInterval mc1(List<Answered> answered) {
        return ConfidenceInterval.wilson(
                (int) answered.stream().mapToDouble(Answered::mc1).sum(), answered.size());
    }

    /** Returns the mean MC2 over questions, with its bootstrap interval. */
    public static ConfidenceInterval mc2(List<Answered> answered) {
        return ConfidenceInterval.bootstrap(
                answered.stream().mapToDouble(Answered::mc2).toArray());
    }
}
