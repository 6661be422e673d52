package rudder.sweep;

import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import rudder.compare.Comparison;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

/** A user's program for spark-submit: MODEL FOLDER. */
public final class Submitted {

    static final List<String> PROMPTS =
            IntStream.range(0, 20).mapToObj(i -> "the tide " + i).toList();

    private Submitted() {}

    static Comparison.Settings settings() {
        return Comparison.settings().tokens(6);
    }

    static Arm[] arms(LanguageModel model) {
        var features = Features.contrast(model, new ContrastSet("sea", List.of("the sea", "a wave"), List.of("road")));
        return new Arm[] {
            Controller.none(),
            Controller.actAdd(features.setpoint(1), 1),
            Controller.actAdd(features.setpoint(2), 2).named("ActAdd 2")
        };
    }

    /** Runs the sweep in the session that spark-submit configures. */
    public static void main(String[] args) throws Exception {
        try (var spark = SparkSession.builder().getOrCreate();
                var model = LanguageModel.load(args[0])) {
            Sweep.of(model, PROMPTS, settings(), arms(model)).run(spark, args[1]);
        }
    }
}
