package rudder.experiment;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;

/** Makes the twins of an experiment for a model and a concept. The names are the same for every concept of a model. */
public interface Twins {

    /** Returns the twins, with different names. */
    List<Twin> of(LanguageModel model, ContrastSet concept) throws IOException;

    /** Returns {@link Twin#standard}; the Jacobians of a concept are computed once and kept beside the models. */
    static Twins standard() {
        return (model, concept) ->
                Twin.standard(Features.contrast(model, concept), Linearisation.kept(model, concept.positive()));
    }

    /** Returns these twins and others. */
    default Twins and(Twins others) {
        return (model, concept) -> Stream.concat(of(model, concept).stream(), others.of(model, concept).stream())
                .toList();
    }
}
