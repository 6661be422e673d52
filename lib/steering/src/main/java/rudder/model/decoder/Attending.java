package rudder.model.decoder;

import rudder.kernel.PackedInput;

/** Attention of some tokens, which are columns. */
@FunctionalInterface
interface Attending {

    /** Writes the outputs of block k's heads for the normed states [d, width], [h w, width]. */
    void heads(int k, DecoderBlock block, PackedInput normed, float[] out);
}
