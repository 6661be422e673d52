/**
 * What a checkpoint says of its model: the configuration of the architecture and the names of its tensors.
 *
 * <p>A {@link rudder.checkpoint.Checkpoint} is a model on disk, opened: a GGUF file or a folder in Hugging Face's
 * layout. A {@link rudder.checkpoint.ModelConfig} describes every architecture by sizes and switches.
 *
 * <p>May use: {@code format} and {@code tokenizer}. Knows no engine, no control theory and no network.
 */
package rudder.checkpoint;
