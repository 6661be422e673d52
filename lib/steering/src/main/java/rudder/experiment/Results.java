package rudder.experiment;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.compare.ConfidenceInterval;
import rudder.compare.Metric;
import rudder.experiment.condition.Disturbance;
import rudder.experiment.condition.Dose;
import rudder.experiment.statistics.AtOneDose;
import rudder.experiment.statistics.Effect;
import rudder.experiment.statistics.Holm;
import rudder.experiment.statistics.TwoWay;
import rudder.model.Completion;
import rudder.model.Positions;
import rudder.theory.Check;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** The texts of an experiment, to be judged as often as one likes. Judging needs no steered model. */
public final class Results {

    /** Part of the dose by which an arm's KL on test prompts may differ before the table says so. */
    private static final double OFF = 0.2;

    private final Experiment plan;
    private final List<Disturbance> disturbances;
    private final Map<Unit.Key, Unit> units = new LinkedHashMap<>();

    Results(Experiment plan, List<Unit> units) {
        this(plan, plan.disturbances(), units);
    }

    private Results(Experiment plan, List<Disturbance> disturbances, Collection<Unit> units) {
        this.plan = plan;
        this.disturbances = disturbances;
        units.forEach(unit -> this.units.put(unit.key(), unit));
    }

    /** Returns the results under those disturbances of which no text is missing: what a run that goes on has so far. */
    public Results whole() {
        return new Results(plan, disturbances.stream().filter(this::isWhole).toList(), units.values());
    }

    /**
     * Returns the results under one disturbance alone.
     *
     * @throws IllegalArgumentException if these results have none of this name
     */
    public Results under(String disturbance) {
        var named = disturbances.stream()
                .filter(one -> one.name().equals(disturbance))
                .toList();
        Check.that(
                !named.isEmpty(),
                "no disturbance '%s', wanted one of %s",
                disturbance,
                disturbances.stream().map(Disturbance::name).toList());
        return new Results(plan, named, units.values());
    }

    private boolean isWhole(Disturbance disturbance) {
        return strengths().stream().allMatch(key -> key.isDone(disturbance, this::find));
    }

    private Optional<Unit> find(Unit.Key key) {
        return Optional.ofNullable(units.get(key));
    }

    /** Returns the keys of all strengths that the plan needs. */
    private List<Unit.Key> strengths() {
        var keys = new ArrayList<Unit.Key>();
        for (var model : plan.models()) {
            var twins = plan.twins().isEmpty() ? twins(model) : plan.twins();
            plan.judged().forEach(concept -> keys.addAll(plan.strengths(model, concept, twins)));
        }
        return keys;
    }

    /**
     * Compares the sides of all twins at one dose.
     *
     * @param dose one of the plan's
     * @param name of the outcome, for tables
     * @param outcome maps a concept to the column that is compared: a judge's metric, or the harmonic mean of several.
     *     It sees prompt and text only, and each text once
     * @throws IllegalArgumentException if the plan has no such dose
     */
    public Comparisons compare(Dose dose, String name, Function<String, Metric> outcome) {
        requireDose(dose);
        var found = new ArrayList<Compared>();
        var scores = new Scores(outcome, new HashMap<>());
        for (var model : plan.models()) {
            for (var twin : twins(model)) {
                for (var disturbance : disturbances) {
                    compared(model, twin, dose, disturbance, name, scores).ifPresent(found::add);
                }
            }
        }
        return Comparisons.of(found);
    }

    private void requireDose(Dose dose) {
        Check.that(plan.doses().contains(dose), "%s is not among the doses %s", dose, plan.doses());
    }

    private List<String> twins(String model) {
        var names = new LinkedHashSet<String>();
        for (var unit : units.values()) {
            if (unit.key().model().equals(model) && !unit.key().twin().isEmpty()) {
                names.add(unit.key().twin());
            }
        }
        return List.copyOf(names);
    }

