/**
 * Where models and data come from: the catalogue, package registries, the Hugging Face hub, and the cache.
 *
 * <p>Whatever is fetched is checked by its sha256 and fetched once. No other package uses the network.
 *
 * <p>May use: all other packages of this module.
 */
package rudder.checkpoint.store;
