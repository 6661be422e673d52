package rudder.compare;

import static rudder.checkpoint.Refusals.assertRefused;
import static rudder.compare.SameComparison.assertSame;

import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.model.LanguageModel;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ControllerFactory;
import rudder.steer.ControllerFile;
import rudder.theory.control.Arm;
import rudder.theory.control.Controller;

/** Batches that were written and scored one by one, in any order, give the comparison of one machine. */
class ScoredCompletionTest {
    private static final LanguageModel MODEL = Tiny.LLAMA.model(DataType.FLOAT32);
    private static final Arm[] ARMS = {
        Controller.none(), Controller.actAdd(Tiny.LLAMA.setpoint(1), 1), Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(2))
    };
    private static final List<String> PROMPTS = IntStream.range(0, 21)
            .mapToObj(i -> Tiny.TEXTS.get(i % Tiny.TEXTS.size()) + " " + i)
            .toList();

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void batchesInAnyOrderGiveTheSameComparison(boolean drawn) throws Exception {
        var settings = Comparison.settings().tokens(6).withDivergence();
        settings = drawn ? settings.sampling(Sampling.paper().withSeed(3)) : settings;
        var whole = Comparison.of(MODEL, PROMPTS, settings, ARMS);

        var factories = new ArrayList<ControllerFactory>();
        for (var factory : ControllerFactory.all(ARMS)) {
            var controller = factory.controller().apply(MODEL, PROMPTS.get(0));
            var sent = ControllerFile.of("sent", ControllerFile.bytes(controller, MODEL));
            factories.add(ControllerFactory.of(sent).named(factory.name()));
        }
        var resolved = settings.resolved(MODEL, factories, PROMPTS.get(0));
        var scored = new LinkedHashMap<String, ScoredCompletion[]>();
        factories.forEach(factory -> scored.put(factory.name(), new ScoredCompletion[PROMPTS.size()]));
        var batches = new ArrayList<>(Batch.of(factories.size(), PROMPTS.size()));
        Collections.reverse(batches);
        for (var batch : batches) {
            var some = factories.subList(batch.firstArm(), batch.endArm());
            var prompts = batch.ofPrompts(PROMPTS);
            var written = resolved.writeScored(MODEL, some, prompts, batch.first());
            for (int arm = 0; arm < some.size(); arm++) {
                var found = written.get(arm);
                for (int i = 0; i < found.size(); i++) {
                    scored.get(some.get(arm).name())[batch.first() + i] = found.get(i);
                }
            }
        }
        var lists = new LinkedHashMap<String, List<ScoredCompletion>>();
        scored.forEach((name, all) -> lists.put(name, List.of(all)));
        var joined = Comparison.ofScored(resolved.measured(), lists);

        assertSame(whole, joined);
    }

    @Test
    void armsOfDifferentPromptsAreRefused() {
        var one = MODEL.generate("the sea", 2);
        var other = MODEL.generate("a wave then", 2);
        assertRefused(
                () -> Comparison.ofScored(
                        null,
                        Map.of(
                                "a",
                                List.of(new ScoredCompletion(one, 1, Double.NaN)),
                                "b",
                                List.of(new ScoredCompletion(other, 1, Double.NaN)))),
                "2 different lists of prompts");
    }
}
