package rudder.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import rudder.model.LanguageModel;
import rudder.model.Positions;
import rudder.model.Sampling;
import rudder.steer.ContrastSet;

/**
 * The settings of the page: what a visitor wants to be written.
 *
 * @param prompt a text to continue, or with {@code chat} a message to answer
 * @param concepts one or two features to steer
 * @param law controller of the steered text
 * @param other controller of the text beside it
 * @param block the only block with an input; empty for all blocks
 * @param positions name of the steered tokens in {@link #POSITIONS}
 * @param sampled whether tokens are drawn, with the seed; otherwise the likeliest is taken
 * @param disturbAt the token at which a sentence against the topic is inserted; empty for none
 */
record Wish(
        String prompt,
        boolean chat,
        List<Wanted> concepts,
        Law law,
        Law other,
        Optional<Integer> block,
        String positions,
        boolean sampled,
        long seed,
        int tokens,
        Optional<Integer> disturbAt) {

    static final double LEAST = -1;
    static final double MOST = 2;
    static final Map<String, Positions> POSITIONS =
            Map.of("end", Positions.PROMPT_END_AND_GENERATED, "all", Positions.ALL, "generated", Positions.GENERATED);
    /** Longest list of sentences on a side of a visitor's own concept. */
    static final int SENTENCES = 48;

    private static final int NAME = 60;

    /**
     * A concept and its strength.
     *
     * @param packed whether the set is one of data/concepts, rather than the visitor's own
     * @param strength lambda, in gaps
     */
    record Wanted(ContrastSet set, boolean packed, double strength) {}

    /** @throws IllegalArgumentException naming the field that is missing, of another type or out of range */
    static Wish of(Fields fields, LanguageModel model, DemoOptions limits) {
        var concepts = new ArrayList<Wanted>();
        concepts.add(wanted(fields, "concept", "strength", limits));
        if (fields.has("second")) {
            concepts.add(wanted(fields, "second", "secondStrength", limits));
        }
        var law = Law.of(fields.text("law", NAME));
        var other = Law.of(fields.text("other", NAME));
        var positions = fields.text("positions", NAME);
        if (!POSITIONS.containsKey(positions)) {
            throw new IllegalArgumentException("positions is '" + positions + "', wanted one of " + POSITIONS.keySet());
        }
        return new Wish(
                fields.text("prompt", limits.characters()),
                fields.flag("chat"),
                List.copyOf(concepts),
                law,
                other,
                fields.perhaps("block", 0, model.horizon() - 1),
                positions,
                fields.flag("sampled"),
                fields.integer("seed", 0, Integer.MAX_VALUE),
                fields.integer("tokens", 1, limits.tokens()),
                fields.perhaps("disturbAt", 0, limits.tokens()));
    }

    /** Returns the concept of a field: the name of a packed one, or an object with two lists of sentences. */
    static Wanted wanted(Fields fields, String name, String strength, DemoOptions limits) {
        boolean packed = Fields.isText(fields.element(name));
        var set = packed ? Concepts.packed(fields.text(name, NAME)) : own(fields, name, limits);
        return new Wanted(set, packed, fields.number(strength, LEAST, MOST));
    }

    private static ContrastSet own(Fields fields, String name, DemoOptions limits) {
        var element = fields.element(name);
        if (!element.isJsonObject()) {
            throw new IllegalArgumentException(name + " is neither the name of a concept nor two lists of sentences");
        }
        var lists = new Fields(element.getAsJsonObject());
        var positive = lists.texts("positive", limits.characters());
        var negative = lists.texts("negative", limits.characters());
        if (Math.max(positive.size(), negative.size()) > SENTENCES) {
            throw new IllegalArgumentException("your own concept has " + Math.max(positive.size(), negative.size())
                    + " sentences on a side, wanted at most " + SENTENCES);
        }
        return new ContrastSet("your own concept", positive, negative);
    }

    /** Returns the same wish with other strengths, in the order of the concepts. */
    Wish withStrengths(List<Double> strengths) {
        var turned = new ArrayList<Wanted>();
        for (int i = 0; i < concepts.size(); i++) {
            var concept = concepts.get(i);
            turned.add(new Wanted(concept.set, concept.packed, strengths.get(i)));
        }
        return new Wish(prompt, chat, turned, law, other, block, positions, sampled, seed, tokens, disturbAt);
    }

    Sampling sampling() {
        return sampled ? Sampling.paper().withSeed(seed) : Sampling.standard();
    }

    Optional<Integer> blockOf(Law of) {
        return of.atOneBlock ? block : Optional.empty();
    }

    /** Returns the tokens that the model reads. */
    int[] promptTokens(LanguageModel model) {
        return chat ? model.encodeChat(prompt) : model.encode(prompt);
    }
}
