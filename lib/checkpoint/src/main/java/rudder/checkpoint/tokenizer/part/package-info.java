/**
 * The parts of a tokenizer that Rudder checks or runs itself: added tokens, normalisers, and the checks before the
 * native library sees a {@code tokenizer.json}. Internal.
 *
 * <p>May use: {@code tokenizer.jinja.syntax}, whose texts remember who wrote each character.
 */
package rudder.checkpoint.tokenizer.part;
