package rudder.sweep;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import rudder.model.LanguageModel;

/** What a unit of a survey measures, as executors receive it. */
interface Measurement extends Serializable {

    /** Says which measurement this is. */
    String kind();

    /** Returns all that the result depends on, beside kind, model and version. */
    List<String> inputs();

    /** Returns the texts that the model reads, as tokens; empty if no text belongs to this unit alone. */
    List<int[]> texts();

    /** Returns the index of the first prompt, in the survey's list. */
    int first();

    /** Returns the number of prompts. */
    default int prompts() {
        return texts().size();
    }

    /** Returns the number of tokens that the model reads. */
    default long tokens() {
        return texts().stream().mapToLong(text -> text.length).sum();
    }

    /** Returns the work in some measure that is the same for all units of a survey. */
    default double work() {
        return tokens();
    }

    /** Measures: tables of numbers, each of at least one row. Rows may differ in length. */
    Map<String, double[][]> of(LanguageModel model);
}
