package rudder.eval;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import rudder.compare.ConfidenceInterval;
import rudder.compare.ControllerFamily;
import rudder.eval.MultipleChoice.Answered;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Arm;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/**
 * Compares controllers on the same multiple-choice questions, {@link MultipleChoice#texts answered as texts}. It shows
 * how much of a model's knowledge is left under steering, or how steering changes its preference for true answers.
 * Differences are paired over questions.
 *
 * <pre>{@code
 * var positions = Positions.PROMPT_END_AND_GENERATED;
 * MultipleChoiceComparison.of(model, questions, positions, Controller.none(), lqr).table("none")
 * }</pre>
 */
public final class MultipleChoiceComparison {

    /** The score of a question. */
    public enum Measure {
        /** The best answer is likelier than every wrong one, 1 or 0. */
        MC1(Answered::mc1),
        /** Share of probability on the right answers. */
        MC2(Answered::mc2);

        private final ToDoubleFunction<Answered> of;

        Measure(ToDoubleFunction<Answered> of) {
            this.of = of;
        }
    }

    private final int questions;
    private final LinkedHashMap<String, List<Answered>> answered;

    private MultipleChoiceComparison(int questions, LinkedHashMap<String, List<Answered>> answered) {
        this.questions = questions;
        this.answered = answered;
    }

    /**
     * Asks every question under every controller.
     *
     * @throws IllegalArgumentException if there is no question, or two controllers share a name
     */
    public static MultipleChoiceComparison of(
            LanguageModel model, List<Question> questions, Positions positions, Arm... arms) {
        if (questions.isEmpty()) {
            throw new IllegalArgumentException("there is no question, wanted at least one");
        }
        var answered = new LinkedHashMap<String, List<Answered>>();
        for (var factory : ControllerFactory.all(arms)) {
            answered.put(factory.name(), MultipleChoice.texts(model, factory, positions, "", questions));
        }
        return new MultipleChoiceComparison(questions.size(), answered);
    }

    /** Returns the controllers' names, in the order given. */
    public List<String> controllers() {
        return List.copyOf(answered.keySet());
    }

    /** Returns the mean over questions, with its 95 % interval. */
    public ConfidenceInterval mean(String controller, Measure measure) {
        return ConfidenceInterval.bootstrap(values(controller, measure));
    }

    /**
     * Returns the mean difference between a controller and a baseline on the same questions, with the 95 % interval of
     * the paired bootstrap.
     */
    public ConfidenceInterval change(String controller, String baseline, Measure measure) {
        return ConfidenceInterval.ofDifference(values(controller, measure), values(baseline, measure));
    }

    /** Returns the family's candidate with the largest mean; all its candidates must be in this comparison. */
    public ControllerFactory best(ControllerFamily family, Measure measure) {
        return family.candidates().stream()
                .max(Comparator.comparingDouble(
                        candidate -> ConfidenceInterval.average(values(candidate.name(), measure))))
                .orElseThrow();
    }

    private double[] values(String controller, Measure measure) {
        if (!answered.containsKey(controller)) {
            throw new IllegalArgumentException(
                    "there is no controller '" + controller + "' here, there are " + controllers());
        }
        return answered.get(controller).stream().mapToDouble(measure.of).toArray();
    }

    /** Returns one row for each controller: both measures' means, and their paired changes against a baseline. */
    public Table table(String baseline) {
        var table = Table.create(this + ", against " + baseline, StringColumn.create("controller", controllers()));
        for (var measure : Measure.values()) {
            table.addColumns(
                    column(measure + "", name -> mean(name, measure)),
                    column(measure + ", difference", name -> change(name, baseline, measure)));
        }
        return table;
    }

    private StringColumn column(String title, Function<String, ConfidenceInterval> of) {
        return StringColumn.create(
                title, controllers().stream().map(name -> of.apply(name).toString()));
    }

    @Override
    public String toString() {
        return "MultipleChoiceComparison[" + answered.size() + " controllers, " + questions + " questions]";
    }
}
