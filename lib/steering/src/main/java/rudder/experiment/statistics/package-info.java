/**
 * Says what paired differences over concepts and rows show: intervals, tests of difference and of equivalence, power,
 * and corrections for many comparisons.
 *
 * <p>May use: {@code rudder.compare} and what it may use.
 */
package rudder.experiment.statistics;
