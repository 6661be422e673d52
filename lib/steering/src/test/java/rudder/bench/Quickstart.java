package rudder.bench;

import java.io.IOException;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.theory.Lqr;
import rudder.theory.control.Controller;

/** What the quickstart notebook does, as a process of its own: the time it takes, and the peak of its memory. */
final class Quickstart {

    private Quickstart() {}

    public static void main(String[] args) throws IOException {
        long start = System.nanoTime();
        try (var model = LanguageModel.load(args[0])) {
            var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
            var target = Features.contrast(model, ocean).setpoint(1);
            var lqr = Lqr.solve(Linearisation.mean(model, ocean.positive()), Bench.COST);
            System.out.println(model.generate("Once upon a time", 60));
            System.out.println(model.steered(Controller.lqr(lqr, target)).generate("Once upon a time", 60));
        }
        Fresh.figure("seconds", (System.nanoTime() - start) / 1e9);
        Fresh.figure("peak", Machine.memory("VmHWM"));
    }

    static void measure(Arms arms, String weights) throws IOException, InterruptedException {
        var found = Fresh.run(Quickstart.class, Bench.MODEL, weights);
        arms.report("quickstart_" + weights, found.get("seconds"), "s");
        arms.report("quickstart_peak_" + weights, found.get("peak") / (1 << 20), "MB");
    }
}
