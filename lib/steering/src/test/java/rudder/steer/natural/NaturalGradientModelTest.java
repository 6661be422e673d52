package rudder.steer.natural;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import rudder.model.LanguageModel;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.PromptSet;
import rudder.theory.Vectors;

/** On SmolLM2: a direction fitted to half of the texts, judged by the other half. */
@Tag("model")
class NaturalGradientModelTest {

    private static final int BLOCK = 20;

    @Test
    void onHeldOutTextsTheDirectionGainsMoreForItsDoseThanTheFeaturesOwn() throws IOException {
        var prompts = PromptSet.read("../../data/prompts/openings.csv").some(64);
        var ocean = ContrastSet.read("../../data/concepts/ocean.csv");
        try (var model = LanguageModel.load("SmolLM2-135M-Instruct")) {
            var fitted = half(ocean, 0);
            var features = Features.contrast(model, fitted);
            var natural = NaturalGradient.of(
                    Fisher.sampled(model, prompts.subList(0, 32), 16, 1),
                    LikelihoodGradient.of(model, fitted),
                    features);
            var fisher = Fisher.sampled(model, prompts.subList(32, 64), 16, 2);
            double[] h = LikelihoodGradient.of(model, half(ocean, 1)).at(BLOCK);
            double ours = efficiency(fisher, h, natural.direction(BLOCK));
            double plain = efficiency(fisher, h, features.direction(BLOCK + 1));
            assertTrue(plain > 0, "along v: " + plain);
            assertTrue(ours > plain, ours + " against " + plain);
        }
    }

    /** h.w / |w|_R: what the concept's texts gain for an input of dose 1. */
    private static double efficiency(Fisher fisher, double[] h, double[] w) {
        return Vectors.dot(h, w) / fisher.norm(BLOCK, w);
    }

    private static ContrastSet half(ContrastSet set, int which) {
        return new ContrastSet(set.name(), half(set.positive(), which), half(set.negative(), which));
    }

    private static List<String> half(List<String> texts, int which) {
        int middle = texts.size() / 2;
        return which == 0 ? texts.subList(0, middle) : texts.subList(middle, texts.size());
    }
}
