package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import rudder.model.Completion;
import rudder.model.Conductor;
import rudder.model.LanguageModel;
import rudder.model.Reread;
import rudder.model.Sampling;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.steer.natural.Fisher;
import rudder.steer.natural.LikelihoodGradient;
import rudder.steer.natural.NaturalGradient;
import rudder.theory.Lqr;
import rudder.theory.Setpoint;
import rudder.theory.control.Controller;

/** The server as its page sees it, on a tiny model. */
@Timeout(120)
class DemoTest {

    private static final String CONCEPTS = "../../data/concepts/";
    private static final int SEED = 3;
    private static final LanguageModel MODEL = Tiny.LLAMA.chatting();
    private static Demo demo;

    @BeforeAll
    static void open() throws IOException {
        demo = Demo.open(MODEL);
    }

    @AfterAll
    static void close() {
        demo.close();
        MODEL.close();
    }

    private static Visitor visitor() {
        return new Visitor(demo.address());
    }

    private static Features features(String concept) throws IOException {
        return Features.contrast(MODEL, ContrastSet.read(CONCEPTS + concept + ".csv"));
    }

    private static Controller lqr(Setpoint setpoint) throws IOException {
        var texts = ContrastSet.read(CONCEPTS + "ocean.csv").positive();
        return Controller.lqr(Lqr.solve(Linearisation.kept(MODEL, texts), Laboratory.COST), setpoint);
    }

    private static List<JsonObject> tokens(List<JsonObject> events) {
        return Visitor.ofType("token", events);
    }

    private static double[] strengths(JsonObject token, String side, int concept) {
        return Visitor.numbers(token.getAsJsonObject(side)
                .getAsJsonArray("strengths")
                .get(concept)
                .getAsJsonArray());
    }

    /** What the page draws of a text, against the completion that the library writes by itself. */
    private static void assertDrawn(Completion wanted, Setpoint setpoint, List<JsonObject> tokens, String side) {
        for (int t = 0; t < wanted.tokens().length; t++) {
            var drawn = tokens.get(t).getAsJsonObject(side);
            assertEquals(wanted.tokens()[t], drawn.get("token").getAsInt(), "token " + t);
            double[] gaps = strengths(tokens.get(t), side, 0);
            for (int k = 0; k < gaps.length; k++) {
                assertEquals(
                        setpoint.inGaps(k, wanted.strengths()[t][k]), gaps[k], 1e-9, "token " + t + ", state " + k);
            }
            assertArrayEquals(wanted.energies()[t], Visitor.numbers(drawn.getAsJsonArray("energies")), 1e-9);
            assertEquals(
                    Arrays.stream(wanted.energies()[t]).sum(),
                    drawn.get("energy").getAsDouble(),
                    1e-9);
        }
    }

    @ParameterizedTest
    @CsvSource({"end, false", "all, false", "generated, false", "end, true"})
    void theNumbersDrawnAreThoseOfTheLibrary(String positions, boolean chat) throws Exception {
        var wish = visitor().wish();
        wish.addProperty("positions", positions);
        wish.addProperty("chat", chat);
        var events = visitor().write(wish);
        var tokens = tokens(events);
        assertEquals("done", Visitor.last(events).get("type").getAsString(), () -> events.toString());

        var setpoint = features("ocean").setpoint(1);
        var view = MODEL.steered(lqr(setpoint)).atPositions(Wish.POSITIONS.get(positions));
        var sampling = Sampling.paper().withSeed(SEED);
        int[] prompt = chat ? MODEL.encodeChat("the sea") : MODEL.encode("the sea");
        var steered = view.generateOfTokens(List.of(prompt), 8, sampling).get(0);
        var alone = MODEL.steered(Controller.none())
                .measuring(setpoint)
                .generateOfTokens(List.of(prompt), 8, sampling)
                .get(0);
        assertDrawn(steered, setpoint, tokens, "steered");
        assertDrawn(alone, setpoint, tokens, "other");
        assertEquals(steered.text(), Visitor.last(events).get("steered").getAsString());
        assertEquals(alone.text(), Visitor.last(events).get("other").getAsString());

        double[] kl = Reread.divergences(view, steered);
        for (int t = 0; t < kl.length; t++) {
            assertEquals(
                    kl[t], tokens.get(t).getAsJsonObject("steered").get("kl").getAsDouble(), 1e-5, "KL of " + t);
            assertEquals(0, tokens.get(t).getAsJsonObject("other").get("kl").getAsDouble());
        }
        for (var side : Map.of("steered", steered, "other", alone).entrySet()) {
            int[] all = IntStream.concat(
                            Arrays.stream(prompt), Arrays.stream(side.getValue().tokens()))
                    .toArray();
            double wanted = MODEL.perplexity(all, prompt.length);
            int end = side.getValue().tokens().length - 1;
            double drawn = tokens.get(end)
                    .getAsJsonObject(side.getKey())
                    .get("perplexity")
                    .getAsDouble();
            assertEquals(1, drawn / wanted, 1e-5, side.getKey());
        }
    }

