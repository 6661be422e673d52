/**
 * Finds and fetches models and data: the catalogue, package registries, the Hugging Face hub, and the cache.
 *
 * <p>Each file is fetched once and checked by its sha256. No other package uses the network.
 *
 * <p>May use: all other packages of this module.
 */
package rudder.checkpoint.store;
