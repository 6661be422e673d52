/**
 * Natural-gradient steering: the direction that gains the most likelihood of a concept's texts for the least change of
 * all texts.
 *
 * <p>{@link rudder.steer.natural.Fisher} measures how much an input changes the distribution of texts.
 * {@link rudder.steer.natural.LikelihoodGradient} measures how much it helps the concept.
 * {@link rudder.steer.natural.NaturalGradient} makes directions and controllers from both.
 *
 * <p>May use: {@code rudder.steer}, {@code rudder.model}, {@code rudder.checkpoint} and {@code rudder.theory}.
 */
package rudder.steer.natural;
