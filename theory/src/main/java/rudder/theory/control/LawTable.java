package rudder.theory.control;

import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import rudder.theory.Check;

/** A controller's laws by hook point and block. Immutable; holds only blocks that have a law. */
final class LawTable {
    static final LawTable EMPTY = new LawTable(Map.of());
    private static final SortedMap<Integer, List<ControlLaw>> NO_LAWS = Collections.emptySortedMap();

    private final Map<HookPoint, SortedMap<Integer, List<ControlLaw>>> laws;

    private LawTable(Map<HookPoint, SortedMap<Integer, List<ControlLaw>>> laws) {
        this.laws = laws;
    }

    /**
     * Copies and checks the laws.
     *
     * @throws IllegalArgumentException if a block is negative, two laws of a hook point read different widths, or a law
     *     remembers a measurement that no earlier block makes
     */
    static LawTable of(Map<HookPoint, ? extends Map<Integer, List<ControlLaw>>> laws) {
        var sorted = new EnumMap<HookPoint, SortedMap<Integer, List<ControlLaw>>>(HookPoint.class);
        laws.forEach((point, byBlock) -> {
            var some = new TreeMap<Integer, List<ControlLaw>>();
            byBlock.forEach((k, here) -> some.put(k, List.copyOf(here)));
            some.values().removeIf(List::isEmpty);
            check(some);
            if (!some.isEmpty()) {
                sorted.put(point, some);
            }
        });
        return new LawTable(sorted);
    }

    private static void check(SortedMap<Integer, List<ControlLaw>> byBlock) {
        var measured = new HashSet<Measurement>();
        byBlock.forEach((k, here) -> {
            Check.that(k >= 0, "a law for block %d, wanted blocks 0, 1, 2, ...", k);
            for (var law : here) {
                Check.length(
                        "the state that the law of block " + k + " reads",
                        law.dimension(),
                        byBlock.get(byBlock.firstKey()).get(0).dimension());
                law.feedback().ifPresent(feedback -> feedback.past()
                        .keySet()
                        .forEach(earlier -> Check.that(
                                measured.contains(earlier),
                                "the law of block %d remembers a %s that no law of an earlier block makes",
                                k,
                                earlier)));
            }
            here.forEach(law -> law.feedback().ifPresent(feedback -> measured.add(feedback.measurement())));
        });
    }

    boolean isEmpty() {
        return laws.isEmpty();
    }

    /** Returns the laws of block k at a hook point; empty if there are none. */
    List<ControlLaw> at(HookPoint point, int k) {
        return byBlock(point).getOrDefault(k, List.of());
    }

    /** Returns the blocks that have a law at a hook point, in order. */
    Set<Integer> blocks(HookPoint point) {
        return Collections.unmodifiableSet(byBlock(point).keySet());
    }

    /** Returns the blocks that have a law anywhere. */
    IntSummaryStatistics blocks() {
        return laws.values().stream()
                .flatMap(byBlock -> byBlock.keySet().stream())
                .mapToInt(k -> k)
                .summaryStatistics();
    }

    private SortedMap<Integer, List<ControlLaw>> byBlock(HookPoint point) {
        return laws.getOrDefault(point, NO_LAWS);
    }

    /** Returns the laws of both tables, block by block. */
    LawTable plus(LawTable other) {
        var sum = new EnumMap<HookPoint, SortedMap<Integer, List<ControlLaw>>>(HookPoint.class);
        for (var point : HookPoint.values()) {
            var both = new TreeMap<>(byBlock(point));
            other.byBlock(point)
                    .forEach((k, some) -> both.merge(k, some, (a, b) -> Stream.of(a, b)
                            .flatMap(List::stream)
                            .toList()));
            if (!both.isEmpty()) {
                sum.put(point, both);
            }
        }
        return new LawTable(sum);
    }

    /** Returns whether all laws are linear feedback of the present state z_k, without gate or memory. */
    boolean isStateFeedback() {
        return laws.keySet().stream().allMatch(point -> point == HookPoint.RESID_PRE)
                && byBlock(HookPoint.RESID_PRE).values().stream()
                        .flatMap(List::stream)
                        .allMatch(law -> law instanceof LinearFeedback feedback
                                && feedback.past().isEmpty());
    }

    /** Returns whether all laws of each hook point act on states of one width. */
    boolean hasOneWidth() {
        return laws.values().stream()
                .allMatch(byBlock -> byBlock.values().stream()
                                .flatMap(List::stream)
                                .mapToInt(ControlLaw::dimension)
                                .distinct()
                                .count()
                        <= 1);
    }

    /**
     * Refuses a plant of another shape, see {@link Controller#requireFits(int, int, int)}; the name is for messages.
     */
    void requireFits(String name, int horizon, int dimension, int heads) {
        for (var point : HookPoint.values()) {
            int width = point == HookPoint.HEAD_OUT ? heads : dimension;
            for (int k : blocks(point)) {
                Check.that(
                        k < horizon,
                        "controller '%s' has a law for block %d of a plant with blocks 0..%d",
                        name,
                        k,
                        horizon - 1);
                at(point, k)
                        .forEach(law -> Check.that(
                                law.dimension() == width,
                                "controller '%s' acts on %s of width %d, the plant's have %d",
                                name,
                                point == HookPoint.HEAD_OUT ? "heads" : "states",
                                law.dimension(),
                                width));
            }
        }
    }

    /** A change of one law. */
    interface Change {
        ControlLaw of(HookPoint point, int k, ControlLaw law);
    }

    /** Returns the table with every law changed. */
    LawTable each(Change change) {
        var changed = new EnumMap<HookPoint, SortedMap<Integer, List<ControlLaw>>>(HookPoint.class);
        laws.forEach((point, byBlock) -> {
            var some = new TreeMap<Integer, List<ControlLaw>>();
            byBlock.forEach((k, here) -> some.put(
                    k, here.stream().map(law -> change.of(point, k, law)).toList()));
            changed.put(point, some);
        });
        return new LawTable(changed);
    }
}
