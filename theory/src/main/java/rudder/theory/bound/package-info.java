/**
 * How far a controlled plant can stray from its nominal run: a sampled, a conformal and a certified bound.
 *
 * <p>All three measure deviations in the norms of a {@link rudder.theory.bound.LyapunovFunction}. A
 * {@link rudder.theory.bound.SampledBound} holds for the runs it was sampled from, a
 * {@link rudder.theory.bound.ConformalBound} for a new run with a stated probability, and a
 * {@link rudder.theory.bound.CertifiedBound} for every run within its reach.
 *
 * <p>May use: {@code rudder.theory} and {@code rudder.theory.control}. Symbols are those of the former's table.
 */
package rudder.theory.bound;
