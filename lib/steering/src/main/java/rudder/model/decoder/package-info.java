/**
 * Reads and writes texts on the Java heap, and linearises blocks there: weights stay packed as their file has them, and
 * nothing is copied to the engine. {@code transformer} describes the same blocks for any rows of prompts; tests hold
 * the two together.
 *
 * <p>May use: {@code theory}, {@code theory.control}, {@code checkpoint}, {@code kernel}.
 */
package rudder.model.decoder;
