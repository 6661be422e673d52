package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.Golden;
import rudder.checkpoint.tokenizer.Message;
import rudder.checkpoint.tokenizer.TokenSpan;
import rudder.model.engine.PaddedTokens;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.ReadAt;
import rudder.steer.rival.Baselines;
import rudder.steer.rival.HeadProbes;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;

/** What is read is the mean of the states over the chosen tokens, and by default the last token's state. */
class ReadingTest {

    private static final ContrastSet SET = new ContrastSet(
            "sea", List.of("the sea rises", "a wave", "these seas"), List.of("the hill", "a stone then", "in a house"));

    @ParameterizedTest
    @EnumSource
    void aMeanIsThatOfThePlainTransformersStates(Tiny tiny) {
        var plain = new PlainTransformer(tiny);
        var prompts = List.of(Tiny.tokens(9, 1), Tiny.tokens(5, 2), Tiny.tokens(12, 3));
        var spans = List.of(new TokenSpan(2, 6), new TokenSpan(0, 5), new TokenSpan(7, 8));
        var found = tiny.model().streamTraces(prompts, spans).toList();
        for (int i = 0; i < prompts.size(); i++) {
            double[][][] z = plain.states(prompts.get(i), Controller.none(), t -> false);
            for (int k = 0; k <= tiny.horizon; k++) {
                double[] mean = new double[Tiny.D];
                for (int t = spans.get(i).from(); t < spans.get(i).end(); t++) {
                    mean = Vectors.plus(mean, 1.0 / spans.get(i).length(), z[t][k]);
                }
                assertEquals(0, Golden.relative(found.get(i).state(k), mean), 1e-6, "text " + i + ", state " + k);
            }
        }
    }

    /** Also where texts share a beginning, which the last token's read takes from the cache. */
    @ParameterizedTest
    @EnumSource
    void aSpanOfTheLastTokenReadsWhatTheDefaultReads(Tiny tiny) {
        var model = tiny.model(DataType.FLOAT64);
        var texts =
                List.of("in these inner seas the tide rises", "in these inner seas the wind", "in these inner seas");
        var tokens = texts.stream().map(model::encode).toList();
        assertTrue(PaddedTokens.of(tokens).commonPrefix() >= 8, "long enough for the cache of prefixes");
        var spans =
                tokens.stream().map(t -> new TokenSpan(t.length - 1, t.length)).toList();
        var wanted = model.streamTraces(tokens).toList();
        var found = model.streamTraces(tokens, spans).toList();
        double[][][] heads = model.headOutputs(tokens, null);
        double[][][] same = model.headOutputs(tokens, spans);
        for (int i = 0; i < texts.size(); i++) {
            for (int k = 0; k < tiny.horizon; k++) {
                assertArrayEquals(wanted.get(i).state(k + 1), found.get(i).state(k + 1), 1e-9);
                assertArrayEquals(heads[i][k], same[i][k], 1e-9);
            }
        }
    }

    @Test
    void featuresSayWhatWasReadAndTheLastTokenIsTheDefault() {
        var model = Tiny.LLAMA.model();
        var usual = Features.contrast(model, SET);
        var last = Features.contrast(model, SET, ReadAt.token(-1));
        assertArrayEquals(usual.direction(2), last.direction(2));
        assertEquals("sea, last token", last.setpoint(1).label());
        for (var at :
                List.of(ReadAt.mean(), ReadAt.meanFrom(-3), ReadAt.token(1), ReadAt.mean(1, 4), ReadAt.mean(1, -1))) {
            var features = Features.contrast(model, SET, at);
            assertEquals("sea, " + at, features.setpoint(1).label());
            double[] difference = Vectors.minus(mean(model, SET.positive(), at, 2), mean(model, SET.negative(), at, 2));
            assertEquals(Vectors.norm(difference), features.gap(2), 1e-9, at.toString());
            assertArrayEquals(Vectors.unit(difference), features.direction(2), 1e-9, at.toString());
            assertArrayEquals(difference, Baselines.caa(features, 1).input(1, new double[Tiny.D]), 1e-9);
        }
        assertEquals("mean over tokens 1 to 3", ReadAt.mean(1, 4).toString());
        assertEquals(3, Features.pca(model, SET, ReadAt.mean()).positive().count());
        assertEquals(
                HeadProbes.of(model, SET).probes().size(),
                HeadProbes.of(model, SET, ReadAt.mean()).probes().size());
        assertRefused(() -> Features.contrast(model, SET, ReadAt.token(500)), "has no token 500", "read elsewhere");
        assertRefused(() -> ReadAt.mean(4, 4), "from 4 to before 4", "behind the beginning");
    }

    /** By hand: the span of tokens from, end of each text as Python's slices give them. */
    private static double[] mean(LanguageModel model, List<String> texts, ReadAt at, int k) {
        double[] sum = new double[Tiny.D];
        for (var text : texts) {
            int n = model.encode(text).length;
            int from = at.toString().equals("mean over all tokens")
                    ? 0
                    : at.toString().equals("mean from token -3") ? n - 3 : 1;
            int end =
                    switch (at.toString()) {
                        case "token 1" -> 2;
                        case "mean over tokens 1 to 3" -> 4;
                        case "mean over tokens 1 to -2" -> n - 1;
                        default -> n;
                    };
            for (int t = from; t < end; t++) {
                int[] beginning = Arrays.copyOf(model.encode(text), t + 1);
                double[] z =
                        model.streamTraces(List.of(beginning)).toList().get(0).state(k);
                sum = Vectors.plus(sum, 1.0 / (end - from) / texts.size(), z);
            }
        }
        return sum;
    }

    @Test
    void anAnswerIsReadAtTheMeanOverItsOwnTokens() {
        try (var model = Tiny.LLAMA.chatting()) {
            var yes = List.of(Message.user("is it wide"), Message.assistant("yes it is"));
            var no = List.of(Message.user("is it wide"), Message.assistant("no"));
            int asked = model.encodeChat("is it wide").length;
            int whole = model.encodeChat(yes).length;
            assertEquals(new TokenSpan(asked, whole), model.answerSpan(yes));
            var features = Features.contrastAnswers(model, "yes", List.of(yes), List.of(no));
            assertEquals("yes, mean over the answer", features.setpoint(1).label());
            var wanted = model.streamTraces(
                            List.of(model.encodeAnswered("is it wide", "yes it is")),
                            List.of(new TokenSpan(asked, whole)))
                    .toList()
                    .get(0);
            assertArrayEquals(wanted.state(2), features.positive().states()[2], 1e-12);
            assertRefused(
                    () -> model.answerSpan(List.of(Message.user("is it wide"))),
                    "message of the user",
                    "assistant's answer");
            assertRefused(() -> model.streamTraces(List.of(new int[] {3}), List.of(new TokenSpan(0, 2))), "1 tokens");
            assertRefused(() -> new TokenSpan(3, 3), "at least one token");
        }
    }
}
