package rudder.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.theory.control.Controller;

/**
 * Prints how fast the demo writes beside the library alone: two texts at once, one of them steered, SmolLM2. The demo
 * writes a third, unsteered, for the KL of each token; so the library also writes three. The arms alternate in rounds,
 * and each figure is a median.
 */
final class DemoBench {

    private static final int TOKENS = 64;
    private static final String PROMPT = "The most important thing about";

    private DemoBench() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 7;
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct");
                var demo = Demo.open(model)) {
            var laboratory = new Laboratory(model);
            var setpoint =
                    laboratory.measure(Concepts.packed("ocean"), fraction -> {}).setpoint(1);
            var lqr = Controller.lqr(laboratory.solution().feedback(setpoint), setpoint);
            var view = model.steered(List.of(lqr, Controller.none())).measuring(setpoint);
            var withShadow = model.steered(List.of(lqr, Controller.none(), Controller.none()))
                    .measuring(setpoint);
            var prompts = Collections.nCopies(2, model.encode(PROMPT));
            var three = Collections.nCopies(3, model.encode(PROMPT));
            var visitor = new Visitor(demo.address());
            var wish = visitor.wish();
            wish.addProperty("prompt", PROMPT);
            wish.addProperty("sampled", false);
            wish.addProperty("tokens", TOKENS);
            var alone = new ArrayList<Double>();
            var shadowed = new ArrayList<Double>();
            var served = new ArrayList<Double>();
            var first = new ArrayList<Double>();
            for (int round = -2; round < rounds; round++) { // two to warm up
                long start = System.nanoTime();
                view.generateOfTokens(prompts, TOKENS, Sampling.standard());
                double library = TOKENS / seconds(start);
                start = System.nanoTime();
                withShadow.generateOfTokens(three, TOKENS, Sampling.standard());
                double libraryOfThree = TOKENS / seconds(start);
                long asked = System.nanoTime();
                double[] heard = {0};
                var events = visitor.read("write", wish, event -> {
                    if (event.has("index") && heard[0] == 0) {
                        heard[0] = seconds(asked);
                    }
                });
                double page = Visitor.ofType("token", events).size() / seconds(asked);
                if (round >= 0) {
                    alone.add(library);
                    shadowed.add(libraryOfThree);
                    served.add(page);
                    first.add(heard[0]);
                }
            }
            System.out.printf("library, two texts      %6.1f tokens a second a text%n", median(alone));
            System.out.printf("library, three texts    %6.1f%n", median(shadowed));
            System.out.printf(
                    "demo, two and a shadow  %6.1f, %.2f of the library's two, %.2f of its three%n",
                    median(served), median(served) / median(alone), median(served) / median(shadowed));
            System.out.printf(
                    "first token             %6.3f s after Write, at most %.3f%n",
                    median(first), Collections.max(first));
            Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmHWM") || line.startsWith("VmRSS"))
                    .forEach(System.out::println);
        }
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    private static double median(List<Double> numbers) {
        double[] sorted = numbers.stream().mapToDouble(x -> x).sorted().toArray();
        return Arrays.stream(sorted)
                .skip((sorted.length - 1) / 2)
                .limit(2 - sorted.length % 2)
                .average()
                .orElseThrow();
    }
}
