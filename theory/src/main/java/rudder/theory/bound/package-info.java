/**
 * Bounds on the deviation of a controlled plant from its nominal run: sampled, conformal and certified.
 *
 * <p>All three measure deviations in the norms of a {@link rudder.theory.bound.LyapunovFunction}. A
 * {@link rudder.theory.bound.SampledBound} holds for the runs it was sampled from. A
 * {@link rudder.theory.bound.ConformalBound} holds for a new run with a stated probability. A
 * {@link rudder.theory.bound.CertifiedBound} holds for every run from its start.
 *
 * <p>May use {@code rudder.theory}, whose package description has the table of symbols, and
 * {@code rudder.theory.control}.
 */
package rudder.theory.bound;
