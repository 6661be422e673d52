package rudder.demo;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import rudder.model.Completion;
import rudder.model.Conductor;
import rudder.model.LanguageModel;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/**
 * Writes a wish's two texts in one batch, and tells of every token what the page draws. Text 0 is the steered one and
 * text 1 the other. Behind them, each text that is steered has a shadow: the unsteered model reads the same tokens, so
 * that its distribution is at hand.
 *
 * <p>Methods for the visitor's hand may be called from other threads while the texts are written.
 */
final class Scribe implements Conductor {

    private static final int LIKELIEST = 5;
    private static final String[] SIDES = {"steered", "other"};

    private final LanguageModel model;
    private final Wish wish;
    private final List<MeasuredConcept> concepts;
    private final Consumer<JsonObject> events;
    private final int[] source; // the text whose tokens each row takes; a shadow's is not itself
    private final int[] shadow; // the row with each text's unsteered distribution
    private final int[] against; // tokens of the sentence that disturbs
    private final double[] surprisal = new double[SIDES.length];
    private final boolean[] over = new boolean[SIDES.length];

    private volatile List<Double> dial;
    private volatile int disturbFrom; // token at which the sentence begins; -1 before the button is pressed
    private volatile boolean disturbNow;
    private List<Double> turned; // the strengths of the present controllers
    private List<Controller> present;

    /** @param events receives one object a token */
    Scribe(LanguageModel model, Wish wish, List<MeasuredConcept> concepts, Consumer<JsonObject> events) {
        this.model = model;
        this.wish = wish;
        this.concepts = concepts;
        this.events = events;
        var rows = new ArrayList<>(List.of(0, 1));
        shadow = new int[] {0, 1};
        for (int text = 0; text < SIDES.length; text++) {
            if (law(text) != Law.NONE) {
                shadow[text] = rows.size();
                rows.add(text);
            }
        }
        source = rows.stream().mapToInt(row -> row).toArray();
        String sentence = wish.concepts().get(0).set().negative().get(0).strip();
        against = model.tokenizer().encodePlain(" " + sentence + (sentence.matches("(?s).*[.!?]") ? "" : "."));
        disturbFrom = wish.disturbAt().orElse(-1);
        dial = wish.concepts().stream().map(Wish.Wanted::strength).toList();
        turned = dial;
        present = controllers(dial);
    }

    private Law law(int text) {
        return text == 0 ? wish.law() : wish.other();
    }

    private List<Controller> controllers(List<Double> strengths) {
        var each = new ArrayList<Controller>();
        for (int row = 0; row < source.length; row++) {
            each.add(row < SIDES.length ? controller(law(row), strengths) : Controller.none());
        }
        return List.copyOf(each);
    }

    private Controller controller(Law law, List<Double> strengths) {
        return IntStream.range(0, concepts.size())
                .mapToObj(i -> concepts.get(i).controller(law, strengths.get(i), wish.blockOf(law)))
                .reduce(Controller::plus)
                .orElseThrow();
    }

    /** Writes both texts to their ends. Returns the steered one and the other. */
    List<Completion> write() {
        return model.steered(present)
                .atPositions(Wish.POSITIONS.get(wish.positions()))
                .measuring(concepts.get(0).setpoint(1))
                .inRounds(1) // the same random numbers for both
                .conduct(
                        Collections.nCopies(source.length, wish.promptTokens(model)),
                        wish.tokens(),
                        wish.sampling(),
                        this)
                .subList(0, SIDES.length);
    }

    /** Turns the dial: from the next token on these are the setpoints, one for each concept. */
    void turn(List<Double> strengths) {
        dial = List.copyOf(strengths);
    }

    /** Inserts a sentence without the concept into both texts, from the next token on. */
    void disturb() {
        disturbNow = true;
    }

    @Override
    public List<Setpoint> measured() {
        return concepts.stream().skip(1).map(concept -> concept.setpoint(1)).toList();
    }

    @Override
    public List<Controller> controllers(int index, List<Controller> now) {
        var wanted = dial;
        if (!wanted.equals(turned)) {
            turned = wanted;
            present = controllers(wanted);
        }
        return present;
    }

    @Override
    public int token(int text, int index, int[] chosen) {
        if (source[text] != text) {
            return chosen[source[text]];
        }
        if (text == 0 && disturbNow) {
            disturbNow = false;
            disturbFrom = index;
        }
        return isInserted(index) ? against[index - disturbFrom] : FREE;
    }

    private boolean isInserted(int index) {
        return disturbFrom >= 0 && index >= disturbFrom && index < disturbFrom + against.length;
    }

    @Override
    public boolean after(Step step) {
        var event = new JsonObject();
        event.addProperty("type", "token");
        event.addProperty("index", step.index());
        event.add("setpoints", numbers(turned.stream().mapToDouble(x -> x).toArray()));
        event.addProperty("inserted", isInserted(step.index()));
        boolean open = false;
        for (int text = 0; text < SIDES.length; text++) {
            if (!over[text]) {
                event.add(SIDES[text], side(step, text));
                over[text] = step.ended()[text];
            }
            open |= !over[text];
        }
        events.accept(event);
        return open;
    }

    private JsonObject side(Step step, int text) {
        int size = step.logits().length / source.length;
        int token = step.tokens()[text];
        var p = NextTokens.of(step.logits(), text * size, size);
        var q = shadow[text] == text ? p : NextTokens.of(step.logits(), shadow[text] * size, size);
        surprisal[text] += q.surprisal(token);

        var side = new JsonObject();
        side.addProperty("token", token);
        side.addProperty("piece", step.pieces()[text]);
        side.addProperty("ended", step.ended()[text]);
        var strengths = new JsonArray();
        for (int i = 0; i < concepts.size(); i++) {
            strengths.add(inGaps(concepts.get(i).setpoint(1), step.strengths().get(i)[text]));
        }
        side.add("strengths", strengths);
        side.add("energies", numbers(step.energies()[text]));
        side.addProperty("energy", Arrays.stream(step.energies()[text]).sum());
        side.addProperty("kl", p == q ? 0 : p.divergence(q));
        side.addProperty("perplexity", Math.exp(surprisal[text] / (step.index() + 1)));
        side.add("likeliest", likeliest(p));
        side.add("unsteered", likeliest(q));
        return side;
    }

    /** The states z_0..z_T, in gaps; null where the feature is absent. */
    private static JsonArray inGaps(Setpoint setpoint, double[] strengths) {
        return numbers(IntStream.range(0, strengths.length)
                .mapToDouble(k -> setpoint.inGaps(k, strengths[k]))
                .toArray());
    }

    private static JsonArray numbers(double[] numbers) {
        var array = new JsonArray(numbers.length);
        for (double number : numbers) {
            if (Double.isFinite(number)) {
                array.add(number);
            } else {
                array.add(JsonNull.INSTANCE);
            }
        }
        return array;
    }

    private JsonArray likeliest(NextTokens next) {
        var array = new JsonArray();
        for (var likely : next.likeliest(LIKELIEST)) {
            var one = new JsonObject();
            one.addProperty("text", model.tokenizer().token(likely.token()));
            one.addProperty("probability", likely.probability());
            array.add(one);
        }
        return array;
    }
}
