/**
 * Describes models on disk: the configuration of an architecture and the names of its tensors.
 *
 * <p>A {@link rudder.checkpoint.Checkpoint} is an open model: a GGUF file or a folder in Hugging Face's layout. A
 * {@link rudder.checkpoint.ModelConfig} describes every architecture by sizes and switches; {@code HfConfig} and
 * {@code GgufConfig} read it.
 *
 * <p>May use: {@code format} and {@code tokenizer}. Knows no engine, no control theory and no network.
 */
package rudder.checkpoint;