    private Optional<Compared> compared(
            String model, String twin, Dose dose, Disturbance disturbance, String outcome, Scores scores) {
        var open = new Side(twin, Twin.Side.OPEN);
        var closed = new Side(twin, Twin.Side.CLOSED);
        var pairs = new Pairs(List.of("open loop", "closed loop"));
        for (var concept : plan.judged()) {
            add(pairs, model, concept, dose, disturbance, open, closed, scores);
        }
        if (pairs.first.size() < 2) {
            return Optional.empty();
        }
        var design = pairs.design();
        return Optional.of(new Compared(
                model,
                twin,
                dose.toString(),
                disturbance.name(),
                outcome,
                design.interval(),
                design.p(),
                design.equivalence(plan.margin()),
                pairs.atOneDose(),
                plan.margin(),
                design.detectable(),
                design.power(plan.margin()),
                Effect.of(flat(pairs.first), flat(pairs.none)),
                Effect.of(flat(pairs.second), flat(pairs.none)),
                mean(pairs.klFirst),
                mean(pairs.klSecond),
                design.concepts(),
                design.rows(),
                note(dose, disturbance, pairs)));
    }

    /**
     * Names concepts at which a side's KL without disturbance differs from a KL dose by more than 20 %, or left out.
     */
    private static String note(Dose dose, Disturbance disturbance, Pairs pairs) {
        boolean dosed = dose.measure() == Dose.Measure.KL
                && disturbance.name().equals(Disturbance.none().name());
        var off = dosed
                ? Stream.of(
                                off(pairs.names.get(0), pairs.concepts, pairs.klFirst, dose),
                                off(pairs.names.get(1), pairs.concepts, pairs.klSecond, dose))
                        .filter(text -> !text.isEmpty())
                : Stream.<String>empty();
        var left = pairs.without.entrySet().stream()
                .map(entry -> "without " + entry.getKey() + " (" + entry.getValue() + ")");
        return String.join("; ", Stream.concat(off, left).toList());
    }

    private static String off(String arm, List<String> concepts, List<double[]> kl, Dose dose) {
        var off = IntStream.range(0, concepts.size())
                .filter(c -> Math.abs(mean(kl.get(c)) / dose.amount() - 1) > OFF)
                .mapToObj(c -> concepts.get(c) + " (" + Comparisons.number(mean(kl.get(c))) + " nats)")
                .toList();
        return off.isEmpty() ? "" : arm + " off its dose at " + String.join(", ", off);
    }

    /** An arm of the plan. */
    private record Side(String twin, Twin.Side side) {
        @Override
        public String toString() {
            return twin + ", " + side.word();
        }
    }

    /** Outcomes of two arms and of no steering, a row each concept; and why concepts are missing. */
    private static final class Pairs {
        private final List<String> names; // of the first and the second arm
        private final List<String> concepts = new ArrayList<>();
        private final List<double[]> first = new ArrayList<>();
        private final List<double[]> second = new ArrayList<>();
        private final List<double[]> none = new ArrayList<>();
        private final List<double[]> klFirst = new ArrayList<>();
        private final List<double[]> klSecond = new ArrayList<>();
        private final Map<String, String> without = new LinkedHashMap<>();

        Pairs(List<String> names) {
            this.names = names;
        }

        TwoWay design() {
            return TwoWay.ofDifferences(second.toArray(double[][]::new), first.toArray(double[][]::new));
        }

        ConfidenceInterval atOneDose() {
            double[] differences = new double[concepts.size()];
            double[] ratios = new double[concepts.size()];
            for (int c = 0; c < ratios.length; c++) {
                differences[c] = mean(second.get(c)) - mean(first.get(c));
                ratios[c] = mean(klSecond.get(c)) / mean(klFirst.get(c));
            }
            return AtOneDose.of(differences, ratios);
        }
    }

