/**
 * The part of Jinja that chat templates use: an interpreter of what {@code syntax} parses.
 *
 * <p>{@link rudder.checkpoint.tokenizer.jinja.Template} parses and renders. The result is a
 * {@link rudder.checkpoint.tokenizer.jinja.syntax.Text}, which knows of each character whether the template or a
 * message wrote it. White space, truth, equality and formats are those of Jinja 3.1 as transformers configures it:
 * blocks are trimmed, loops may be left early, values are never changed in place.
 *
 * <p>A template is untrusted. It reaches no file, no class and no network; its steps, its output and its depth are
 * bounded.
 *
 * <p>May use: {@code syntax}.
 */
package rudder.checkpoint.tokenizer.jinja;
