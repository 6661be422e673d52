package rudder.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.control.Controller;

/**
 * What the quickstart notebook does, as a process of its own; its last line is the peak of its resident memory in MB.
 */
final class Quickstart {

    private Quickstart() {}

    public static void main(String[] args) throws IOException {
        try (var model = LanguageModel.load(args[0])) {
            var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
            var target = Features.contrast(model, ocean).setpoint(1);
            var lqr = Lqr.solve(Linearisation.mean(model, ocean.positive()), new QuadraticCost(.1, 10, 1));
            System.out.println(model.generate("Once upon a time", 60));
            System.out.println(model.steered(Controller.lqr(lqr, target)).generate("Once upon a time", 60));
        }
        System.out.println(peak());
    }

    /** VmHWM of this process, in MB; NaN where there is no /proc. */
    private static double peak() throws IOException {
        Path status = Path.of("/proc/self/status");
        return !Files.exists(status)
                ? Double.NaN
                : Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("VmHWM:"))
                        .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                        .findFirst()
                        .orElse(Double.NaN);
    }
}
