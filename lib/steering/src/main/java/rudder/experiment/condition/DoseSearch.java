package rudder.experiment.condition;

import java.util.Map;
import java.util.TreeMap;
import rudder.theory.Check;

/** The search for the strength of one dose, a step at a time: {@link Dose#find} says how. */
final class DoseSearch {

    private static final double STRONGEST = 64;
    private static final double WEAKEST = 1.0 / 256;
    private static final int STEPS = 12;

    private final Dose dose;
    private final TreeMap<Double, Double> tried = new TreeMap<>();
    private double strength; // to be measured, or measured last
    private double other; // the strength before, while none is beyond the dose
    private double before; // its dose
    private boolean below; // whether the first strength has less than the dose
    private boolean bracketed;
    private double low;
    private double high;
    private double from; // the weakest strength of the bracket
    private int steps;
    private Dose.Found found; // null while the search goes on

    DoseSearch(Dose dose, double start) {
        Check.that(
                start >= WEAKEST && start <= STRONGEST,
                "a search from strength %s, wanted %s..%s",
                start,
                WEAKEST,
                STRONGEST);
        this.dose = dose;
        strength = start;
        other = start;
    }

    boolean isOver() {
        return found != null;
    }

    /** Returns what was found. The search must be over. */
    Dose.Found found() {
        return found;
    }

    /** Returns the strength whose dose is wanted next. */
    double strength() {
        return strength;
    }

    /** Goes on with the dose of {@link #strength}. */
    void measured(double now) {
        boolean first = tried.isEmpty();
        tried.put(strength, now);
        if (first) {
            below = now < dose.amount();
        } else if (!bracketed && !below && now > before + Dose.TOLERANCE * dose.excess(before)) {
            fail(Dose.Outcome.OUT_OF_REACH);
            return;
        }
        if (bracketed) {
            narrow(now);
        } else if (dose.accepts(now) || now < dose.amount() != below) {
            from = Math.min(strength, other);
            low = from;
            high = Math.max(strength, other);
            bracketed = true;
            goOn(now);
        } else {
            before = now;
            other = strength;
            strength = below ? Math.min(2 * strength, STRONGEST) : Math.max(strength / 2, WEAKEST);
            if (strength == other) {
                fail(Dose.Outcome.OUT_OF_REACH);
            }
        }
    }

    private void narrow(double now) {
        if (now < dose.amount()) {
            low = strength;
        } else {
            high = strength;
        }
        steps++;
        goOn(now);
    }

    /** Ends the search, or chooses the next strength within the bracket. Bisection takes every second step. */
    private void goOn(double now) {
        if (!dose.accepts(now) && steps < STEPS) {
            strength = steps % 2 == 0 ? between() : (low + high) / 2;
        } else if (!isMonotone(tried.tailMap(below ? 0 : from))) {
            fail(Dose.Outcome.NOT_MONOTONE);
        } else if (dose.accepts(now)) {
            found = new Dose.Found(Dose.Outcome.REACHED, strength, now, tried);
        } else {
            fail(Dose.Outcome.JUMPS);
        }
    }

    /**
     * Returns where {@code dose = c strength^n} through both ends has the amount, a tenth of the way from either end at
     * least. Such steps alone may move one end only.
     */
    private double between() {
        double weak = Math.max(dose.excess(tried.get(low)), Double.MIN_NORMAL);
        double part = Math.log(dose.excess(dose.amount()) / weak) / Math.log(dose.excess(tried.get(high)) / weak);
        return low * Math.pow(high / low, Math.min(0.9, Math.max(0.1, part)));
    }

    private void fail(Dose.Outcome outcome) {
        found = new Dose.Found(outcome, Double.NaN, Double.NaN, tried);
    }

    /** Whether no stronger arm has a dose that is smaller by more than the tolerance. */
    private boolean isMonotone(Map<Double, Double> doses) {
        double largest = Double.NEGATIVE_INFINITY;
        for (double one : doses.values()) {
            if (one < largest - Dose.TOLERANCE * dose.excess(dose.amount())) {
                return false;
            }
            largest = Math.max(largest, one);
        }
        return true;
    }
}
