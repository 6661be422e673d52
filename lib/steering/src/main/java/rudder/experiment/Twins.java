package rudder.experiment;

import java.io.IOException;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.natural.Fisher;
import rudder.steer.natural.LikelihoodGradient;
import rudder.steer.natural.NaturalGradient;
import rudder.theory.LinearSystem;

/** Makes the twins of an experiment for a model and a concept. The names are the same for every concept of a model. */
public interface Twins {

    /** Returns the twins, with different names. */
    List<Twin> of(LanguageModel model, ContrastSet concept) throws IOException;

    /** Returns {@link Twin#standard}; the Jacobians of a concept are computed once and kept beside the models. */
    static Twins standard() {
        return linearised(Twin::standard);
    }

    /** Returns {@link Twin#planned}, with the Jacobians of {@link #standard}. */
    static Twins planned() {
        return linearised(Twin::planned);
    }

    private static Twins linearised(BiFunction<Features, LinearSystem, List<Twin>> made) {
        return (model, concept) ->
                made.apply(Features.contrast(model, concept), Linearisation.kept(model, concept.positive()));
    }

    /**
     * Returns {@link Twin#natural}. The Fisher matrices of a model are computed once, from sampled continuations of the
     * openings, and kept beside the models.
     *
     * @param openings 96 for instance, on which nothing is judged
     * @param tokens drawn behind each, 16 for instance
     */
    static Twins natural(List<String> openings, int tokens) {
        return (model, concept) -> List.of(Twin.natural(NaturalGradient.of(
                Fisher.kept(model, openings, tokens, 0),
                LikelihoodGradient.of(model, concept),
                Features.contrast(model, concept))));
    }

    /** Returns these twins and others. */
    default Twins and(Twins others) {
        return (model, concept) -> Stream.concat(of(model, concept).stream(), others.of(model, concept).stream())
                .toList();
    }
}
