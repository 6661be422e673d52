/**
 * Controllers beside one another on the same prompts: comparison, metrics with confidence intervals, grids and their
 * search.
 *
 * <p>May use: {@code rudder.steer} and what it may use; Tablesaw for tables.
 */
package rudder.compare;
