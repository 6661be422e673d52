package rudder.experiment;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.DoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.compare.ConfidenceInterval;
import rudder.eval.Judge;
import rudder.experiment.condition.Disturbance;
import rudder.experiment.condition.Dose;
import rudder.experiment.statistics.Difference;
import rudder.experiment.statistics.Paired;
import rudder.experiment.statistics.Verdict;
import rudder.model.LanguageModel;
import rudder.model.Tiny;
import rudder.steer.ContrastSet;
import rudder.steer.ControllerFactory;
import rudder.steer.Features;
import rudder.steer.Linearisation;
import rudder.theory.Vectors;
import rudder.theory.control.Controller;

/** A whole experiment on a model of four blocks. */
class ExperimentTest {
    private static final Map<String, ContrastSet> CONCEPTS = Map.of(
            "sea", new ContrastSet("sea", List.of("the sea", "a wave then"), List.of("a street", "the sun sets")),
            "sun", new ContrastSet("sun", List.of("the sun", "it rises"), List.of("a street", "the tide")),
            "ink", new ContrastSet("ink", List.of("an ink", "a pen then"), List.of("a stone", "the tides")));
    private static final Dose DOSE = Dose.kl(1);
    private static final Judge VOWELS = new Judge() {
        @Override
        public String name() {
            return "vowels";
        }

        @Override
        public double of(String text) {
            return text.chars().filter(c -> "aeiou".indexOf(c) >= 0).count() / (1.0 + text.length());
        }
    };

    @TempDir
    Path folder;

