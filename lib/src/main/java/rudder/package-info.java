/**
 * What a researcher works with: {@link rudder.ContrastSet} and {@link rudder.Features} say what is to be steered and where to,
 * {@link rudder.Linearization} is the linear system that {@link rudder.theory.Lqr} solves, and {@link rudder.Comparison} holds controllers
 * beside one another on the same prompts. Symbols are those of {@link rudder.theory}.
 */
package rudder;
