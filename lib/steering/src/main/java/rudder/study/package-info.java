/**
 * Measures the paper's claims: local linearity, truncation, forecasts along the blocks, cost against scale.
 *
 * <p>May use: {@code rudder.compare} and what it may use.
 */
package rudder.study;
