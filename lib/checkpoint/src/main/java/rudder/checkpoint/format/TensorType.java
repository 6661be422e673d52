package rudder.checkpoint.format;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Optional;
import rudder.kernel.Unpacker;

/**
 * The encoding of a tensor's numbers: blocks of a fixed number of values in a fixed number of bytes, little endian.
 *
 * <ul>
 *   <li>Plain types have one value a block.
 *   <li>Types 0 and 1 hold 32 values: a half-precision scale d (and minimum m), then small unsigned integers q. A value
 *       is d (q - centre) or d q + m.
 *   <li>K types hold 256 values in sub-blocks. Scales (and minima) of sub-blocks are small integers times the block's d
 *       (and dmin).
 *   <li>IQ4 types hold indices of 16 numbers, for 32 values with a scale, or for 256 values in sub-blocks.
 * </ul>
 *
 * Source: llama.cpp's {@code ggml-quants.c}.
 */
enum TensorType {
    F32(0, 1, 4) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int i = 0; i < blocks; i++) {
                out[i] = (float) FLOAT.get(in, 4 * i);
            }
        }
    },

    F64(28, 1, 8) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int i = 0; i < blocks; i++) {
                out[i] = (float) (double) DOUBLE.get(in, 8 * i);
            }
        }
    },

    F16(1, 1, 2) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int i = 0; i < blocks; i++) {
                out[i] = half(in, 2 * i);
            }
        }
    },

    /** The upper half of a float32. */
    BF16(30, 1, 2) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int i = 0; i < blocks; i++) {
                out[i] = Float.intBitsToFloat((short) SHORT.get(in, 2 * i) << 16);
            }
        }
    },

    /** d, 16 bytes: the low nibbles are values 0..15, the high ones 16..31. */
    Q4_0(2, 32, 18) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 18, to += 32) {
                float d = half(in, at);
                for (int i = 0; i < 16; i++) {
                    int q = in[at + 2 + i];
                    out[to + i] = d * ((q & 15) - 8);
                    out[to + 16 + i] = d * ((q >> 4 & 15) - 8);
                }
            }
        }
    },

    /** d, m, then like Q4_0. */
    Q4_1(3, 32, 20) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 20, to += 32) {
                float d = half(in, at);
                float m = half(in, at + 2);
                for (int i = 0; i < 16; i++) {
                    int q = in[at + 4 + i];
                    out[to + i] = d * (q & 15) + m;
                    out[to + 16 + i] = d * (q >> 4 & 15) + m;
                }
            }
        }
    },

    /** d, 32 fifth bits (bit i belongs to value i), then like Q4_0. */
    Q5_0(6, 32, 22) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 22, to += 32) {
                float d = half(in, at);
                int fifth = (int) INT.get(in, at + 2);
                for (int i = 0; i < 16; i++) {
                    int q = in[at + 6 + i];
                    out[to + i] = d * ((q & 15 | (fifth >> i & 1) << 4) - 16);
                    out[to + 16 + i] = d * ((q >> 4 & 15 | (fifth >> i + 16 & 1) << 4) - 16);
                }
            }
        }
    },

    /** d, m, then like Q5_0. */
    Q5_1(7, 32, 24) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 24, to += 32) {
                float d = half(in, at);
                float m = half(in, at + 2);
                int fifth = (int) INT.get(in, at + 4);
                for (int i = 0; i < 16; i++) {
                    int q = in[at + 8 + i];
                    out[to + i] = d * (q & 15 | (fifth >> i & 1) << 4) + m;
                    out[to + 16 + i] = d * (q >> 4 & 15 | (fifth >> i + 16 & 1) << 4) + m;
                }
            }
        }
    },

    /** d, 16 bytes of nibbles as in Q4_0, each the index of one of 16 numbers. */
    IQ4_NL(20, 32, 18) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 18, to += 32) {
                float d = half(in, at);
                for (int i = 0; i < 16; i++) {
                    int q = in[at + 2 + i];
                    out[to + i] = d * UNEVEN[q & 15];
                    out[to + 16 + i] = d * UNEVEN[q >> 4 & 15];
                }
            }
        }
    },

    /** d, 32 signed bytes. */
    Q8_0(8, 32, 34) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 34, to += 32) {
                float d = half(in, at);
                for (int i = 0; i < 32; i++) {
                    out[to + i] = d * in[at + 2 + i];
                }
            }
        }
    },

    /**
     * 16 bytes, the low nibble a sub-block's scale and the high one its minimum; 64 bytes of bit pairs; d, dmin. Each
     * half (128 values) has 32 bytes of pairs: quarter c of a half takes pair c.
     */
    Q2_K(10, 256, 84) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 84) {
                float d = half(in, at + 80);
                float dmin = half(in, at + 82);
                for (int j = 0; j < 16; j++, to += 16) { // sub-block j: half j / 8, quarter j / 2 mod 4
                    float scale = d * (in[at + j] & 15);
                    float min = dmin * (in[at + j] >> 4 & 15);
                    int pairs = at + 16 + 32 * (j >> 3) + 16 * (j & 1);
                    int shift = 2 * (j >> 1 & 3);
                    for (int k = 0; k < 16; k++) {
                        out[to + k] = scale * (in[pairs + k] >> shift & 3) - min;
                    }
                }
            }
        }
    },

    /**
     * 32 bytes of third bits, 64 bytes of bit pairs as in Q2_K, 12 bytes of 6-bit scales for 16 sub-blocks, d. Bit j of
     * byte i is the third bit of value i of the 32 values j; a value whose third bit is 0 is 4 less.
     */
    Q3_K(11, 256, 110) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 110) {
                float d = half(in, at + 108);
                for (int j = 0; j < 16; j++, to += 16) {
                    int low = in[at + 96 + (j & 7)] >> 4 * (j >> 3) & 15; // the nibbles of the first 8 bytes
                    int high = in[at + 104 + (j & 3)] >> 2 * (j >> 2) & 3; // the bit pairs of the last 4
                    float scale = d * ((low | high << 4) - 32);
                    int thirds = at + 16 * (j & 1);
                    int pairs = at + 32 + 32 * (j >> 3) + 16 * (j & 1);
                    int shift = 2 * (j >> 1 & 3);
                    for (int k = 0; k < 16; k++) {
                        int q = in[pairs + k] >> shift & 3 | (in[thirds + k] >> (j >> 1) & 1) << 2;
                        out[to + k] = scale * (q - 4);
                    }
                }
            }
        }
    },

    /**
     * d, 16 bits with the upper two bits of 8 scales, 4 bytes with their low nibbles, then for each of 8 sub-blocks 16
     * bytes as in IQ4_NL.
     */
    IQ4_XS(23, 256, 136) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 136) {
                float d = half(in, at);
                int upper = (short) SHORT.get(in, at + 2);
                for (int j = 0; j < 8; j++, to += 32) {
                    int low = in[at + 4 + (j >> 1)] >> 4 * (j & 1) & 15;
                    float scale = d * ((low | (upper >> 2 * j & 3) << 4) - 32);
                    for (int i = 0; i < 16; i++) {
                        int q = in[at + 8 + 16 * j + i];
                        out[to + i] = scale * UNEVEN[q & 15];
                        out[to + 16 + i] = scale * UNEVEN[q >> 4 & 15];
                    }
                }
            }
        }
    },

    /**
     * d, dmin, 12 bytes of scales and minima for 8 sub-blocks, then 32 bytes for each pair of sub-blocks: the low
     * nibbles are the first, the high nibbles the second.
     */
    Q4_K(12, 256, 144) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 144) {
                float d = half(in, at);
                float dmin = half(in, at + 2);
                for (int j = 0; j < 8; j++, to += 32) {
                    float scale = d * scale(in, at + 4, j);
                    float min = dmin * minimum(in, at + 4, j);
                    int quants = at + 16 + 32 * (j >> 1);
                    int shift = 4 * (j & 1);
                    for (int i = 0; i < 32; i++) {
                        out[to + i] = scale * (in[quants + i] >> shift & 15) - min;
                    }
                }
            }
        }
    },

    /** Like Q4_K, with 32 bytes of fifth bits before the nibbles: bit j of byte i belongs to value i of sub-block j. */
    Q5_K(13, 256, 176) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 176) {
                float d = half(in, at);
                float dmin = half(in, at + 2);
                for (int j = 0; j < 8; j++, to += 32) {
                    float scale = d * scale(in, at + 4, j);
                    float min = dmin * minimum(in, at + 4, j);
                    int fifth = at + 16;
                    int quants = at + 48 + 32 * (j >> 1);
                    int shift = 4 * (j & 1);
                    for (int i = 0; i < 32; i++) {
                        out[to + i] = scale * (in[quants + i] >> shift & 15 | (in[fifth + i] >> j & 1) << 4) - min;
                    }
                }
            }
        }
    },

    /**
     * 128 bytes of nibbles, 64 bytes of upper bit pairs, 16 signed scales, d. Each half (128 values) has 64 bytes of
     * nibbles and 32 bytes of pairs. Quarter c of a half takes pair c and the nibbles of bytes 32 (c mod 2) and up: the
     * low ones for c &lt; 2, else the high ones.
     */
    Q6_K(14, 256, 210) {
        @Override
        void decode(byte[] in, int blocks, float[] out) {
            for (int b = 0, at = 0, to = 0; b < blocks; b++, at += 210) {
                float d = half(in, at + 208);
                for (int j = 0; j < 16; j++, to += 16) { // sub-block j: half j / 8, quarter c, 16 values from i
                    int half = j >> 3;
                    int c = j >> 1 & 3;
                    int i = 16 * (j & 1);
                    float scale = d * in[at + 192 + j];
                    int nibbles = at + 64 * half + 32 * (c & 1) + i;
                    int pairs = at + 128 + 32 * half + i;
                    int shift = 4 * (c >> 1);
                    for (int k = 0; k < 16; k++) {
                        int q = in[nibbles + k] >> shift & 15 | (in[pairs + k] >> 2 * c & 3) << 4;
                        out[to + k] = scale * (q - 32);
                    }
                }
            }
        }
    };

    /** The 16 numbers of the IQ4 types: dense near zero, where most weights are. */
    private static final byte[] UNEVEN = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, LITTLE_ENDIAN);
    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, LITTLE_ENDIAN);
    static final VarHandle FLOAT = MethodHandles.byteArrayViewVarHandle(float[].class, LITTLE_ENDIAN);
    static final VarHandle DOUBLE = MethodHandles.byteArrayViewVarHandle(double[].class, LITTLE_ENDIAN);

    /** The number of the type in GGUF files. */
    final int ggufId;
    /** Values in a block. */
    final int values;
    /** Bytes of a block. */
    final int bytes;

    private final Unpacker unpacker; // null where no kernel reads this type

    TensorType(int ggufId, int values, int bytes) {
        this.ggufId = ggufId;
        this.values = values;
        this.bytes = bytes;
        unpacker = Unpacker.of(ggufId).orElse(null);
    }

    /** Does as {@link #decode}, to the bit, in vector registers where there is a kernel. */
    final void unpack(byte[] in, int blocks, float[] out) {
        if (unpacker == null) {
            decode(in, blocks, out);
        } else {
            unpacker.unpack(in, blocks * values, out);
        }
    }

    /** Decodes the first blocks of {@code in} to the start of {@code out}. */
    abstract void decode(byte[] in, int blocks, float[] out);

    static Optional<TensorType> ofGguf(int id) {
        return Arrays.stream(values()).filter(t -> t.ggufId == id).findFirst();
    }

    /** Returns an IEEE 754 half (sign, 5 bits of exponent with bias 15, 10 of fraction), which is exact in float32. */
    static float half(byte[] in, int at) {
        int bits = (short) SHORT.get(in, at);
        int magnitude = bits & 0x7fff;
        float value = magnitude < 0x0400
                ? magnitude * 0x1p-24f // zero and subnormals
                : Float.intBitsToFloat(
                        magnitude < 0x7c00
                                ? (magnitude << 13) + (127 - 15 << 23) // the exponent with float32's bias
                                : 0x7f800000 | (magnitude & 0x03ff) << 13); // infinities and NaN
        return bits < 0 ? -value : value;
    }

    /**
     * Returns the 6-bit scale of sub-block j. For j &lt; 4 byte j has it whole; else byte j + 4 has the low nibble and
     * byte j - 4 the upper two bits.
     */
    private static int scale(byte[] in, int at, int j) {
        return j < 4 ? in[at + j] & 63 : in[at + j + 4] & 15 | (in[at + j - 4] >> 6 & 3) << 4;
    }

    /**
     * Returns the 6-bit minimum of sub-block j. For j &lt; 4 byte j + 4 has it whole; else the high nibble of byte j +
     * 4 has the low four bits and byte j the upper two.
     */
    private static int minimum(byte[] in, int at, int j) {
        return j < 4 ? in[at + j + 4] & 63 : in[at + j + 4] >> 4 & 15 | (in[at + j] >> 6 & 3) << 4;
    }
}
