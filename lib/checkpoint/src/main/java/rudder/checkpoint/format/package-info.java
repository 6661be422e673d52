/**
 * File formats and utilities: GGUF and safetensors, JSON and csv, checksums, whole writes, progress of long work.
 *
 * <p>Readers check sizes and offsets before they allocate. Writers write beside the file and rename, so that a file is
 * whole or absent. {@link rudder.checkpoint.format.Csv} and {@link rudder.checkpoint.format.StrictJson} are public
 * utilities for all of Rudder.
 *
 * <p>May use: the JDK, Gson and the csv parser. Knows no other package of Rudder but {@code text}.
 */
package rudder.checkpoint.format;
