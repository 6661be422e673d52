package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTypeTest {

    /**
     * One value of one block, from the format's definition: value = factor * integer + addend, all in exact arithmetic.
     */
    private record Term(double factor, double addend) {
        double value() {
            return factor + addend;
        }

        /** Each product, and the sum, is rounded to float32 once or twice. */
        double tolerance() {
            return (Math.abs(factor) + Math.abs(addend)) * 0x1p-22 + 2 * Float.MIN_VALUE;
        }
    }

    @ParameterizedTest
    @EnumSource
    void decodesRandomBlocksAsTheFormatDefines(TensorType type) {
        Random random = new Random(type.ordinal());
        int blocks = 257;
        byte[] in = new byte[blocks * type.bytes];
        random.nextBytes(in);
        for (int b = 0; b < blocks; b++) {
            for (int half : halves(type)) { // scales as a model has them, some subnormal
                putHalf(in, b * type.bytes + half, random.nextInt(0x5000) | random.nextInt(2) << 15);
            }
        }
        float[] out = new float[blocks * type.values];
        type.decode(in, blocks, out);
        for (int i = 0; i < out.length; i++) {
            byte[] block = Arrays.copyOfRange(in, i / type.values * type.bytes, (i / type.values + 1) * type.bytes);
            Term exact = term(type, block, i % type.values);
            if (Double.isFinite(exact.value()) && Math.abs(exact.value()) < Float.MAX_VALUE) {
                assertEquals(exact.value(), out[i], exact.tolerance(), type + " value " + i);
            }
        }
    }

    @Test
    void decodesTheBlocksOfAnotherProgramBitForBit() throws IOException {
        Set<TensorType> met = EnumSet.noneOf(TensorType.class);
        for (String line : lines("tensor-blocks.csv")) {
            String[] field = line.split(",");
            TensorType type = TensorType.valueOf(field[0]);
            byte[] in = HexFormat.of().parseHex(field[1]);
            ByteBuffer wanted = ByteBuffer.wrap(HexFormat.of().parseHex(field[2]));
            int blocks = in.length / type.bytes;
            float[] out = new float[blocks * type.values];
            type.decode(in, blocks, out);
            for (float value : out) {
                assertEquals(wanted.getFloat(), value, type.toString());
            }
            met.add(type);
        }
        assertEquals(EnumSet.complementOf(EnumSet.of(TensorType.F64)), met);
    }

    @Test
    void everyHalfIsExact() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            byte[] in = new byte[2];
            putHalf(in, 0, bits);
            double wanted = half(in, 0);
            float found = TensorType.half(in, 0);
            assertTrue(
                    Double.isNaN(wanted) ? Float.isNaN(found) : wanted == found && 1 / wanted == 1 / (double) found,
                    Integer.toHexString(bits));
        }
    }

    /** The lines of a test resource without comments and head. */
    static List<String> lines(String resource) throws IOException {
        try (var in = new BufferedReader(
                new InputStreamReader(TensorTypeTest.class.getResourceAsStream(resource), StandardCharsets.UTF_8))) {
            return in.lines().filter(line -> !line.startsWith("#")).skip(1).toList();
        }
    }

    private static void putHalf(byte[] in, int at, int bits) {
        in[at] = (byte) bits;
        in[at + 1] = (byte) (bits >> 8);
    }

    private static int[] halves(TensorType type) {
        return switch (type) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS -> new int[] {0};
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q6_K -> new int[] {208};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            default -> new int[0];
        };
    }

    private static Term term(TensorType type, byte[] b, int i) {
        ByteBuffer buffer = ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN);
        int sub = i / 32;
        return switch (type) {
            case F32 -> new Term(buffer.getFloat(), 0);
            case F64 -> new Term(buffer.getDouble(), 0);
            case F16 -> new Term(half(b, 0), 0);
            case BF16 -> new Term(ByteBuffer.wrap(new byte[] {b[1], b[0], 0, 0}).getFloat(), 0);
            case Q4_0 -> new Term(half(b, 0) * (nibble(b, 2, i) - 8), 0);
            case Q4_1 -> new Term(half(b, 0) * nibble(b, 4, i), half(b, 2));
            case Q5_0 -> new Term(half(b, 0) * (nibble(b, 6, i) + 16 * bit(b, 2, i) - 16), 0);
            case Q5_1 -> new Term(half(b, 0) * (nibble(b, 8, i) + 16 * bit(b, 4, i)), half(b, 2));
            case Q8_0 -> new Term(half(b, 0) * b[2 + i], 0);
            case IQ4_NL -> new Term(half(b, 0) * uneven(nibble(b, 2, i)), 0);
            case Q2_K ->
                new Term(
                        half(b, 80) * (unsigned(b, i / 16) % 16) * pair(b, 16, i),
                        -half(b, 82) * (unsigned(b, i / 16) / 16));
            case Q3_K ->
                new Term(half(b, 108) * third(b, i / 16) * (pair(b, 32, i) - (1 - bit(b, i % 32, sub)) * 4), 0);
            case IQ4_XS -> {
                int low = unsigned(b, 4 + sub / 2) / (sub % 2 == 0 ? 1 : 16) % 16;
                int high = bit(b, 2, 2 * sub) + 2 * bit(b, 2, 2 * sub + 1);
                yield new Term(half(b, 0) * (low + 16 * high - 32) * uneven(nibble(b, 8 + 16 * sub, i % 32)), 0);
            }
            case Q4_K -> new Term(half(b, 0) * scale(b, sub) * nibble64(b, 16, i), -half(b, 2) * minimum(b, sub));
            case Q5_K ->
                new Term(
                        half(b, 0) * scale(b, sub) * (nibble64(b, 48, i) + 16 * bit(b, 16, 8 * (i % 32) + sub)),
                        -half(b, 2) * minimum(b, sub));
            case Q6_K -> {
                int low = unsigned(b, i / 128 * 64 + i % 64) / (i % 128 < 64 ? 1 : 16) % 16;
                int high = 2 * (i % 128 / 32);
                int upper =
                        bit(b, 128 + i / 128 * 32 + i % 32, high) + 2 * bit(b, 128 + i / 128 * 32 + i % 32, high + 1);
                yield new Term(half(b, 208) * b[192 + i / 16] * (low + 16 * upper - 32), 0);
            }
        };
    }

    /** Two bits of value i of 256: every 128 values have 32 bytes, and every 32 of them two bits of each byte. */
    private static int pair(byte[] b, int at, int i) {
        return unsigned(b, at + i / 128 * 32 + i % 32) / (1 << i % 128 / 32 * 2) % 4;
    }

    /** The signed scale of 16 values in Q3_K: the low four bits in 8 bytes, the upper two in the 4 bytes after them. */
    private static int third(byte[] b, int j) {
        int low = unsigned(b, 96 + j % 8) / (j < 8 ? 1 : 16) % 16;
        return low + 16 * (unsigned(b, 104 + j % 4) / (1 << j / 4 * 2) % 4) - 32;
    }

    private static int uneven(int index) {
        return List.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
                .get(index);
    }

    private static int unsigned(byte[] b, int at) {
        return Byte.toUnsignedInt(b[at]);
    }

    /** Bit n of the bytes from {@code at}, the lowest of the first byte first. */
    private static int bit(byte[] b, int at, int n) {
        return unsigned(b, at + n / 8) / (1 << n % 8) % 2;
    }

    /** Of 32 values: the first 16 are the low nibbles, the others the high ones. */
    private static int nibble(byte[] b, int at, int i) {
        return i < 16 ? unsigned(b, at + i) % 16 : unsigned(b, at + i - 16) / 16;
    }

    /** Of every 64 values: the first 32 are the low nibbles of 32 bytes, the others the high ones. */
    private static int nibble64(byte[] b, int at, int i) {
        int q = unsigned(b, at + i / 64 * 32 + i % 32);
        return i % 64 < 32 ? q % 16 : q / 16;
    }

    /**
     * Six bits each in 12 bytes: scales 0-3, minima 0-3, nibble pairs of 4-7, whose top bits are those of the first
     * eight bytes.
     */
    private static int scale(byte[] b, int j) {
        return j < 4 ? unsigned(b, 4 + j) % 64 : unsigned(b, 8 + j) % 16 + unsigned(b, j) / 64 * 16;
    }

    private static int minimum(byte[] b, int j) {
        return j < 4 ? unsigned(b, 8 + j) % 64 : unsigned(b, 8 + j) / 16 + unsigned(b, 4 + j) / 64 * 16;
    }

    private static double half(byte[] b, int at) {
        int bits = unsigned(b, at) + 256 * unsigned(b, at + 1);
        int exponent = bits / 1024 % 32;
        double fraction = bits % 1024 / 1024.0;
        double magnitude = exponent == 31
                ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                : exponent == 0 ? Math.scalb(fraction, -14) : Math.scalb(1 + fraction, exponent - 15);
        return bits < 1 << 15 ? magnitude : -magnitude;
    }
}