    private Path file;
    private final AtomicInteger made = new AtomicInteger();

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("tiny.gguf");
        Files.write(file, Tiny.LLAMA.gguf().bytes());
    }

    private Experiment plan(Dose dose, Disturbance... disturbances) {
        return new Experiment(
                List.of("tiny"),
                List.of("sun"),
                List.of("sea", "ink"),
                List.of("the sea", "s", "oh! a wave"),
                List.of("a wave then", "in these inner seas", "the tide"),
                List.of("ActAdd / P", "A-LQR frozen / A-LQR"),
                List.of(dose),
                List.of(disturbances),
                1,
                0.02);
    }

    private Experiment.Setup setup() {
        return new Experiment.Setup(
                (name, bits) -> bits == 0
                        ? LanguageModel.load(file.toString())
                        : LanguageModel.loadRounded(file.toString(), bits),
                CONCEPTS::get,
                (model, concept) -> {
                    made.incrementAndGet();
                    return Twin.standard(
                            Features.contrast(model, concept), Linearisation.mean(model, concept.positive()));
                });
    }

    @Test
    void everyTwinIsComparedAtOneDoseUnderEveryDisturbance() throws IOException {
        var plan = plan(
                DOSE,
                Disturbance.none(),
                Disturbance.rounded(4),
                Disturbance.noise(0.1, 0.5, 1),
                Disturbance.temperature(1.2, 1),
                Disturbance.typingErrors(0.5, 1),
                Disturbance.longTexts(9));
        var results = plan.run(folder.resolve("run"), setup());
        var compared = results.compare(DOSE, "vowels", concept -> VOWELS.metric());
        assertEquals(2 * 6, compared.size(), results.texts().toString());
        for (int i = 0; i < compared.size(); i++) {
            var one = compared.all().get(i);
            assertEquals(
                    "",
                    one.note()
                            .replaceAll("(open|closed) loop off its dose at (\\w+ \\([0-9.]+ nats\\)(, )?)+(; )?", ""));
            assertTrue(one.klOpen() > 0 && one.klClosed() > 0, one.toString());
            assertTrue(compared.p(i) >= one.p() && compared.p(i) <= 1);
            assertTrue(compared.equivalence(i) >= one.equivalence());
            assertEquals(2, one.concepts());
        }
        var table = compared.table();
        assertEquals(12, table.rowCount());
        assertTrue(table.stringColumn("verdict").asList().stream()
                .allMatch(verdict -> verdict.matches(".* loop better|equivalent within 0.02|not resolved")));
        assertEquals(12, Stream.of(Verdict.values()).mapToInt(compared::count).sum());
        assertEquals(
                compared.only(one -> one.disturbance().equals("none")).all(),
                results.under("none")
                        .compare(DOSE, "vowels", concept -> VOWELS.metric())
                        .all());
        assertRefused(() -> results.under("rain"), "'rain'", "temperature 1.2");
        var lead = results.lead(DOSE, "ActAdd / P", Twin.Side.OPEN, concept -> VOWELS.metric());
        assertEquals(3 * 6, lead.rowCount());
        // its lead over its own twin is the twin's difference with another sign
        var own = compared.all().get(0).difference();
        var ownLead = lead.where(lead.stringColumn("arm")
                .isEqualTo("ActAdd / P")
                .and(lead.stringColumn("disturbance").isEqualTo("none")));
        assertEquals(
                new ConfidenceInterval(-own.mean(), -own.high(), -own.low()).toString(),
                ownLead.stringColumn("lead").get(0));
        // three leads under each disturbance are corrected together, whatever the number of disturbances
        assertTrue(Double.parseDouble(ownLead.stringColumn("p, Holm").get(0))
                <= 3 * compared.all().get(0).p() + 1e-3);
        effectsByConceptAverageToThoseOfTheComparison(results, compared);
        aFileOfComparisonsJoinsModels(compared);
        var order = results.texts().stream().map(WrittenText::disturbance).toList();
        long changes = IntStream.range(1, order.size())
                .filter(i -> !order.get(i).equals(order.get(i - 1)))
                .count();
        assertEquals(5, changes, "each disturbance is whole before the next: " + order);
        // unsteered texts serve both concepts; each of 2 twins has two sides, two concepts, a strength and six texts
        assertEquals(
                1 + 6 + 2 * 2 * 2 * 7,
                Files.readAllLines(folder.resolve("run/units.jsonl")).size());
    }

    private static void effectsByConceptAverageToThoseOfTheComparison(Results results, Comparisons compared) {
        var effects = results.effects(DOSE, concept -> VOWELS.metric());
        var doses = results.doses(DOSE);
        assertEquals(effects.columnNames(), doses.columnNames());
        assertEquals(results.plan().judged().size() * 6, effects.rowCount());
        for (var one : compared.all()) {
            var own = effects.where(effects.stringColumn("disturbance").isEqualTo(one.disturbance()));
            var moved = doses.where(doses.stringColumn("disturbance").isEqualTo(one.disturbance()));
            assertEquals(
                    one.klClosed(), moved.doubleColumn(one.twin() + ", closed").mean(), 1e-12);
            assertEquals(
                    one.open().mean(), own.doubleColumn(one.twin() + ", open").mean(), 1e-12);
            assertEquals(
                    one.closed().mean(),
                    own.doubleColumn(one.twin() + ", closed").mean(),
                    1e-12);
        }
    }

    private void aFileOfComparisonsJoinsModels(Comparisons compared) throws IOException {
        var csv = folder.resolve("compared.csv");
        compared.write(csv);
        var read = Comparisons.read(csv, csv);
        assertEquals(2 * compared.size(), read.size());
        assertEquals(compared.all().get(3).twin(), read.all().get(3).twin());
        assertEquals(
                compared.all().get(3).difference().mean(),
                read.all().get(3).difference().mean(),
                1e-6);
        int i = 3;
        assertEquals(Math.min(1, 2 * compared.p(i)), read.p(i), 1e-4, "twice as many comparisons");
        var calm = compared.only(one -> one.disturbance().equals("none"));
        assertEquals(2, calm.size());
        assertEquals(
                List.of("ActAdd / P", "A-LQR frozen / A-LQR"),
                List.copyOf(calm.differences(Compared::twin, Compared::model).keySet()));
        assertRefused(() -> read.differences(Compared::twin, Compared::model), "ActAdd / P", "only(..)");
        Files.writeString(csv, Files.readString(csv).replaceFirst("vowels\",[^,]+", "vowels\",x"));
        var damaged = assertThrows(IOException.class, () -> Comparisons.read(csv));
        assertTrue(
                damaged.getMessage().contains("line 2") && damaged.getMessage().contains("difference"));
    }

    /** A run that ended within a unit leaves half a line; the next run computes this unit and the missing ones. */
    @Test
    void aKilledRunGoesOnBehindItsLastWholeUnit() throws IOException {
        var plan = plan(DOSE, Disturbance.none());
        var run = folder.resolve("run");
        plan.run(run, setup());
        var units = run.resolve("units.jsonl");
        var whole = Files.readAllLines(units);
        assertEquals(
                2,
                plan.read(run)
                        .whole()
                        .compare(DOSE, "vowels", concept -> VOWELS.metric())
                        .size());
        Files.write(units, whole.subList(0, whole.size() - 1));
        assertEquals(
                0,
                plan.read(run)
                        .whole()
                        .compare(DOSE, "vowels", concept -> VOWELS.metric())
                        .size(),
                "the last text is missing");
        for (int kept : new int[] {0, 1, 9}) {
            Files.write(units, whole.subList(0, kept));
            String half = whole.get(kept).substring(0, whole.get(kept).length() / 2);
            Files.writeString(units, half, StandardCharsets.UTF_8, StandardOpenOption.APPEND);
            plan.run(run, setup());
            assertEquals(rounded(whole), rounded(Files.readAllLines(units)));
        }
        made.set(0);
        assertEquals(
                2,
                plan.read(run)
                        .compare(DOSE, "vowels", concept -> VOWELS.metric())
                        .size());
        plan.run(run, setup());
        assertEquals(0, made.get(), "no twin is made for a concept that is done");
    }

    /** Rounds decimals: texts of another batch have the same tokens, and divergences of another rounding. */
    private static List<String> rounded(List<String> lines) {
        return lines.stream()
                .map(line -> Pattern.compile("\\d+\\.\\d+(E-\\d+)?")
                        .matcher(line)
                        .replaceAll(number -> String.format(Locale.ROOT, "%.4f", Double.valueOf(number.group()))))
                .toList();
    }

    @Test
    void anotherPlanOrADamagedLineIsRefusedByTheFile() throws IOException {
        var run = folder.resolve("run");
        plan(DOSE, Disturbance.none()).run(run, setup());
        var other = plan(Dose.kl(1.5), Disturbance.none());
        var e = assertThrows(IOException.class, () -> other.run(run, setup()));
        assertTrue(e.getMessage().contains("line 1") && e.getMessage().contains("another folder"), e.getMessage());
        var units = run.resolve("units.jsonl");
        var lines = Files.readAllLines(units);
        lines.set(3, "{\"model\":1}");
        Files.write(units, lines);
        var damaged = assertThrows(
                IOException.class, () -> plan(DOSE, Disturbance.none()).run(run, setup()));
        assertTrue(damaged.getMessage().contains("line 4"), damaged.getMessage());
    }

    @Test
    void aDoseOutOfReachLeavesItsConceptOutAndSaysSo() throws IOException {
        var impossible = Dose.kl(1e9);
        var results = plan(impossible, Disturbance.none()).run(folder.resolve("far"), setup());
        assertEquals(
                0,
                results.compare(impossible, "vowels", concept -> VOWELS.metric())
                        .size());
        assertTrue(Files.readString(folder.resolve("far/units.jsonl")).contains("out of reach"));
        assertRefused(() -> results.compare(DOSE, "vowels", concept -> VOWELS.metric()), "KL 1.0", "KL 1.0E9");
    }

    @Test
    void aFrozenRegulatorDoesWhatItsLoopWouldDoAlongTheUnsteeredTrace() {
        var model = Tiny.LLAMA.model();
        var concept = CONCEPTS.get("sea");
        var twins = Twin.standard(Features.contrast(model, concept), Linearisation.mean(model, concept.positive()));
        assertEquals(4, twins.stream().map(Twin::name).distinct().count());
        var states = model.trace("the sea").rollout().states();
        var twin = twins.get(2);
        var open =
                ControllerFactory.of(twin.arm(Twin.Side.OPEN, 1)).controller().apply(model, "the sea");
        var closed =
                ControllerFactory.of(twin.arm(Twin.Side.CLOSED, 1)).controller().apply(model, "the sea");
        assertArrayEquals(closed.input(2, states), open.input(2, states), 1e-12);
        states[2][0] += 1;
        assertTrue(Vectors.distance(closed.input(2, states), open.input(2, states)) > 1e-6, "only one side measures");
    }

    @Test
    void theFamiliesOfTwinsAreTheirSidesByName() {
        DoubleFunction<Controller> open = strength -> Controller.none().named("open " + strength);
        DoubleFunction<Controller> closed = strength -> Controller.none().named("closed " + strength);
        var families = Twin.families(List.of(new Twin("a / b", open, closed), new Twin("c / d", closed, open)));
        assertEquals(List.of("a", "b", "c", "d"), List.copyOf(families.keySet()));
        assertEquals("open 2.0", families.get("a").apply(2).name());
        assertEquals("closed 2.0", families.get("b").apply(2).name());
        assertRefused(() -> Twin.families(List.of(new Twin("alone", open, closed))), "'alone'", "open / closed");
        assertRefused(() -> Twin.families(List.of(new Twin("a / a", open, closed))), "'a'");
    }

    @Test
    void differencesOfTwinsAreClosedLessOpen() {
        DoubleFunction<Controller> arm = strength -> Controller.none();
        var twins = List.of(new Twin("a / b", arm, arm), new Twin("c / d", arm, arm));
        BiFunction<String, String, Difference> less = (closed, open) -> {
            assertEquals("b less a", closed + " less " + open);
            return Paired.ofDifferences(new double[] {3, 4, 5}, new double[] {1, 2, 3.3});
        };
        var compared = List.of("none", "a", "b", "c");
        assertEquals(Set.of("a / b"), Twin.differences(twins, compared, less).keySet(), "d was not compared");
        var tests = Twin.tests(twins, compared, less, 0);
        assertEquals(List.of("a / b"), tests.names());
        assertEquals(Verdict.CLOSED_LOOP_BETTER, tests.verdict("a / b"));
        assertEquals(Verdict.OPEN_LOOP_BETTER, tests.lessIsBetter(name -> true).verdict("a / b"));
    }

    @Test
    void twinsOfSeveralFeaturesAreThoseOfEachAlone() {
        var model = Tiny.LLAMA.model();
        var features = CONCEPTS.entrySet().stream()
                .map(concept -> Features.contrast(model, concept.getValue()))
                .toList();
        var system = Linearisation.mean(model, List.of("the sea", "a wave then"));
        var all = Twin.standard(features, system);
        double[][] states = model.trace("the tide").rollout().states();
        for (var one : features) {
            var alone = Twin.families(Twin.standard(one, system));
            Twin.families(all.get(one.name())).forEach((name, family) -> {
                var found = ControllerFactory.of(family.apply(1.5)).controller().apply(model, "the tide");
                var wanted = ControllerFactory.of(alone.get(name).apply(1.5))
                        .controller()
                        .apply(model, "the tide");
                for (int k = 0; k < model.horizon(); k++) {
                    assertArrayEquals(wanted.input(k, states), found.input(k, states), 1e-12, name);
                }
            });
        }
        assertRefused(() -> Twin.standard(List.of(features.get(0), features.get(0)), system), "two features", "name");
    }

    @Test
    void nothingIsJudgedOnWhatItWasChosenOn() {
        assertRefused(
                () -> new Experiment(
                        List.of("m"),
                        List.of("sea"),
                        List.of("sea", "ink"),
                        List.of("a"),
                        List.of("b", "c"),
                        List.of(),
                        List.of(DOSE),
                        List.of(Disturbance.none()),
                        5,
                        0.02),
                "[sea]",
                "chosen on and judged");
        assertRefused(
                () -> new Experiment(
                        List.of("m"),
                        List.of(),
                        List.of("sea", "ink"),
                        List.of("b"),
                        List.of("b", "c"),
                        List.of(),
                        List.of(DOSE),
                        List.of(Disturbance.none()),
                        5,
                        0.02),
                "[b]");
    }

    /** 8 arms, 2 concepts: 4 trials x 3 openings x 1 token to find, and 8 x 2 + 1 arms of 3 x 1 tokens to judge. */
    @Test
    void aPlanPrintsItsTokensAndHours() {
        var plan = plan(DOSE, Disturbance.none());
        assertEquals(8 * 2 * 4 * 3 + (8 * 2 + 1) * 3, plan.tokens(4));
        var text = plan.plan(4, model -> 0.5);
        assertTrue(text.contains("243 tokens") && text.contains("all models: 0.1 hours"), text);
        assertFalse(text.contains("null"));
    }
}
