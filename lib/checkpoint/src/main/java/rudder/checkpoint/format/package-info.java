/**
 * Files: GGUF and safetensors, JSON and csv, checksums, whole writes, and the progress of long work.
 *
 * <p>Readers check sizes and offsets before they allocate. Writers write beside the file and rename, so that a file is
 * whole or absent.
 *
 * <p>May use: the JDK, Gson and the csv parser. Knows no other package of Rudder.
 */
package rudder.checkpoint.format;
