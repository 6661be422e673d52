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
 * Which answer a model finds likeliest: no judge is needed. Every answer's log-probability behind the question, under
 * steering as if the model were writing it.
 *
 * <p>Small models are near chance on letters, .25 of four: of this project's knowledge questions SmolLM2-135M-Instruct
 * gets .33 as letters (of 30) and .42 as texts (of 60). A higher MC2 can also come of doubting every answer alike.
 * Wrong answers that differ from right ones in length or style are told apart by that: {@code data/README.md} says what
 * was done about it in this project's own questions.
 */
public final class MultipleChoice {

    private MultipleChoice() {}

    /**
     * A question and how likely the model finds its answers.
     *
     * @param logProbabilities ln p(answer | question), sum over its tokens, for each of the question's options
     */
    public record Answered(Question question, double[] logProbabilities) {

        /** Whether the likeliest option is right, 1 or 0. */
        public double correct() {
            return question.right().contains(best(IntStream.range(0, logProbabilities.length))) ? 1 : 0;
        }

        /** MC1: whether the best answer, the first right option, is likelier than every wrong one, 1 or 0. */
        public double mc1() {
            int first = question.right().stream().mapToInt(i -> i).min().orElseThrow();
            return best(IntStream.range(0, logProbabilities.length)
                                    .filter(i -> i == first || !question.right().contains(i)))
                            == first
                    ? 1
                    : 0;
        }

        /** MC2: the share of probability on the right options, sum_right p / sum p. */
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
     * The questions' answers as texts, behind {@code Q: QUESTION} and {@code A:} on a line of its own. For MC1 and MC2
     * in TruthfulQA's manner, whose own figures have six more questions in front: give them as {@code before}.
     *
     * @param before what stands before every question, blank or ending in a line end
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
     * The letters of the questions' options, behind the options themselves and some questions with their answers:
     * few-shot multiple choice as in MMLU.
     *
     * @param shots questions that show the form, usually five; none of the questions asked
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
            // a token may span the prompt's end: all answers are counted from where the first of them parts from the
            // prompt
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

    /** Share of questions whose likeliest option is right, with Wilson's interval. */
    public static ConfidenceInterval accuracy(List<Answered> answered) {
        return ConfidenceInterval.wilson(
                (int) answered.stream().mapToDouble(Answered::correct).sum(), answered.size());
    }

    /** MC1 over questions, with Wilson's interval. */
    public static ConfidenceInterval mc1(List<Answered> answered) {
        return ConfidenceInterval.wilson(
                (int) answered.stream().mapToDouble(Answered::mc1).sum(), answered.size());
    }

    /** Mean MC2 over questions, with its bootstrap interval. */
    public static ConfidenceInterval mc2(List<Answered> answered) {
        return ConfidenceInterval.bootstrap(
                answered.stream().mapToDouble(Answered::mc2).toArray());
    }
}
