package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Frame;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xml.sax.InputSource;
import rudder.model.LanguageModel;
import rudder.model.Reread;
import rudder.model.Sampling;
import rudder.theory.control.Controller;

/**
 * The page in Chromium, with SmolLM2. Claims are checked on the numbers that the page holds. Screenshots go to
 * target/shots.
 */
@Tag("browser")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BrowserTest {

    private static final Path SHOTS = Path.of(System.getProperty("shots", "target/shots"));
    private static final int PATIENCE = 180_000; // milliseconds
    private static final int LAST = 30; // the last state of SmolLM2

    private LanguageModel model;
    private Demo demo;
    private Playwright playwright;
    private Browser browser;
    private BrowserContext context;
    private Page page;
    private final List<String> complaints = Collections.synchronizedList(new ArrayList<>());

    @BeforeAll
    void open() throws IOException {
        Files.createDirectories(SHOTS);
        model = LanguageModel.load("SmolLM2-135M-Instruct");
        demo = Demo.open(model);
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright.chromium().launch(new BrowserType.LaunchOptions().setExecutablePath(chromium()));
    }

    private static Path chromium() {
        String named = System.getProperty("browser.path", "");
        return Stream.of(named, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                .filter(path -> !path.isBlank())
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        "there is no Chromium: install Debian's package chromium, or name one with -Dbrowser.path"));
    }

    @AfterAll
    void close() {
        playwright.close();
        demo.close();
        model.close();
    }

    @BeforeEach
    void newPage() {
        context = browser.newContext(new Browser.NewContextOptions().setViewportSize(1280, 1000));
        page = page(context);
    }

    @AfterEach
    void closePage() {
        context.close();
        var said = List.copyOf(complaints);
        complaints.clear();
        assertEquals(List.of(), said, "the page's console");
    }

    private Page page(BrowserContext context) {
        var page = context.newPage();
        page.setDefaultTimeout(PATIENCE);
        page.onPageError(complaints::add);
        page.onConsoleMessage(message -> {
            if (message.type().equals("error")) {
                complaints.add(message.text());
            }
        });
        page.navigate(demo.address());
        ready(page);
        return page;
    }

    /** Asks again and again. Playwright's own waiting would run eval in the page, which its policy forbids. */
    private static void until(Page page, String expression) {
        until(page.mainFrame(), expression);
    }

    private static void until(Frame frame, String expression) {
        long end = System.nanoTime() + PATIENCE * 1_000_000L;
        while (!Boolean.TRUE.equals(frame.evaluate("() => Boolean((" + expression + ")())"))) {
            if (System.nanoTime() > end) {
                throw new AssertionError("waited in vain for " + expression + "; the page says "
                        + frame.evaluate("() => document.getElementById('status').textContent"));
            }
            frame.page().waitForTimeout(20);
        }
    }

    private static void ready(Page page) {
        until(page, "() => window.demo && window.demo.ready");
    }

    private static void finished(Page page) {
        until(page, "() => !window.demo.running && (window.demo.result || window.demo.error)");
        assertEquals("", page.evaluate("() => window.demo.error ?? ''"));
    }

    private static void write(Page page) {
        page.click("#write");
        finished(page);
    }

    private static void tokens(Page page, int count) {
        until(page, "() => window.demo.tokens.length >= " + count);
    }

    private void scene(int number) {
        page.click("#scene-buttons button:nth-child(" + number + ")");
        until(page, "() => window.demo.running");
        finished(page);
        shot(page, "scene-" + number);
    }

    private static void shot(Page page, String name) {
        page.screenshot(new Page.ScreenshotOptions()
                .setPath(SHOTS.resolve(name + ".png"))
                .setFullPage(true));
    }

    private static List<JsonObject> held(Page page) {
        var text = (String) page.evaluate("() => JSON.stringify(window.demo.tokens)");
        var held = new ArrayList<JsonObject>();
        JsonParser.parseString(text).getAsJsonArray().forEach(token -> held.add(token.getAsJsonObject()));
        return held;
    }

    /** The strengths of a state, of the tokens that a text has. */
    private static double[] strengths(List<JsonObject> tokens, String side, int concept, int state) {
        return tokens.stream()
                .filter(token -> token.has(side))
                .mapToDouble(token -> token.getAsJsonObject(side)
                        .getAsJsonArray("strengths")
                        .get(concept)
                        .getAsJsonArray()
                        .get(state)
                        .getAsDouble())
                .toArray();
    }

    private static double mean(double... numbers) {
        return Arrays.stream(numbers).average().orElseThrow();
    }

    private static double distance(double setpoint, double... strengths) {
        return mean(Arrays.stream(strengths).map(s -> Math.abs(s - setpoint)).toArray());
    }

    private static double lastOf(List<JsonObject> tokens, String side, String number) {
        var of = tokens.stream().filter(token -> token.has(side)).toList();
        return of.get(of.size() - 1).getAsJsonObject(side).get(number).getAsDouble();
    }

    // the five scenes

    @Test
    void aFeatureAppears() {
        scene(1);
        var tokens = held(page);
        double alone = mean(strengths(tokens, "other", 0, LAST));
        double steered = mean(strengths(tokens, "steered", 0, LAST));
        assertTrue(alone < 0.5, "the model alone has " + alone + " gaps");
        assertTrue(Math.abs(steered - 1) < 0.25, "steered " + steered + " gaps, wanted 1");
        assertTrue(page.innerText("#steered").matches("(?s).*(ocean|sea|water).*"), page.innerText("#steered"));
    }

    @Test
    void theClosedLoopHoldsTheLastStateWhereTheOpenLoopScatters() {
        scene(2);
        var tokens = held(page);
        double closed = distance(1, strengths(tokens, "steered", 0, LAST));
        double open = distance(1, strengths(tokens, "other", 0, LAST));
        assertTrue(closed < open / 2, "mean distance from the setpoint: closed " + closed + ", open " + open);
    }

    @Test
    void tooHighASetpointCostsInputsAndFluency() {
        scene(3);
        var high = held(page);
        scene(1);
        var usual = held(page);
        double reached = mean(strengths(high, "steered", 0, LAST));
        double before = mean(strengths(usual, "steered", 0, LAST));
        assertTrue(reached > before + 0.2 && reached < 1.8, "reached " + reached + " of 2 gaps, " + before + " of 1");
        double ratio = lastOf(high, "steered", "perplexity") / lastOf(usual, "steered", "perplexity");
        assertTrue(ratio > 1.5, "perplexity grew " + ratio + " times");
    }

    @Test
    void feedbackAnswersADisturbanceAndTheOpenLoopDoesNot() {
        scene(4);
        var inserted = held(page).stream()
                .filter(token -> token.get("inserted").getAsBoolean())
                .toList();
        assertTrue(inserted.size() > 4, inserted.size() + " tokens");
        double closed = distance(1, strengths(inserted, "steered", 0, LAST));
        double open = distance(1, strengths(inserted, "other", 0, LAST));
        assertTrue(closed < open / 2, "mean distance from the setpoint: closed " + closed + ", open " + open);
    }

    @Test
    void twoFeaturesReachTheirSetpointsTogether() {
        scene(5);
        var tokens = held(page);
        double ocean = mean(strengths(tokens, "steered", 0, LAST));
        double joy = mean(strengths(tokens, "steered", 1, LAST));
        assertTrue(Math.abs(ocean - 1) < 0.35, "ocean " + ocean + ", wanted 1");
        assertTrue(Math.abs(joy - 0.6) < 0.35, "joy " + joy + ", wanted 0.6");
        assertTrue(joy > mean(strengths(tokens, "other", 1, LAST)), "no more joy than alone");
    }

    // the visitor's hand

    private void turnDial(String id, double to) {
        page.evaluate(
                "([id, to]) => { const dial = document.getElementById(id); dial.value = to;"
                        + " dial.dispatchEvent(new Event('input', { bubbles: true })); }",
                List.of(id, to));
    }

    @Test
    void theStrengthFollowsTheDialWithinTwoTokens() {
        page.selectOption("#law", "tracker"); // at the last block, where nothing is left to predict
        page.selectOption("#block", "29");
        turnDial("strength", 0);
        page.fill("#tokens", "40");
        page.click("#write");
        tokens(page, 12);
        turnDial("strength", 1);
        finished(page);
        shot(page, "step-response");
        var tokens = held(page);
        int turned = (int) tokens.stream()
                .takeWhile(token -> token.getAsJsonArray("setpoints").get(0).getAsDouble() == 0)
                .count();
        assertTrue(turned >= 12 && turned < 28, "turned at token " + turned);
        double[] measured = strengths(tokens, "steered", 0, LAST);
        double before = mean(Arrays.copyOfRange(measured, turned - 8, turned));
        double after = mean(Arrays.copyOfRange(measured, turned + 2, turned + 10));
        assertTrue(Math.abs(before) < 0.05, "before " + before);
        assertTrue(Math.abs(after - 1) < 0.05, "two tokens after the turn " + after);
    }

    @Test
    void theNaturalGradientSteersWithoutMeasuring() {
        page.selectOption("#law", "natural");
        page.fill("#tokens", "24");
        write(page);
        shot(page, "natural-gradient");
        var tokens = held(page);
        double alone = mean(strengths(tokens, "other", 0, LAST));
        double steered = mean(strengths(tokens, "steered", 0, LAST));
        assertTrue(steered > alone + 0.3, "the model alone has " + alone + " gaps, steered " + steered);
        double[] energies = tokens.stream()
                .mapToDouble(token -> Arrays.stream(
                                Visitor.numbers(token.getAsJsonObject("steered").getAsJsonArray("energies")))
                        .sum())
                .toArray();
        for (double energy : energies) {
            assertEquals(energies[0], energy, 1e-9 * energies[0], "one input for all");
        }
    }

    @Test
    void theDisturbButtonInsertsASentence() {
        page.fill("#tokens", "60");
        page.click("#write");
        tokens(page, 5);
        page.click("#disturb");
        finished(page);
        assertTrue(page.locator("#steered .tok.inserted").count() > 4);
        assertEquals(
                page.locator("#steered .tok.inserted").allInnerTexts(),
                page.locator("#other-text .tok.inserted").allInnerTexts());
    }

    @Test
    void stopStopsAtOnce() {
        page.fill("#tokens", "120");
        page.click("#write");
        tokens(page, 3);
        page.click("#stop");
        finished(page);
        int written = held(page).size();
        assertTrue(written < 60, written + " tokens");
        assertTrue(page.isEnabled("#write"));
        page.fill("#tokens", Integer.toString(written + 4));
        write(page);
        assertTrue(held(page).size() > written);
    }

    @Test
    void twoVisitorsAtOnceGetTheirOwnTexts() {
        try (var other = browser.newContext()) {
            var second = page(other);
            page.fill("#tokens", "40");
            page.click("#write");
            tokens(page, 1);
            second.fill("#prompt", "Once upon a time");
            second.fill("#tokens", "8");
            second.click("#write");
            until(second, "() => document.getElementById('status').textContent.startsWith('Waiting: one job')");
            finished(page);
            finished(second);
            assertEquals("The most important thing about", page.innerText("#steered .prompt"));
            assertEquals("Once upon a time", second.innerText("#steered .prompt"));
            assertEquals(8, held(second).size());
        }
    }

    @Test
    void aPageThatIsClosedFreesItsWork() {
        try (var other = browser.newContext()) {
            var second = page(other);
            second.fill("#tokens", "120");
            second.click("#write");
            tokens(second, 1);
        }
        page.fill("#tokens", "5");
        write(page);
        assertEquals(5, held(page).size());
    }

    @Test
    void anOwnConceptIsMeasuredAndSteers() {
        var fire = Concepts.packed("fire");
        page.selectOption("#concept", "own");
        page.fill("#positive", String.join("\n", fire.positive()));
        page.fill("#negative", String.join("\n", fire.negative()));
        page.click("#measure");
        finished(page);
        write(page);
        shot(page, "own-concept");
        double strength = mean(strengths(held(page), "steered", 0, LAST));
        assertTrue(Math.abs(strength - 1) < 0.3, "strength " + strength);
        page.reload(); // the link holds the sentences too
        ready(page);
        assertEquals(String.join("\n", fire.positive()), page.inputValue("#positive"));
    }

    @Test
    void aPastedScriptStaysText() {
        String script = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>";
        page.fill("#prompt", script);
        page.fill("#tokens", "8");
        page.selectOption("#concept", "own");
        page.fill("#positive", script + "\n" + script + " sea");
        page.fill("#negative", "A plain sentence\nAnother plain sentence");
        write(page);
        assertEquals(script, page.innerText("#steered .prompt"));
        page.reload();
        ready(page);
        assertEquals(script, page.inputValue("#prompt"));
        page.click("#java");
        until(page, "() => !document.getElementById('java-text').hidden");
        assertEquals(true, page.evaluate("() => window.hacked === undefined"));
        assertEquals(0, page.locator("main img, main script").count());
    }

    // state, Java, picture

    @Test
    void aReloadRestoresTheStateFromTheLink() {
        page.selectOption("#concept", "space");
        page.selectOption("#law", "tracker");
        page.selectOption("#second", "joy");
        page.selectOption("#sampled", "yes");
        page.fill("#seed", "7");
        page.fill("#prompt", "A \"prompt\" with % # & \u00fc");
        turnDial("strength", 0.35);
        turnDial("second-strength", -0.5);
        var before = page.evaluate("() => JSON.stringify(window.demo.state())");
        var link = page.url();
        page.reload();
        ready(page);
        assertEquals(before, page.evaluate("() => JSON.stringify(window.demo.state())"));
        assertEquals("0.35", page.inputValue("#strength"));
        assertEquals("space", page.inputValue("#concept"));
        try (var other = browser.newContext()) {
            var second = other.newPage();
            second.navigate(link);
            ready(second);
            assertEquals(before, second.evaluate("() => JSON.stringify(window.demo.state())"));
        }
    }

    @Test
    void aDamagedLinkGivesTheUsualSettings() {
        page.navigate("about:blank");
        page.navigate(demo.address() + "#%7Bnonsense");
        ready(page);
        assertTrue(page.innerText("#status").startsWith("The link could not be read"));
        page.navigate("about:blank");
        page.navigate(demo.address() + "#%7B%22law%22%3A%22none-such%22%2C%22strength%22%3A%22x%22%7D");
        ready(page);
        assertEquals("none", page.inputValue("#law"));
        assertEquals("1", page.inputValue("#strength"));
    }

    @Test
    void theJavaIsShownAndTheChartsAreOnePicture() throws Exception {
        scene(5);
        page.click("#java");
        until(page, "() => !document.getElementById('java-text').hidden");
        assertTrue(page.innerText("#java-text").contains("Controller.lqr(gains, target1).plus("));
        var download = page.waitForDownload(() -> page.click("#svg"));
        var svg = Files.readString(download.path());
        Files.writeString(SHOTS.resolve("charts.svg"), svg);
        var factory = DocumentBuilderFactory.newInstance();
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        var document = factory.newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        assertEquals(5, document.getElementsByTagName("svg").getLength(), "four charts in one");
        assertTrue(document.getElementsByTagName("path").getLength() > 8);
        assertFalse(svg.contains("class="), "it needs no style sheet");
        try (var other = browser.newContext()) {
            var picture = other.newPage();
            picture.setContent(svg);
            picture.screenshot(new Page.ScreenshotOptions()
                    .setPath(SHOTS.resolve("charts.png"))
                    .setFullPage(true));
        }
    }

    @Test
    void theNumbersHeldAreThoseOfTheLibrary() throws IOException {
        page.fill("#tokens", "24");
        write(page);
        var tokens = held(page);
        var laboratory = new Laboratory(model);
        var ocean = laboratory.measure(Concepts.packed("ocean"), fraction -> {});
        var setpoint = ocean.setpoint(1);
        var lqr = Controller.lqr(laboratory.solution().feedback(setpoint), setpoint);
        int[] prompt = model.encode("The most important thing about");
        var view = model.steered(List.of(lqr, Controller.none(), Controller.none()));
        var wanted = view.generateOfTokens(Collections.nCopies(3, prompt), 24, Sampling.standard());
        double[] kl = Reread.divergences(model.steered(lqr), wanted.get(0));
        for (int t = 0; t < tokens.size(); t++) {
            for (var side :
                    Map.of("steered", wanted.get(0), "other", wanted.get(1)).entrySet()) {
                var held = tokens.get(t).getAsJsonObject(side.getKey());
                assertEquals(side.getValue().tokens()[t], held.get("token").getAsInt());
                double[] gaps =
                        Visitor.numbers(held.getAsJsonArray("strengths").get(0).getAsJsonArray());
                for (int k = 0; k < gaps.length; k++) {
                    assertEquals(setpoint.inGaps(k, side.getValue().strengths()[t][k]), gaps[k], 1e-9);
                }
                assertArrayEquals(
                        side.getValue().energies()[t], Visitor.numbers(held.getAsJsonArray("energies")), 1e-9);
            }
            assertEquals(
                    kl[t], tokens.get(t).getAsJsonObject("steered").get("kl").getAsDouble(), 1e-3);
        }
        // what is drawn is what is held: the last state's strength of token 5, from the path on the screen
        var drawn = (String) page.evaluate("() => document.querySelector('#strengths path.steered').getAttribute('d')");
        assertEquals(tokens.size(), drawn.split("L").length);
    }

    // how it looks, and for whom

    @Test
    void theFrameOfANotebookShowsThePage() {
        try (var other = browser.newContext(new Browser.NewContextOptions().setViewportSize(1000, 1100))) {
            var notebook = other.newPage();
            notebook.setDefaultTimeout(PATIENCE);
            notebook.setContent(
                    "<!DOCTYPE html><title>A notebook</title><p>rudder.demo.Demo.open(model)</p>" + demo.frame());
            Frame frame = notebook.frames().get(1);
            until(frame, "() => window.demo && window.demo.ready");
            frame.fill("#tokens", "12");
            frame.click("#write");
            until(frame, "() => window.demo.result && window.demo.result.type === 'done'");
            assertEquals(12, frame.locator("#steered .tok").count());
            shot(notebook, "notebook-frame");
        }
    }

    @Test
    void aTokenIsChosenByMouseAndByKeys() {
        page.fill("#tokens", "12");
        page.focus("#prompt");
        page.focus("#write");
        page.keyboard().press("Enter");
        finished(page);
        page.click("#steered .tok >> nth=3");
        assertEquals("Five likeliest tokens, token 3", page.innerText("#token-title"));
        assertEquals(5, page.locator("#likeliest tr").count());
        page.keyboard().press("Escape");
        page.focus("#steered");
        page.keyboard().press("ArrowRight");
        page.keyboard().press("ArrowRight");
        assertEquals("Strength at every block, token 1", page.innerText("#blocks-title"));
        shot(page, "token-chosen");
    }

    @ParameterizedTest
    @CsvSource({"1280, LIGHT", "1280, DARK", "390, LIGHT", "390, DARK"})
    void nothingShiftsAndAxeFindsNoSeriousFault(int width, ColorScheme scheme) throws IOException {
        try (var other = browser.newContext(
                new Browser.NewContextOptions().setViewportSize(width, 900).setColorScheme(scheme))) {
            var page = page(other);
            String name = width + "-" + scheme.name().toLowerCase(java.util.Locale.ROOT);
            assertEquals(List.of(), serious(page), "before a text");
            page.click("#scene-buttons button:nth-child(4)");
            tokens(page, 1);
            page.evaluate("() => { window.shifts = 0; new PerformanceObserver(list => list.getEntries().forEach("
                    + "e => { if (!e.hadRecentInput) window.shifts += e.value; }))"
                    + ".observe({ type: 'layout-shift', buffered: false }); }");
            finished(page);
            double shifts = ((Number) page.evaluate("() => window.shifts")).doubleValue();
            assertTrue(shifts < 0.01, "layout shift " + shifts);
            page.click("#steered .tok >> nth=2");
            assertEquals(List.of(), serious(page), "after a text");
            shot(page, name);
            assertEquals(
                    true,
                    page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
                    "the page scrolls sideways");
        }
    }

    /** Writes target/shots/demo.gif, which the README shows: the dial is turned, and a sentence disturbs. */
    @Test
    void aRecordingShowsTheLoop() throws IOException {
        var recording = new Recording(880);
        turnDial("strength", 0);
        page.fill("#tokens", "64");
        recording.add(page.screenshot(), 150);
        page.click("#write");
        boolean turned = false;
        boolean disturbed = false;
        while ((boolean) page.evaluate("() => window.demo.running")) {
            int count = held(page).size();
            if (count > 8 && !turned) {
                turnDial("strength", 1);
                turned = true;
            }
            if (count > 24 && !disturbed) {
                page.click("#disturb");
                disturbed = true;
            }
            recording.add(page.screenshot(), 50);
        }
        finished(page);
        recording.add(page.screenshot(), 400);
        recording.write(SHOTS.resolve("demo.gif"));
        assertTrue(turned && disturbed);
        assertTrue(Files.size(SHOTS.resolve("demo.gif")) < 1_000_000, "too large for the README");
    }

    /** The faults that axe-core calls serious or critical. */
    private static List<String> serious(Page page) throws IOException {
        page.evaluate(axe());
        var found = JsonParser.parseString(
                        (String) page.evaluate("() => axe.run().then(result => JSON.stringify(result.violations))"))
                .getAsJsonArray();
        var serious = new ArrayList<String>();
        for (var one : found) {
            var fault = one.getAsJsonObject();
            if (List.of("serious", "critical").contains(fault.get("impact").getAsString())) {
                serious.add(fault.get("id").getAsString() + ": " + fault.get("nodes"));
            }
        }
        return serious;
    }

    private static String axe() throws IOException {
        try (var in = BrowserTest.class.getResourceAsStream("/axe.min.js")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
