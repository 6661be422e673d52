/**
 * Text files: read whole, or grown line by line.
 *
 * <p>May use: the JDK. Knows no other package of Rudder.
 */
package rudder.checkpoint.text;