    private void add(
            Pairs pairs,
            String model,
            String concept,
            Dose dose,
            Disturbance disturbance,
            Side first,
            Side second,
            Scores scores) {
        var a = find(model, concept, dose, first, disturbance, pairs.without);
        var b = find(model, concept, dose, second, disturbance, pairs.without);
        if (a != null && b != null) {
            pairs.concepts.add(concept);
            pairs.first.add(scores.of(concept, a));
            pairs.second.add(scores.of(concept, b));
            pairs.none.add(scores.of(concept, units.get(Unit.Key.unsteered(model, concept, disturbance))));
            pairs.klFirst.add(a.kl());
            pairs.klSecond.add(b.kl());
        }
    }

    /**
     * Compares one arm with every other arm at one dose: how far it leads, whatever is fed back. All comparisons under
     * one disturbance are corrected together.
     *
     * @param twin whose side leads
     * @param side open or closed loop
     * @throws IllegalArgumentException if the plan has no such dose, or no text of that arm
     */
    public Table lead(Dose dose, String twin, Twin.Side side, Function<String, Metric> outcome) {
        requireDose(dose);
        var leader = new Side(twin, side);
        var scores = new Scores(outcome, new HashMap<>());
        var rows = new ArrayList<Lead>();
        var p = new ArrayList<Double>();
        for (var disturbance : disturbances) {
            for (var model : plan.models()) {
                for (var other : twins(model)) {
                    for (var its : Twin.Side.values()) {
                        lead(rows, model, dose, disturbance, leader, new Side(other, its), scores);
                    }
                }
            }
            var own = rows.subList(p.size(), rows.size());
            Arrays.stream(Holm.adjusted(
                            own.stream().mapToDouble(row -> row.design.p()).toArray()))
                    .forEach(p::add);
        }
        Check.that(!rows.isEmpty(), "no text of '%s' %s can be compared at %s", twin, side, dose);
        var table = Table.create("Lead of " + leader + ", at " + dose);
        column(table, "model", rows, row -> row.model);
        column(table, "disturbance", rows, row -> row.disturbance);
        column(table, "arm", rows, row -> row.other.twin);
        column(table, "side", rows, row -> row.other.side.word());
        column(table, "lead", rows, row -> row.design.interval().toString());
        column(table, "p, Holm", p, Comparisons::number);
        column(table, "concepts x rows", rows, row -> row.design.concepts() + " x " + row.design.rows());
        column(table, "note", rows, Lead::note);
        return table;
    }

    /**
     * Returns each arm's effect on each concept at one dose: the mean outcome of its texts, less that of unsteered
     * texts behind the same prompts. A row has no interval, and one concept proves little.
     *
     * @return columns model, disturbance and concept, then two for each pair, open loop first: {@code ActAdd / P,
     *     open}. A number is missing where an arm has no text.
     * @throws IllegalArgumentException if the plan has no such dose
     */
    public Table effects(Dose dose, Function<String, Metric> outcome) {
        var scores = new Scores(outcome, new HashMap<>());
        return byConcept(
                "effect at " + dose,
                dose,
                (texts, concept, disturbance) -> effect(texts, concept, disturbance, scores));
    }

    /**
     * Returns how far each arm moved the texts of each concept, in nats a token. Strengths were found on other prompts:
     * so single concepts are off the dose, and more so under a disturbance.
     *
     * @return columns as those of {@link #effects}
     * @throws IllegalArgumentException if the plan has no such dose
     */
    public Table doses(Dose dose) {
        return byConcept("KL at strengths for " + dose, dose, (texts, concept, disturbance) -> mean(texts.kl()));
    }

    /** A number that an arm's texts about a concept have. */
    @FunctionalInterface
    private interface OfTexts {
        double apply(Unit texts, String concept, Disturbance disturbance);
    }

