package rudder.demo;

import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import rudder.model.LanguageModel;

/** The Java that writes in a notebook what the page wrote. */
final class JavaText {

    private JavaText() {}

    /** Returns statements whose last one is the steered completion. Changes of the dial are not in it. */
    static String of(Wish wish, LanguageModel model) {
        var lines = new ArrayList<String>();
        lines.add("var model = LanguageModel.load(" + quoted(model.source().orElse(model.name())) + ");");
        var concepts = wish.concepts();
        for (int i = 0; i < concepts.size(); i++) {
            String n = number(i, concepts.size());
            lines.add("var features" + n + " = Features.contrast(model, " + set(concepts.get(i)) + ");");
            lines.add("var target" + n + " = features" + n + ".setpoint("
                    + concepts.get(i).strength() + ");");
        }
        if (wish.law() == Law.NATURAL) {
            lines.add("var openings = PromptSet.read(\"../data/prompts/openings.csv\", " + quoted(Concepts.SPLIT)
                    + ").some(" + Concepts.SAMPLED + ");");
            lines.add("var fisher = Fisher.kept(model, openings, " + Laboratory.DRAWN + ", 0);");
            for (int i = 0; i < concepts.size(); i++) {
                String n = number(i, concepts.size());
                lines.add("var natural" + n + " = NaturalGradient.of(fisher, LikelihoodGradient.of(model, "
                        + set(concepts.get(i)) + "), features" + n + ");");
            }
        }
        boolean regulated = wish.law() == Law.LQR || wish.law() == Law.TRACKER;
        if (regulated) {
            lines.add("var system = Linearisation.kept(model, " + packed(Laboratory.REGULATED) + ".positive());");
        }
        if (wish.law() == Law.LQR) {
            lines.add("var gains = Lqr.solve(system, new QuadraticCost(" + Laboratory.COST.q() + ", "
                    + Laboratory.COST.r() + ", " + Laboratory.COST.qf() + "));");
        }
        String controller = IntStream.range(0, concepts.size())
                .mapToObj(i -> controller(
                        wish, number(i, concepts.size()), concepts.get(i).strength(), model.horizon()))
                .reduce((sum, one) -> sum + ".plus(" + one + ")")
                .orElseThrow();
        String positions = Wish.POSITIONS.get(wish.positions()).name();
        lines.add("model.steered(" + controller + ")"
                + (positions.equals("PROMPT_END_AND_GENERATED") ? "" : ".atPositions(Positions." + positions + ")")
                + (wish.chat()
                        ? ".chat(List.of(Message.user(" + quoted(wish.prompt()) + "))"
                        : ".generate(" + quoted(wish.prompt()))
                + ", " + wish.tokens() + ", "
                + (wish.sampled() ? "Sampling.paper().withSeed(" + wish.seed() + ")" : "Sampling.standard()")
                + ");");
        return String.join("\n", lines) + "\n";
    }

    private static String number(int i, int of) {
        return of == 1 ? "" : Integer.toString(i + 1);
    }

    private static String set(Wish.Wanted concept) {
        var set = concept.set();
        return concept.packed()
                ? packed(set.name())
                : "new ContrastSet(" + quoted(set.name()) + ", " + list(set.positive()) + ", " + list(set.negative())
                        + ")";
    }

    private static String packed(String name) {
        return "ContrastSet.read(\"../data/concepts/" + name + ".csv\")";
    }

    private static String list(List<String> texts) {
        return texts.stream().map(JavaText::quoted).collect(Collectors.joining(", ", "List.of(", ")"));
    }

    private static String controller(Wish wish, String n, double strength, int T) {
        String target = "target" + n;
        var block = wish.blockOf(wish.law());
        return switch (wish.law()) {
            case NONE -> "Controller.none()";
            case ACT_ADD ->
                block.map(k -> "Controller.actAdd(" + target + ", " + k + ")")
                        .orElse("Controller.spreadActAdd(" + target + ", 0)");
            case P ->
                block.map(k -> "Controller.proportional(" + target + ", 1, " + k + ")")
                        .orElse("Controller.proportionalFrom(" + target + ", 1.0 / " + T + ", 0)");
            case LQR -> "Controller.lqr(gains, " + target + ")";
            case TRACKER ->
                "FeatureTracker.of(Differential.of(system), features" + n + ".negative().states(), " + target
                        + ", IntStream.rangeClosed(0, " + T + ").mapToDouble(k -> "
                        + block.map(k -> "k < " + T + " ? 0 : 1).toArray(), 1e-3, InputMatrix.along(" + target
                                        + ").onlyAtBlock(" + k + "))")
                                .orElse("k < " + T / 2 + " ? 0 : 0.1).toArray(), 10, InputMatrix.everywhere())");
            case NATURAL ->
                "natural" + n
                        + block.map(k -> ".atBlock(" + strength + ", " + k + ")")
                                .orElse(".spread(" + strength + ", " + T / 3 + ")");
        };
    }

    /** A string literal: JSON's escapes are Java's. */
    private static String quoted(String text) {
        return new JsonPrimitive(text).toString();
    }
}
