/**
 * The package a user meets first: a language model that generates, and that can be steered, traced and linearised.
 *
 * <p>{@link rudder.model.LanguageModel} is loaded once and closed by its user. {@link rudder.model.SteeredModel} is a
 * cheap view of it through a {@link rudder.theory.control.Controller}. A {@link rudder.model.plant.PromptPlant} is the
 * dynamical system that a prompt makes of the model: one transformer layer, here called a block, is one time step.
 *
 * <p>May use: {@code rudder.checkpoint}, {@code rudder.theory} and the packages within {@code rudder.model}. No engine
 * type appears in a public signature.
 */
package rudder.model;
