/**
 * Comparisons on Apache Spark: plans of units, their completions as Parquet, and the comparison that one machine would
 * have given.
 *
 * <p>May use: {@code rudder.compare} and what it may use; Spark, Hadoop's file systems, Parquet. No other package knows
 * them.
 */
package rudder.sweep;
