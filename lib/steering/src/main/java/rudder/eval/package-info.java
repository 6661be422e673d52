/**
 * Tasks, judges and benchmarks: whether steering did what it was to do.
 *
 * <p>Every {@link rudder.eval.Judge} says how well it does on labelled examples. A rate goes with its confidence
 * interval.
 *
 * <p>May use: {@code rudder.compare} and what it may use.
 */
package rudder.eval;
