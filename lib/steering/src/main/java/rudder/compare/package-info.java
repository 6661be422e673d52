/**
 * Compares controllers on the same prompts: comparisons, metrics with confidence intervals, grids of controllers and
 * their search.
 *
 * <p>May use: {@code rudder.steer} and what it may use; Tablesaw for tables.
 */
package rudder.compare;
