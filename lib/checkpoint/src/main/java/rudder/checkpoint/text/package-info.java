/**
 * Text files: read whole or grown line by line, and the two formats that all of Rudder reads:
 * {@link rudder.checkpoint.text.Csv} and {@link rudder.checkpoint.text.StrictJson}. Records become JSON by
 * {@link rudder.checkpoint.text.RecordJson}. {@link rudder.checkpoint.text.FileNames} reads the names that users give;
 * {@link rudder.checkpoint.text.FolderAdvice} says how to change a model's folder.
 * {@link rudder.checkpoint.text.LfsPointer} refuses what Git LFS leaves in a file's place.
 *
 * <p>May use: the JDK, Gson and the csv parser. Knows no other package of Rudder.
 */
package rudder.checkpoint.text;
