package rudder.checkpoint.format;

import java.nio.ByteBuffer;

/**
 * A tensor as its file stores it: rows of blocks, mapped and not converted.
 *
 * @param type the encoding's number in GGUF files
 * @param shape slowest axis first
 * @param bytes all rows, from position 0 on; mapped until the garbage collector finds them unused
 */
public record PackedTensor(int type, long[] shape, ByteBuffer bytes) {}