    private Table byConcept(String title, Dose dose, OfTexts number) {
        requireDose(dose);
        var names = Stream.of("model", "disturbance", "concept")
                .map(StringColumn::create)
                .toList();
        var arms = new LinkedHashMap<Side, DoubleColumn>();
        plan.models().stream()
                .flatMap(model -> twins(model).stream())
                .flatMap(twin -> Stream.of(Twin.Side.values()).map(side -> new Side(twin, side)))
                .forEach(arm -> arms.put(arm, DoubleColumn.create(arm.toString())));
        for (var disturbance : disturbances) {
            for (var model : plan.models()) {
                for (var concept : plan.judged()) {
                    names.get(0).append(model);
                    names.get(1).append(disturbance.name());
                    names.get(2).append(concept);
                    arms.forEach((arm, column) -> {
                        var texts = find(model, concept, dose, arm, disturbance, new HashMap<>());
                        column.append(texts == null ? Double.NaN : number.apply(texts, concept, disturbance));
                    });
                }
            }
        }
        return Table.create(title)
                .addColumns(names.toArray(StringColumn[]::new))
                .addColumns(arms.values().toArray(DoubleColumn[]::new));
    }

    private double effect(Unit texts, String concept, Disturbance disturbance, Scores scores) {
        var unsteered = units.get(Unit.Key.unsteered(texts.key().model(), concept, disturbance));
        return mean(scores.of(concept, texts)) - mean(scores.of(concept, unsteered));
    }

    private record Lead(String model, String disturbance, Side other, TwoWay design, String note) {}

    private void lead(
            List<Lead> rows, String model, Dose dose, Disturbance disturbance, Side leader, Side other, Scores scores) {
        var pairs = new Pairs(List.of("the arm", "the leader"));
        for (var concept : plan.judged()) {
            add(pairs, model, concept, dose, disturbance, other, leader, scores);
        }
        if (!other.equals(leader) && pairs.first.size() > 1) {
            rows.add(new Lead(model, disturbance.name(), other, pairs.design(), note(dose, disturbance, pairs)));
        }
    }

    private Unit find(
            String model, String concept, Dose dose, Side arm, Disturbance disturbance, Map<String, String> without) {
        var key = Unit.Key.strength(model, concept, dose, arm.twin, arm.side);
        var strength = units.get(key);
        boolean reached = strength != null && strength.reached();
        var texts = reached ? units.get(key.under(disturbance.name())) : null;
        if (texts == null) {
            var reason = strength == null || reached ? "not run" : strength.reason();
            var side = arm.side.word() + " loop: ";
            without.merge(concept, side + reason, (one, other) -> one + "; " + other);
        }
        return texts;
    }

    /** The outcomes of units that were asked for, by concept and unit. */
    private record Scores(Function<String, Metric> outcome, Map<List<Object>, double[]> known) {
        double[] of(String concept, Unit unit) {
            return known.computeIfAbsent(
                    List.of(concept, unit.key()),
                    key -> outcome.apply(concept).all().apply(completions(unit)));
        }
    }

    /** What a unit keeps of its completions: prompts and texts. */
    private static List<Completion> completions(Unit unit) {
        return IntStream.range(0, unit.texts().size())
                .mapToObj(i -> new Completion(
                        unit.prompts().get(i),
                        unit.texts().get(i),
                        new int[0],
                        new int[0],
                        false,
                        unit.key().twin(),
                        Positions.PROMPT_END_AND_GENERATED,
                        new double[0][],
                        new double[0][]))
                .toList();
    }

    private static double[] flat(List<double[]> rows) {
        return rows.stream().flatMapToDouble(Arrays::stream).toArray();
    }

    private static double mean(List<double[]> rows) {
        return mean(flat(rows));
    }

    private static double mean(double[] row) {
        return Arrays.stream(row).average().orElseThrow();
    }

    private static <T> void column(Table table, String name, List<T> all, Function<T, String> text) {
        table.addColumns(StringColumn.create(name, all.stream().map(text)));
    }

    /** Returns the plan. */
    public Experiment plan() {
        return plan;
    }

    /** Returns the texts of all arms, in the order in which they were written. */
    public List<WrittenText> texts() {
        return units.values().stream()
                .filter(unit -> !unit.key().disturbance().isEmpty())
                .flatMap(Unit::written)
                .toList();
    }

    @Override
    public String toString() {
        return "Results[" + units.size() + " units of " + plan + "]";
    }
}
