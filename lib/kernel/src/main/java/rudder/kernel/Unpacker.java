package rudder.kernel;

import java.util.Optional;

/** Unpacks the blocks of one encoding in vector registers. Immutable and thread-safe. */
public final class Unpacker {

    private final RowKernel kernel;

    private Unpacker(RowKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Returns the unpacker of an encoding; empty if no kernel reads it, or this JVM has no vectors.
     *
     * @param type the encoding's number in GGUF files
     */
    public static Optional<Unpacker> of(int type) {
        return PackedMatrix.available() ? RowKernel.ofGguf(type).map(Unpacker::new) : Optional.empty();
    }

    /** Writes n values, whole blocks from the start of {@code packed}, to the start of {@code out}. */
    public void unpack(byte[] packed, int n, float[] out) {
        kernel.unpacked(packed, 0, n, out);
    }
}
