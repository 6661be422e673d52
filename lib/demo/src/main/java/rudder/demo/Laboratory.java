package rudder.demo;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.model.plant.ResidualTrace;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.natural.Fisher;
import rudder.steer.natural.LikelihoodGradient;
import rudder.steer.natural.NaturalGradient;
import rudder.theory.Lqr;
import rudder.theory.LqrSolution;
import rudder.theory.QuadraticCost;
import rudder.theory.Stop;
import rudder.theory.control.Rollout;

/** The model with all that was measured on it. Used by one job at a time. */
final class Laboratory {

    /** The regulator is that of the mean Jacobians over this concept's texts, whatever the concept. */
    static final String REGULATED = "ocean";

    /** Tokens behind each of {@link Concepts#openings}. */
    static final int DRAWN = 16;

    static final QuadraticCost COST = new QuadraticCost(0.1, 10, 1);
    /** Measured concepts in memory; the longest unused goes. One has about 2 MB on SmolLM2. */
    private static final int KEPT = 40;

    private final LanguageModel model;
    private final boolean chats;
    private LqrSolution solution;
    private Fisher fisher;
    private final Map<String, MeasuredConcept> measured = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, MeasuredConcept> eldest) {
            return size() > KEPT;
        }
    };

    Laboratory(LanguageModel model) {
        this.model = model;
        chats = chats(model);
    }

    private static boolean chats(LanguageModel model) {
        try {
            return model.encodeChat("Hello").length > 0;
        } catch (IllegalStateException | IllegalArgumentException e) {
            return false; // without a template, and with one that cannot be rendered
        }
    }

    LanguageModel model() {
        return model;
    }

    /** Returns whether the model has a chat template. */
    boolean chats() {
        return chats;
    }

    /** Solves the regulator, unless that was done. */
    synchronized LqrSolution solution() throws IOException {
        if (solution == null) {
            var texts = Concepts.packed(REGULATED).positive();
            solution = Lqr.solve(Linearisation.kept(model, texts), COST);
        }
        return solution;
    }

    /**
     * Measures a concept, or returns the one that was measured of these texts before.
     *
     * @param progress receives the fraction done, 0 to 1
     */
    synchronized MeasuredConcept measure(ContrastSet set, DoubleConsumer progress) throws IOException {
        var known = measured.get(set.sha256());
        if (known != null) {
            return known;
        }
        int all = set.positive().size() + set.negative().size();
        int[] done = {0};
        Runnable one = () -> progress.accept((double) ++done[0] / all);
        var features = Features.between(set.name(), runs(set.positive(), one), runs(set.negative(), one));
        Stop.ifInterrupted(all, all, "texts");
        var concept = new MeasuredConcept(features, model.sha256(), solution());
        measured.put(set.sha256(), concept);
        return concept;
    }

    /**
     * Measures a concept for a law. The natural gradient's directions are found when it is first asked for. They take
     * half a minute for the first concept of a model, and seconds for others.
     */
    synchronized MeasuredConcept measure(ContrastSet set, Law law, DoubleConsumer progress) throws IOException {
        var concept = measure(set, progress);
        if (law == Law.NATURAL && !concept.hasDirections()) {
            progress.accept(0);
            if (fisher == null) {
                fisher = Fisher.kept(model, Concepts.openings(), DRAWN, 0);
            }
            progress.accept(0.5);
            concept.along(NaturalGradient.of(fisher, LikelihoodGradient.of(model, set), concept.features()));
            progress.accept(1);
        }
        return concept;
    }

    private List<Rollout> runs(List<String> texts, Runnable one) {
        Stream<ResidualTrace> traces =
                model.streamTraces(texts.stream().map(model::encode).toList());
        return traces.map(ResidualTrace::rollout).peek(run -> one.run()).toList();
    }
}
