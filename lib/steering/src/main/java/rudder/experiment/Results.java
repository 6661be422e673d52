package rudder.experiment;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import rudder.compare.Metric;
import rudder.model.Completion;
import rudder.model.Positions;
import rudder.theory.Check;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** The texts of an experiment, to be judged as often as one likes. Judging needs no steered model. */
public final class Results {

    /** Part of the dose by which an arm's KL on test prompts may differ before the table says so. */
    private static final double OFF = 0.2;

    private final Experiment plan;
    private final Map<Unit.Key, Unit> units = new LinkedHashMap<>();

    Results(Experiment plan, List<Unit> units) {
        this.plan = plan;
        units.forEach(unit -> this.units.put(unit.key(), unit));
    }

    /**
     * A difference between the sides of a twin: one model, twin, dose and disturbance.
     *
     * @param model name
     * @param twin name
     * @param disturbance name
     * @param design closed loop less open loop, over concepts and rows
     * @param p of no difference, by Holm over all comparisons of a table
     * @param equivalence p of a difference within the margin fails, by Holm likewise
     * @param verdict what follows
     * @param open effect of the open loop on the outcome
     * @param closed effect of the closed loop
     * @param klOpen mean KL on test prompts, nats a token
     * @param klClosed of the closed loop
     * @param without concepts left out, because an arm has no strength of the dose, with the reason
     */
    public record Compared(
            String model,
            String twin,
            String disturbance,
            TwoWay design,
            double p,
            double equivalence,
            Verdict verdict,
            Effect open,
            Effect closed,
            double klOpen,
            double klClosed,
            Map<String, String> without) {}

    /**
     * Compares all twins at one dose. All comparisons of the call are corrected together.
     *
     * @param dose one of the plan's
     * @param outcome maps a concept to the column that is compared: a judge's metric, or the harmonic mean of several.
     *     It sees prompt and text only, and each text once
     * @throws IllegalArgumentException if the plan has no such dose
     */
    public List<Compared> compare(Dose dose, Function<String, Metric> outcome) {
        Check.that(plan.doses().contains(dose), "%s is not among the doses %s", dose, plan.doses());
        var found = new ArrayList<Compared>();
        var scores = new Scores(outcome, new HashMap<>());
        for (var model : plan.models()) {
            for (var twin : twins(model)) {
                for (var disturbance : plan.disturbances()) {
                    compared(model, twin, dose, disturbance, scores).ifPresent(found::add);
                }
            }
        }
        double[] p = Holm.adjusted(found.stream().mapToDouble(one -> one.p).toArray());
        double[] equivalence =
                Holm.adjusted(found.stream().mapToDouble(one -> one.equivalence).toArray());
        for (int i = 0; i < p.length; i++) {
            found.set(i, corrected(found.get(i), p[i], equivalence[i]));
        }
        return found;
    }

