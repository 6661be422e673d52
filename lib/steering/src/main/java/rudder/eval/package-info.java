/**
 * Tasks, judges and benchmarks: they measure whether steering has the wanted effect.
 *
 * <p>The Javadoc of every {@link rudder.eval.Judge} says how well it does on labelled examples. Report a rate with its
 * confidence interval.
 *
 * <p>May use: {@code rudder.compare} and what it may use.
 */
package rudder.eval;
