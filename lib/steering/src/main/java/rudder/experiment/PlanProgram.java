package rudder.experiment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import rudder.theory.Check;

/**
 * What a program that runs a plan was asked for: {@code MODEL ROWS DATA RESULTS}, and perhaps {@code read}.
 *
 * @param model name
 * @param rows test openings of each concept
 * @param data the folder {@code data}
 * @param folder of the tables
 * @param reads whether nothing is run, and what is there is read
 */
record PlanProgram(String model, int rows, Path data, Path folder, boolean reads) {

    static PlanProgram of(String... args) {
        boolean reads = args.length == 5 && args[4].equals("read");
        Check.that(
                args.length == 4 || reads,
                "found the arguments %s, wanted MODEL ROWS DATA RESULTS, and perhaps 'read'",
                List.of(args));
        Check.that(args[1].matches("[1-9][0-9]{0,8}"), "found the rows '%s', wanted a number such as 60", args[1]);
        return new PlanProgram(args[0], Integer.parseInt(args[1]), Path.of(args[2]), Path.of(args[3]), reads);
    }

    /** Prints the plan, and returns the results of its texts: of those that are there, or of all. */
    Results results(Experiment plan, Path texts, Experiment.Setup setup) throws IOException {
        System.out.println(String.join("\n", plan.lines()));
        return reads ? plan.read(texts) : plan.run(texts, setup);
    }

    /** Returns the table of a kind, {@code KIND.MODEL.csv}. */
    Path table(String kind) {
        return folder.resolve(kind + "." + Path.of(model).getFileName() + ".csv");
    }
}
