/**
 * File formats and utilities: GGUF and safetensors, checksums, whole writes, locks, progress of long work.
 *
 * <p>Readers check sizes and offsets before they allocate. Writers write beside the file and rename, so that a file is
 * whole or absent.
 *
 * <p>May use: the JDK. Knows no other package of Rudder but {@code text}.
 */
package rudder.checkpoint.format;
