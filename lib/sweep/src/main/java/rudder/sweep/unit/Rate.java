package rudder.sweep.unit;

import java.util.Locale;

/**
 * How fast this machine computed one unit of a plan.
 *
 * @param work of the unit, in the plan's own measure, such as tokens
 * @param seconds it took
 * @param cores of this machine; the unit had all of them
 */
public record Rate(double work, double seconds, int cores) {

    /** Returns the rate of a unit that began at this value of {@link System#nanoTime}, and has ended. */
    public static Rate since(long start, double work) {
        return new Rate(work, UnitTask.seconds(start), Runtime.getRuntime().availableProcessors());
    }

    /** Returns the estimate for so much work, in hours of one core. */
    public double hours(double all) {
        return all / work * seconds * cores / 3600;
    }

    /** Returns an estimate in words, with its source; without a rate, how to get one. */
    public static String words(double hours, String source) {
        return Double.isNaN(hours)
                ? "hours unknown before timed()"
                : String.format(Locale.ROOT, "%.3g hours of one core, as %s", hours, source);
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "the first unit took %.3g s on %d cores here", seconds, cores);
    }
}
