/**
 * Charts, tables and progress in notebooks and on disk.
 *
 * <p>May use: every other package. None of them may use this one.
 */
package rudder.report;