    private static Compared corrected(Compared one, double p, double equivalence) {
        return new Compared(
                one.model,
                one.twin,
                one.disturbance,
                one.design,
                p,
                equivalence,
                Verdict.of(one.design.mean(), p, equivalence),
                one.open,
                one.closed,
                one.klOpen,
                one.klClosed,
                one.without);
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

    private Optional<Compared> compared(String model, String twin, Dose dose, Disturbance disturbance, Scores scores) {
        var closed = new ArrayList<double[]>();
        var open = new ArrayList<double[]>();
        var none = new ArrayList<double[]>();
        var klOpen = new ArrayList<double[]>();
        var klClosed = new ArrayList<double[]>();
        var without = new LinkedHashMap<String, String>();
        for (var concept : plan.judged()) {
            var a = find(model, concept, dose, twin, Twin.Side.OPEN, disturbance, without);
            var b = find(model, concept, dose, twin, Twin.Side.CLOSED, disturbance, without);
            if (a != null && b != null) {
                open.add(scores.of(concept, a));
                closed.add(scores.of(concept, b));
                none.add(scores.of(concept, unsteered(model, concept, disturbance)));
                klOpen.add(a.kl());
                klClosed.add(b.kl());
            }
        }
        if (open.size() < 2) {
            return Optional.empty();
        }
        var design = TwoWay.ofDifferences(closed.toArray(double[][]::new), open.toArray(double[][]::new));
        return Optional.of(new Compared(
                model,
                twin,
                disturbance.name(),
                design,
                design.p(),
                design.equivalence(plan.margin()),
                Verdict.NOT_RESOLVED,
                Effect.of(flat(open), flat(none)),
                Effect.of(flat(closed), flat(none)),
                mean(klOpen),
                mean(klClosed),
                without));
    }

    private Unit find(
            String model,
            String concept,
            Dose dose,
            String twin,
            Twin.Side side,
            Disturbance disturbance,
            Map<String, String> without) {
        var strength = units.get(new Unit.Key(model, concept, dose.toString(), twin, side.name(), ""));
        if (strength == null || !strength.reached()) {
            without.merge(
                    concept,
                    side + ": " + (strength == null ? "not run" : strength.outcome()),
                    (one, other) -> one + "; " + other);
            return null;
        }
        return units.get(new Unit.Key(model, concept, dose.toString(), twin, side.name(), disturbance.name()));
    }

    private Unit unsteered(String model, String concept, Disturbance disturbance) {
        return units.get(new Unit.Key(model, disturbance.ofConcept() ? concept : "", "", "", "", disturbance.name()));
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
        return Arrays.stream(flat(rows)).average().orElseThrow();
    }

    /**
     * Returns the {@link #compare comparisons} as a table, one row each. The column "note" names arms whose KL without
     * disturbance differs from a KL dose by more than 20 %, and concepts that were left out.
     */
    public Table table(Dose dose, Function<String, Metric> outcome) {
        var all = compare(dose, outcome);
        var table = Table.create("Closed loop less open loop at " + dose);
        column(table, "model", all, one -> one.model);
        column(table, "twin", all, one -> one.twin);
        column(table, "disturbance", all, one -> one.disturbance);
        column(table, "difference", all, one -> one.design.interval().toString());
        column(table, "p, Holm", all, one -> number(one.p));
        column(table, "p of equivalence, Holm", all, one -> number(one.equivalence));
        column(table, "verdict", all, one -> one.verdict.in(plan.margin()));
        column(table, "least difference found with power 0.8", all, one -> number(one.design.detectable()));
        column(table, "power at the margin", all, one -> number(one.design.power(plan.margin())));
        column(table, "KL, open", all, one -> number(one.klOpen));
        column(table, "KL, closed", all, one -> number(one.klClosed));
        column(table, "effect, open", all, one -> number(one.open.mean()));
        column(table, "effect, closed", all, one -> number(one.closed.mean()));
        column(table, "variance, open", all, one -> number(one.open.variance()));
        column(table, "variance, closed", all, one -> number(one.closed.variance()));
        column(table, "fallen, open", all, one -> number(one.open.fallen()));
        column(table, "fallen, closed", all, one -> number(one.closed.fallen()));
        column(table, "concepts x rows", all, one -> one.design.concepts() + " x " + one.design.rows());
        column(table, "note", all, one -> note(dose, one));
        return table;
    }

    private String note(Dose dose, Compared one) {
        var off = dose.measure() != Dose.Measure.KL || !isPlain(one.disturbance)
                ? Stream.<String>empty()
                : Stream.of(off("open", one.klOpen, dose), off("closed", one.klClosed, dose))
                        .filter(text -> !text.isEmpty());
        var left = one.without.entrySet().stream()
                .map(entry -> "without " + entry.getKey() + " (" + entry.getValue() + ")");
        return String.join("; ", Stream.concat(off, left).toList());
    }

    /** Whether a disturbance changes nothing that the dose was found for. */
    private boolean isPlain(String name) {
        return name.equals(Disturbance.none().name());
    }

    private static String off(String side, double kl, Dose dose) {
        return Math.abs(kl / dose.amount() - 1) <= OFF ? "" : side + " loop off its dose: " + number(kl) + " nats";
    }

    private static void column(Table table, String name, List<Compared> all, Function<Compared, String> text) {
        table.addColumns(StringColumn.create(name, all.stream().map(text)));
    }

    private static String number(double x) {
        return String.format(Locale.ROOT, "%.3f", x);
    }

    Experiment plan() {
        return plan;
    }

    /** A text with what it was made for. */
    record Written(Unit.Key key, String prompt, String text) {}

    /** The texts of judged arms, in the file's order. */
    List<Written> texts() {
        return units.values().stream()
                .filter(unit -> !unit.key().disturbance().isEmpty())
                .flatMap(unit -> IntStream.range(0, unit.texts().size())
                        .mapToObj(i -> new Written(
                                unit.key(), unit.prompts().get(i), unit.texts().get(i))))
                .toList();
    }

    @Override
    public String toString() {
        return "Results[" + units.size() + " units of " + plan + "]";
    }
}