    @Test
    void theLikeliestTokensAreThoseOfBothDistributions() throws Exception {
        var wish = visitor().wish();
        var token = tokens(visitor().write(wish)).get(0).getAsJsonObject("steered");
        var setpoint = features("ocean").setpoint(1);
        int[] prompt = MODEL.encode("the sea");
        for (var side : Map.of(
                        "likeliest", MODEL.steered(lqr(setpoint)).logits(prompt), "unsteered", MODEL.logits(prompt))
                .entrySet()) {
            var wanted =
                    NextTokens.of(side.getValue(), 0, side.getValue().length).likeliest(5);
            var drawn = token.getAsJsonArray(side.getKey());
            for (int i = 0; i < wanted.size(); i++) {
                var one = drawn.get(i).getAsJsonObject();
                assertEquals(wanted.get(i).probability(), one.get("probability").getAsDouble(), 1e-5);
                assertEquals(
                        MODEL.tokenizer().token(wanted.get(i).token()),
                        one.get("text").getAsString());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"actadd", "p", "tracker", "natural"})
    void everyControllerIsTheLibrarysAtOneBlockAndAtAll(String law) throws Exception {
        var features = features("ocean");
        var concept = new MeasuredConcept(
                features, MODEL.sha256(), Lqr.solve(Linearisation.kept(MODEL, texts()), Laboratory.COST));
        if (law.equals("natural")) {
            // writes the file in single precision, which the demo reads, too
            Fisher.kept(MODEL, Concepts.openings(), Laboratory.DRAWN, 0);
            var fisher = Fisher.kept(MODEL, Concepts.openings(), Laboratory.DRAWN, 0);
            var likelihood = LikelihoodGradient.of(MODEL, ContrastSet.read(CONCEPTS + "ocean.csv"));
            concept.along(NaturalGradient.of(fisher, likelihood, features));
        }
        for (Integer block : new Integer[] {null, 2}) {
            var wish = visitor().wish();
            wish.addProperty("law", law);
            wish.addProperty("block", block);
            var tokens = tokens(visitor().write(wish));
            var controller = concept.controller(Law.of(law), 1, Optional.ofNullable(block));
            var wanted = MODEL.steered(controller)
                    .generate("the sea", 8, Sampling.paper().withSeed(SEED));
            assertDrawn(wanted, features.setpoint(1), tokens, "steered");
        }
    }

    private static List<String> texts() throws IOException {
        return ContrastSet.read(CONCEPTS + "ocean.csv").positive();
    }

    @Test
    void twoConceptsAreSteeredAndMeasuredAtOnce() throws Exception {
        var wish = visitor().wish();
        wish.addProperty("second", "joy");
        wish.addProperty("secondStrength", 0.5);
        var tokens = tokens(visitor().write(wish));
        var ocean = features("ocean").setpoint(1);
        var joy = features("joy").setpoint(0.5);
        var view = MODEL.steered(lqr(ocean).plus(lqr(joy)));
        var sampling = Sampling.paper().withSeed(SEED);
        assertDrawn(view.generate("the sea", 8, sampling), ocean, tokens, "steered");
        var second = view.measuring(joy).generate("the sea", 8, sampling);
        for (int t = 0; t < tokens.size(); t++) {
            double[] gaps = strengths(tokens.get(t), "steered", 1);
            for (int k = 0; k < gaps.length; k++) {
                assertEquals(joy.inGaps(k, second.strengths()[t][k]), gaps[k], 1e-9);
            }
            assertArrayEquals(
                    new double[] {1, 0.5}, Visitor.numbers(tokens.get(t).getAsJsonArray("setpoints")));
        }
    }

    @Test
    void theDialSteersFromTheNextTokenOn() throws Exception {
        var visitor = visitor();
        var wish = visitor.wish();
        wish.addProperty("tokens", 120);
        wish.addProperty("strength", 0);
        var turn = new JsonObject();
        turn.addProperty("strength", 1.5);
        var events = writeAndPost(visitor, wish, 4, "turn", turn);
        var tokens = tokens(events);
        int turned = 0;
        while (tokens.get(turned).getAsJsonArray("setpoints").get(0).getAsDouble() == 0) {
            turned++;
        }
        assertTrue(turned > 4 && turned < tokens.size(), "turned at " + turned);
        // the library's own conductor changes the controller at the same token
        int at = turned;
        Controller low = lqr(features("ocean").setpoint(0));
        Controller high = lqr(features("ocean").setpoint(1.5));
        var sampling = Sampling.paper().withSeed(SEED);
        var wanted = MODEL.steered(low).conduct(List.of(MODEL.encode("the sea")), 120, sampling, new Conductor() {
            @Override
            public List<Controller> controllers(int index, List<Controller> now) {
                return index == at ? List.of(high) : now;
            }

            @Override
            public boolean after(Step step) {
                return true;
            }
        });
        assertDrawn(wanted.get(0), features("ocean").setpoint(1), tokens, "steered");
    }

    private static void post(Visitor visitor, String name, JsonObject body) {
        try {
            var answer = visitor.post(name, body);
            assertEquals(200, answer.statusCode(), answer.body());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Writes, and when the token of an index has come posts a body, with the job in it. */
    private static List<JsonObject> writeAndPost(
            Visitor visitor, JsonObject wish, int index, String name, JsonObject body)
            throws IOException, InterruptedException {
        return visitor.read("write", wish, event -> {
            if (event.has("job")) {
                body.add("job", event.get("job"));
            }
            if (event.has("index") && event.get("index").getAsInt() == index) {
                post(visitor, name, body);
            }
        });
    }

    @Test
    void aDisturbanceIsReadInBothTextsFromItsTokenOn() throws Exception {
        var wish = visitor().wish();
        wish.addProperty("tokens", 100);
        wish.addProperty("disturbAt", 5);
        wish.addProperty("other", "actadd");
        wish.addProperty("block", 1);
        var tokens = tokens(visitor().write(wish));
        var sentence = " " + ContrastSet.read(CONCEPTS + "ocean.csv").negative().get(0) + ".";
        int[] wanted = MODEL.tokenizer().encodePlain(sentence);
        for (int t = 0; t < tokens.size(); t++) {
            boolean inside = t >= 5 && t < 5 + wanted.length;
            assertEquals(inside, tokens.get(t).get("inserted").getAsBoolean());
            for (var side : List.of("steered", "other")) {
                if (inside && tokens.get(t).has(side)) {
                    int token = tokens.get(t).getAsJsonObject(side).get("token").getAsInt();
                    assertEquals(wanted[t - 5], token);
                }
            }
        }
        assertTrue(tokens.size() > 5 + wanted.length, tokens.size() + " tokens");
    }

    @Test
    void theButtonDisturbsToo() throws Exception {
        var visitor = visitor();
        var wish = visitor.wish();
        wish.addProperty("tokens", 120);
        var events = writeAndPost(visitor, wish, 2, "disturb", new JsonObject());
        assertTrue(
                tokens(events).stream().anyMatch(token -> token.get("inserted").getAsBoolean()));
        assertFalse(tokens(events).get(0).get("inserted").getAsBoolean());
    }

    @Test
    void twoVisitorsAreServedInTurn() throws Exception {
        var first = visitor();
        var second = visitor();
        var wish = first.wish();
        wish.addProperty("tokens", 120);
        var begun = new CountDownLatch(1);
        var slow = CompletableFuture.supplyAsync(() -> {
            try {
                return first.read("write", wish, event -> begun.countDown());
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        begun.await();
        var events = second.write(second.wish());
        assertEquals("done", Visitor.last(events).get("type").getAsString());
        var theirs = slow.get();
        assertEquals("done", Visitor.last(theirs).get("type").getAsString());
        // each got its own text, as if alone
        assertEquals(tokens(events), tokens(visitor().write(second.wish())));
    }

    @Test
    void stopEndsATextAndTheLineGoesOn() throws Exception {
        var visitor = visitor();
        var wish = visitor.wish();
        wish.addProperty("tokens", 120);
        var events = writeAndPost(visitor, wish, 0, "stop", new JsonObject());
        assertEquals("stopped", Visitor.last(events).get("type").getAsString());
        assertTrue(tokens(events).size() < 120, tokens(events).size() + " tokens");
        assertEquals(
                "done", Visitor.last(visitor.write(visitor.wish())).get("type").getAsString());
    }

    @Test
    void aPageThatGoesFreesItsWork() throws Exception {
        var visitor = visitor();
        var wish = visitor.wish();
        wish.addProperty("tokens", 120);
        try (var events = visitor.open("write", wish)) {
            assertTrue(events.anyMatch(event -> event.has("index")));
        }
        assertEquals(
                "done",
                Visitor.last(visitor().write(visitor().wish())).get("type").getAsString());
    }

    @Test
    void anOwnConceptIsMeasuredWithABarAndSteersLikeOneOfAFile() throws Exception {
        var set = ContrastSet.read(CONCEPTS + "fire.csv");
        var own = new JsonObject();
        own.add("positive", array(set.positive()));
        own.add("negative", array(set.negative()));
        var visitor = visitor();
        var wish = visitor.wish();
        wish.add("concept", own);
        var measured = visitor.read("measure", wish, event -> {});
        var fractions = new ArrayList<Double>();
        for (var event : Visitor.ofType("measuring", measured)) {
            fractions.add(event.get("fraction").getAsDouble());
        }
        assertEquals(set.positive().size() + set.negative().size(), fractions.size());
        assertEquals(1, fractions.get(fractions.size() - 1));
        var events = visitor.write(wish);
        assertEquals(List.of(), Visitor.ofType("measuring", events));
        var setpoint = features("fire").setpoint(1);
        assertDrawn(
                MODEL.steered(lqr(setpoint))
                        .generate("the sea", 8, Sampling.paper().withSeed(SEED)),
                setpoint,
                tokens(events),
                "steered");
    }

    private static JsonArray array(List<String> texts) {
        var array = new JsonArray();
        texts.forEach(array::add);
        return array;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "strength   | 2.5                | strength is 2.5, wanted -1.0 to 2.0",
                "strength   | \"1\"              | strength is no number",
                "strength   | null               | the request has no strength",
                "tokens     | 121                | tokens is 121.0, wanted 1.0 to 120.0",
                "tokens     | 1.5                | tokens is 1.5, wanted a whole number",
                "law        | \"magic\"          | there is no controller 'magic'",
                "concept    | \"../ocean\"       | there is no concept '../ocean'",
                "concept    | {\"positive\": []} | the request has no negative",
                "concept    | {\"positive\": [\"a\"], \"negative\": [\"a\"]} | on both sides",
                "concept    | {\"positive\": [1], \"negative\": []}          | positive is no list of texts",
                "block      | 4                  | block is 4.0, wanted 0.0 to 3.0",
                "positions  | \"some\"           | positions is 'some'",
                "chat       | 1                  | chat is no true or false",
                "second     | \"nothing\"        | there is no concept 'nothing'"
            })
    void aFieldOutOfRangeIsRefusedByName(String field, String value, String message) throws Exception {
        var wish = visitor().wish();
        wish.add(field, JsonParser.parseString(value));
        var answer = visitor().post("write", wish);
        assertEquals(400, answer.statusCode(), answer.body());
        assertTrue(
                JsonParser.parseString(answer.body())
                        .getAsJsonObject()
                        .get("message")
                        .getAsString()
                        .contains(message),
                answer.body());
    }

    @Test
    void aPromptThatIsTooLongIsRefusedAndABodyThatIsTooLargeIsCutOff() throws Exception {
        var wish = visitor().wish();
        wish.addProperty("prompt", "a".repeat(4_001));
        assertTrue(visitor().post("write", wish).body().contains("prompt has 4001 characters, wanted at most 4000"));
        wish.addProperty("prompt", "a".repeat(1_000));
        var last = Visitor.last(visitor().write(wish)); // fits the page's limit, but not the tiny context
        assertEquals("error", last.get("type").getAsString());
        assertTrue(last.get("message").getAsString().contains("shorten the prompt"), last.toString());
        wish.addProperty("prompt", "a".repeat(400_000));
        int status;
        try {
            status = visitor().post("write", wish).statusCode();
        } catch (IOException e) {
            status = 0; // the connection was closed before all was sent
        }
        assertTrue(status != 200, "status " + status);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "index.html", "main.js", "d3.js", "about", "scenes.json"})
    void nothingIsServedWithoutTheToken(String name) throws Exception {
        assertEquals(200, visitor().get(name).statusCode());
        var bare = demo.address().replaceFirst("/[0-9a-f]+/$", "/");
        for (var address : List.of(bare, bare + "0".repeat(48) + "/", bare + "/")) {
            var answer = new Visitor(address).get(name);
            assertEquals(403, answer.statusCode(), address + name);
            assertTrue(answer.body().contains("token"), answer.body());
        }
    }

    @Test
    void aPageMayRunItsOwnFilesAlone() throws Exception {
        var answer = visitor().get("");
        var policy = answer.headers().firstValue("Content-Security-Policy").orElseThrow();
        assertTrue(policy.startsWith("default-src 'none'; script-src 'self';"), policy);
        assertFalse(policy.contains("unsafe"), policy);
        assertEquals(
                "no-referrer", answer.headers().firstValue("Referrer-Policy").orElseThrow());
        assertFalse(answer.body().contains("http://") || answer.body().contains("https://"), "it names another server");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../pom.xml", "..%2f..%2fetc/passwd", "style.css/../../Demo.class", "favicon.ico"})
    void noOtherFileIsServed(String name) throws Exception {
        assertTrue(List.of(403, 404).contains(visitor().get(name).statusCode()));
    }

    @Test
    void itListensOnThisMachineAlone() throws IOException {
        int port = Integer.parseInt(demo.address().replaceFirst(".*:([0-9]+)/.*", "$1"));
        assertTrue(demo.address().startsWith("http://127.0.0.1:"), demo.address());
        try (var other = new ServerSocket()) {
            other.bind(new InetSocketAddress("127.0.0.2", port)); // free, so nothing listens at every address
        }
        var taken = DemoOptions.standard().withPort(port);
        var error = assertThrows(IOException.class, () -> Demo.open(MODEL, taken));
        assertTrue(error.getMessage().contains("choose another port"), error.getMessage());
    }

    @Test
    void theFrameHoldsTheAddressOrTheHubsProxy() {
        assertTrue(demo.frame(Map.of()).contains("src=\"" + demo.address() + "\""));
        var framed = demo.frame(Map.of("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/"));
        var path = demo.address().replaceFirst("http://127.0.0.1:([0-9]+)/", "/user/ada/proxy/$1/");
        assertTrue(framed.contains("src=\"" + path + "\""), framed);
    }

    @Test
    void aProxyMaySendTheTokenInAHeader() throws Exception {
        var bare = demo.address().replaceFirst("/[0-9a-f]+/$", "/about");
        var token = demo.address().replaceFirst(".*/([0-9a-f]+)/$", "$1");
        for (var given : Map.of(token, 200, "0".repeat(48), 403).entrySet()) {
            var request = HttpRequest.newBuilder(URI.create(bare))
                    .header(DemoOptions.HEADER, given.getKey())
                    .build();
            var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
            assertEquals(given.getValue(), answer.statusCode());
        }
    }
}
