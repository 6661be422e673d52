/**
 * Multiplies vectors by matrices whose rows stay packed as a checkpoint stores them. Weights are unpacked in vector
 * registers only: no float32 copy of a matrix exists, and activations are not rounded.
 *
 * <p>May use: the JDK with its incubating module {@code jdk.incubator.vector}. Without that module, or on a processor
 * with vectors below 256 bits, {@link rudder.kernel.PackedMatrix#available} is false, and nothing here may be called.
 */
package rudder.kernel;
