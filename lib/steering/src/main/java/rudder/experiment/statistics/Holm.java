package rudder.experiment.statistics;

import java.util.Comparator;
import java.util.stream.IntStream;
import rudder.theory.Check;

/**
 * Holm's correction for several tests: rejecting where the adjusted p is at most 0.05 keeps the probability of any
 * false rejection at 0.05, however the tests depend on each other. Source: Holm, Scandinavian Journal of Statistics 6
 * (1979).
 */
public final class Holm {

    private Holm() {}

    /**
     * Returns the adjusted p in the order given. With p_(1) &lt;= .. &lt;= p_(m) the i-th is {@code max_{j <= i} min(1,
     * (m - j + 1) p_(j))}.
     *
     * @throws IllegalArgumentException if a p is not in 0..1
     */
    public static double[] adjusted(double... p) {
        return within(p.length, p);
    }

    /**
     * Returns the adjusted p of some tests of a larger family, m, whose others are still to come: as if every p that is
     * missing were 1. So the next tests leave no p larger than it is now, unless they are smaller themselves.
     *
     * @param family number of tests in all
     * @throws IllegalArgumentException if there are more p than that, or a p is not in 0..1
     */
    public static double[] within(int family, double... p) {
        Check.that(p.length <= family, "%d tests, wanted at most the family's %d", p.length, family);
        for (double one : p) {
            Check.that(one >= 0 && one <= 1, "a p of %s, wanted 0..1", one);
        }
        int[] order = IntStream.range(0, p.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> p[i]))
                .mapToInt(i -> i)
                .toArray();
        double[] adjusted = new double[p.length];
        double largest = 0;
        for (int j = 0; j < order.length; j++) {
            largest = Math.max(largest, Math.min(1, (family - j) * p[order[j]]));
            adjusted[order[j]] = largest;
        }
        return adjusted;
    }
}
