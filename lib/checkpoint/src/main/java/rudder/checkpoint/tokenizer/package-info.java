/**
 * Converts text to tokens and back: tokenizers of GGUF files and of {@code tokenizer.json}, chat templates, streamed
 * decoding.
 *
 * <p>May use: {@code format}, {@code tokenizer.jinja}, {@code tokenizer.part}, and DJL's tokenizers, which run Hugging
 * Face's own code.
 */
package rudder.checkpoint.tokenizer;
