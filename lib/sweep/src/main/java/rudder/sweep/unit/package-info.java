/**
 * Internal: what sweeps and surveys have in common. A unit is computed by one task of Spark, on the models of its
 * process, and committed to a folder under the digest of all that its result depends on.
 *
 * <p>May use: {@code rudder.model}; Spark, Hadoop's file systems, Parquet.
 */
package rudder.sweep.unit;
