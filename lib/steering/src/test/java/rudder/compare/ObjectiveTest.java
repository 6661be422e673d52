package rudder.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import rudder.model.Tiny;
import rudder.steer.ControllerFactory;
import rudder.theory.control.Controller;

/** Of arms whose means are known in advance. */
class ObjectiveTest {
    private static final Map<String, Double> GAIN = Map.of("none", 0.0, "a 0", 1.0, "a 1", 3.0, "a 2", 2.0, "b 0", 5.0);
    private static final Map<String, Double> COST =
            Map.of("none", 10.0, "a 0", 11.0, "a 1", 16.0, "a 2", 13.0, "b 0", 90.0);

    private static final ControllerFamily A = family("a", 0, 1, 2);
    private static final ControllerFamily B = family("b", 0, 3, 4);
    private static final ControllerFamily C =
            ControllerFamily.of("c", new double[] {0, 1}, new double[] {0, 1}, (x, y) -> Controller.none());
    private static final Comparison TRIED = tried(Controller.none(), "a 0", "a 1", "a 2", "b 0", "b 3", "b 4");

    private static ControllerFamily family(String name, double... grid) {
        return ControllerFamily.of(name, grid, x -> Controller.none());
    }

    private static Comparison tried(Controller first, String... others) {
        var arms = Stream.concat(Stream.of(first), Stream.of(others).map(name -> Controller.none()
                        .named(name)))
                .toArray(Controller[]::new);
        return Comparison.of(
                        Tiny.LLAMA.model(),
                        List.of("the sea", "the sun"),
                        Comparison.settings().tokens(2),
                        arms)
                .with(List.of(
                        Metric.of("gain", completion -> GAIN.getOrDefault(completion.controller(), -1.0)),
                        Metric.of("loss", completion -> -GAIN.getOrDefault(completion.controller(), -1.0)),
                        Metric.of("cost", completion -> COST.getOrDefault(completion.controller(), 95.0))));
    }

    private static String best(Objective objective) {
        return GridSearch.of(TRIED, objective, A, B).best("a").name();
    }

    @Test
    void aLimitInTimesOfTheUnsteeredArmIsThatLimitInUnits() {
        for (double times : new double[] {1, 1.1, 1.2, 1.3, 1.5, 2}) {
            assertEquals(
                    best(Objective.most("gain").within("cost", times * 10)),
                    best(Objective.most("gain").withinTimes("cost", times)),
                    "at " + times);
        }
        assertEquals("a 2", best(Objective.most("gain").withinTimes("cost", 1.4)));
        assertEquals("a 0", best(Objective.most("gain").withinTimes("cost", 0.5)), "the least excess");
    }

    @Test
    void theLeastOfAMetricIsTheMostOfItsNegative() {
        for (double times : new double[] {1.1, 1.4, 2}) {
            var most = GridSearch.of(TRIED, Objective.most("gain").withinTimes("cost", times), A, B);
            var least = GridSearch.of(TRIED, Objective.least("loss").withinTimes("cost", times), A, B);
            assertEquals(most.best("a").name(), least.best("a").name());
            assertEquals(most.sweep("a"), least.sweep("a"));
        }
        assertEquals("a 1", best(Objective.least("loss")));
        assertEquals("a 0", best(Objective.least("gain")));
    }

    /** NaN is above all numbers in Java's order, and would win. */
    @Test
    void anUndefinedMeanIsNeverChosen() {
        var some = TRIED.with(List.of(Metric.of("some", completion -> Map.of("a 0", 1.0, "b 0", 2.0)
                .getOrDefault(completion.controller(), Double.NaN))));
        for (var objective : List.of(
                Objective.most("some"),
                Objective.least("some"),
                Objective.most("some").within("cost", 20))) {
            var search = GridSearch.of(some, objective, A, B);
            assertEquals("a 0", search.best("a").name(), objective.toString());
            assertEquals("b 0", search.best("b").name(), objective.toString());
        }
        var curves = tried(Controller.none(), "c 0 0", "c 0 1", "c 1 0", "c 1 1")
                .with(Metric.of("one", completion -> completion.controller().equals("c 1 0") ? 1 : Double.NaN));
        assertEquals(
                List.of("none", "c 1 0", "c 1 1"),
                GridSearch.of(curves, Objective.most("one"), C).sweep("c"));
        assertEquals(
                "a 0",
                GridSearch.of(some, Objective.most("some").within("cost", 1), A)
                        .best("a")
                        .name());
        var none = TRIED.with(List.of(Metric.of("none", completion -> Double.NaN)));
        assertEquals(
                "a 0", GridSearch.of(none, Objective.most("none"), A).best("a").name(), "all are alike");
    }

    @Test
    void aRelativeLimitWithoutTheUnsteeredArmIsRefused() {
        var without = TRIED.only("a 0", "a 1", "a 2");
        assertRefused(
                () -> GridSearch.of(without, Objective.most("gain").withinTimes("cost", 2), A),
                "2.0 times the cost",
                "'none'",
                "[a 0, a 1, a 2]",
                "within(...)");
    }

    @Test
    void tablesSayWhatWasAskedFor() {
        var objective = Objective.least("loss").withinTimes("cost", 1.4);
        assertEquals("least loss with cost within 1.4 times the unsteered", objective.toString());
        assertEquals("most gain with cost within 12.0", Objective.most("gain").within("cost", 12) + "");
        assertEquals("most gain", Objective.most("gain").toString());
        var title = GridSearch.of(TRIED, objective, A, B).table().name();
        assertTrue(title.contains(objective.toString()), title);
    }

    @Test
    void whatIsEvaluatedIsTheUnsteeredModelAndEachFamilysChoice() {
        var search = GridSearch.of(TRIED, Objective.most("gain").within("cost", 14), A, B);
        assertEquals(
                List.of("none", "a", "b"),
                Stream.of(search.arms()).map(ControllerFactory::name).toList());
        assertEquals(
                List.of("none", "a 0", "a 1", "a 2", "b 0", "b 3", "b 4"),
                Stream.of(ControllerFamily.arms(A, B))
                        .map(ControllerFactory::name)
                        .toList());
        var chosen = search.chosen();
        assertEquals(List.of("family", "candidate", "gain", "cost"), chosen.columnNames());
        assertEquals(List.of("a 2", "b 0"), chosen.stringColumn("candidate").asList());
        assertEquals(13, chosen.doubleColumn("cost").get(0));
        assertEquals(List.of("a", "b"), List.copyOf(search.sweeps().keySet()));
        assertEquals(search.sweep("b"), search.sweeps().get("b"));
    }

    @Test
    void tablesHaveTheMetricsAskedForInTheirOrder() {
        assertEquals(
                List.of("controller", "cost", "gain"),
                TRIED.table("cost", "gain").columnNames());
        assertEquals(
                List.of("controller", "gain, difference", "perplexity, ratio"),
                TRIED.changes("none", "gain", "perplexity").columnNames());
        assertEquals(
                TRIED.table().column("gain").asList(),
                TRIED.table("gain").column("gain").asList());
        assertTrue(TRIED.table().columnNames().containsAll(List.of("energy", "repetition", "loss")));
        assertRefused(() -> TRIED.table("gains"), "'gains'", "gain, loss, cost");
    }
}
