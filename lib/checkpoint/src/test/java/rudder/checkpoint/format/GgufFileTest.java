package rudder.checkpoint.format;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.format.GgufBytes.f32;
import static rudder.checkpoint.format.GgufBytes.text;
import static rudder.checkpoint.format.GgufBytes.u32;
import static rudder.checkpoint.format.GgufBytes.u64;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GgufFileTest {

    @TempDir
    Path folder;

    private GgufFile open(GgufBytes file) throws IOException {
        return GgufFile.open(file.write(folder.resolve("a.gguf")));
    }

    private static GgufBytes small() {
        return new GgufBytes()
                .string("general.architecture", "llama")
                .uint32("llama.block_count", 30)
                .value("f", 7, new byte[] {1})
                .strings("words", "a", "b")
                .floats("reals", 1, 2)
                .int32s("ints", 1, -2)
                .tensor("a", new long[] {2, 3}, 1, 2, 3, 4, 5, 6)
                .tensor("b", new long[] {2}, 7, 8);
    }

    @Test
    void everyTypeOfMetadataIsReadBack() throws IOException {
        GgufBytes file = new GgufBytes()
                .string("general.architecture", "llama")
                .value("uint8", 0, new byte[] {-1})
                .value("int8", 1, new byte[] {-1})
                .value("uint16", 2, new byte[] {-2, -1})
                .value("int16", 3, new byte[] {-2, -1})
                .value("uint32", 4, u32(-1))
                .value("int32", 5, u32(-1))
                .value("float32", 6, f32(.1f))
                .value("bool", 7, new byte[] {1})
                .string("string", "häuser \uD83D\uDE80")
                .value("uint64", 10, u64(Long.MAX_VALUE))
                .value("int64", 11, u64(-5))
                .value("float64", 12, u64(Double.doubleToLongBits(Math.PI)))
                .value("huge", 10, u64(-1))
                .strings("strings", "", "b")
                .floats("floats", 1.5f, -2)
                .int32s("ints", -1, 7)
                .int32s("none")
                .value("bools", 9, u32(7), u64(3), new byte[] {0, 1, 0})
                .value("nested", 9, u32(9), u64(2), u32(4), u64(1), u32(9), u32(8), u64(1), text("x"));
        try (GgufFile gguf = open(file)) {
            assertEquals("llama", gguf.architecture());
            assertEquals(255, gguf.integer("uint8"));
            assertEquals(-1, gguf.integer("int8"));
            assertEquals(65534, gguf.integer("uint16"));
            assertEquals(-2, gguf.integer("int16"));
            assertEquals(4294967295L, gguf.integer("uint32"));
            assertEquals(-1, gguf.integer("int32"));
            assertEquals(.1f, gguf.real("float32"));
            assertTrue(gguf.flag("bool"));
            assertEquals("häuser \uD83D\uDE80", gguf.string("string"));
            assertEquals(Long.MAX_VALUE, gguf.integer("uint64"));
            assertEquals(-5, gguf.integer("int64"));
            assertEquals(Math.PI, gguf.real("float64"));
            assertEquals(255, gguf.real("uint8"));
            assertEquals(List.of("", "b"), gguf.strings("strings"));
            assertArrayEquals(new float[] {1.5f, -2}, gguf.floats("floats"));
            assertArrayEquals(new int[] {-1, 7}, gguf.integers("ints"));
            assertEquals(0, gguf.integers("none").length);
            assertArrayEquals(new boolean[] {false, true, false}, gguf.flags("bools"));
            assertTrue(gguf.hasKey("nested"));
            assertThrows(IllegalArgumentException.class, () -> gguf.integer("huge"));
        }
    }

    @Test
    void anAbsentKeyHasTheDefaultAndAnotherTypeIsAnError() throws IOException {
        try (GgufFile gguf = open(small())) {
            assertEquals(7, gguf.integer("absent", 7));
            assertEquals(.5, gguf.real("absent", .5));
            assertEquals("x", gguf.string("absent", "x"));
            assertTrue(gguf.flag("absent", true));
            assertEquals(30, gguf.integer("llama.block_count", 7));
            assertFalse(gguf.hasKey("absent"));
            says(() -> gguf.integer("absent"), "a.gguf", "an integer", "'absent'", "no such key");
            says(() -> gguf.integer("general.architecture", 3), "'general.architecture'", "found string");
            says(() -> gguf.string("llama.block_count"), "a string", "found uint32");
            says(() -> gguf.real("f"), "a float", "found bool");
            says(() -> gguf.integers("words"), "an array of integers", "found array of 2 strings");
            says(() -> gguf.strings("reals"), "an array of strings", "found array of 2 floats");
        }
    }

    @Test
    void tensorsHaveTorchsShapeAndArePutOneAfterTheOther() throws IOException {
        for (int version : new int[] {2, 3}) {
            GgufBytes file = small();
            file.version = version;
            try (GgufFile gguf = open(file)) {
                assertEquals(List.of("a", "b"), List.copyOf(gguf.names()));
                assertArrayEquals(new long[] {2, 3}, gguf.shape("a"));
                FloatBuffer direct = ByteBuffer.allocateDirect(40)
                        .order(ByteOrder.nativeOrder())
                        .asFloatBuffer();
                direct.put(9);
                gguf.read("b", direct);
                gguf.read("a", direct);
                assertEquals(9, direct.position());
                float[] all = new float[9];
                direct.flip().get(all);
                assertArrayEquals(new float[] {9, 7, 8, 1, 2, 3, 4, 5, 6}, all);
                assertArrayEquals(new float[] {7, 8}, gguf.read("b"));
                assertEquals("GgufFile[a.gguf, llama, 2 tensors, 0 MB]", gguf.toString());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = "F64", mode = EnumSource.Mode.EXCLUDE)
    void aTensorOfManyChunksEqualsItsBlocksOneByOne(TensorType type) throws IOException {
        int[] ggufIds = {0, 28, 1, 30, 2, 3, 6, 7, 20, 8, 10, 11, 23, 12, 13, 14};
        int blocks = 100_000 / type.values + 3;
        byte[] bytes = new byte[blocks * type.bytes];
        new Random(1).nextBytes(bytes);
        float[] wanted = new float[blocks * type.values];
        for (int b = 0; b < blocks; b++) {
            float[] out = new float[type.values];
            type.decode(Arrays.copyOfRange(bytes, b * type.bytes, (b + 1) * type.bytes), 1, out);
            System.arraycopy(out, 0, wanted, b * type.values, type.values);
        }
        GgufBytes file = new GgufBytes()
                .tensor("first", new long[] {1}, 1)
                .tensor("t", ggufIds[type.ordinal()], new long[] {blocks, type.values}, bytes);
        try (GgufFile gguf = open(file)) {
            assertArrayEquals(wanted, gguf.read("t"));
            FloatBuffer rows = FloatBuffer.allocate(2 * type.values);
            gguf.read("t", blocks - 2, 2, rows);
            assertArrayEquals(Arrays.copyOfRange(wanted, wanted.length - rows.capacity(), wanted.length), rows.array());
        }
    }

    @Test
    void aTensorBeyondFourGigabytesIsRead() throws IOException {
        long large = 3L << 30; // values, of half precision: 6 GiB, a hole on the disk
        byte[] header = new GgufBytes()
                .info("hole", 1, new long[] {large / 1024, 1024}, 0)
                .info("t", 0, new long[] {3}, 2 * large)
                .bytes();
        Path path = folder.resolve("large.gguf");
        try (FileChannel file = FileChannel.open(path, CREATE_NEW, WRITE, SPARSE)) {
            file.write(ByteBuffer.wrap(header));
            file.write(ByteBuffer.wrap(f32(1, 2, 3)), header.length + 2 * large);
        }
        try (GgufFile gguf = GgufFile.open(path)) {
            assertArrayEquals(new float[] {1, 2, 3}, gguf.read("t"));
            assertEquals(large / 1024, gguf.shape("hole")[0]);
            says(() -> gguf.read("hole", FloatBuffer.allocate(8)), "'hole'", Long.toString(large), "room for 8");
        }
    }

    @Test
    void aMissingTensorATightBufferAndAClosedFileAreErrors() throws IOException {
        GgufFile gguf = open(small());
        says(() -> gguf.shape("c"), "a.gguf (llama) has no tensor 'c' among its 2");
        says(() -> gguf.read("a", FloatBuffer.allocate(5)), "'a' has 6 values, [2, 3]", "room for 5");
        gguf.close();
        String closed =
                assertThrows(UncheckedIOException.class, () -> gguf.read("a")).getMessage();
        assertTrue(closed.contains("'a'") && closed.contains("a.gguf"), closed);
    }

    /** A channel would close: a notebook's cell that is stopped must not take the model with it. */
    @Test
    void anInterruptedThreadReadsAllTheSame() throws IOException {
        try (GgufFile gguf = open(small())) {
            Thread.currentThread().interrupt();
            float[] read = gguf.read("b");
            assertTrue(Thread.interrupted());
            assertArrayEquals(new float[] {7, 8}, read);
            assertArrayEquals(read, gguf.read("b"));
        }
    }

    @Test
    void whatIsNoGgufFileIsRefused() throws IOException {
        assertThrows(NoSuchFileException.class, () -> GgufFile.open(folder.resolve("none.gguf")));
        GgufBytes file = small();
        file.magic = 0x04034b50;
        refused(file, "a.gguf", "does not begin with the letters GGUF");
        for (int version : new int[] {0, 1, 4, -1}) {
            file = small();
            file.version = version;
            refused(file, "version " + Integer.toUnsignedString(version), "wanted 2 or 3");
        }
        file = small();
        file.version = 3 << 24;
        refused(file, "big-endian");
        refused(small().uint32("split.count", 3), "one of 3 parts");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = small().bytes();
        Path path = folder.resolve("cut.gguf");
        for (int n = 0; n < whole.length; n++) {
            Files.write(path, Arrays.copyOf(whole, n));
            String message = assertThrows(IOException.class, () -> GgufFile.open(path), "cut to " + n)
                    .getMessage();
            assertTrue(message.contains("cut.gguf"), message);
        }
    }

    @Test
    void noDamageDoesMoreThanAnError() throws IOException {
        byte[] whole = small().bytes();
        Random random = new Random(5);
        Path path = folder.resolve("damaged.gguf");
        for (int i = 0; i < 3000; i++) {
            byte[] damaged = whole.clone();
            for (int j = random.nextInt(4); j >= 0; j--) {
                damaged[random.nextInt(damaged.length)] = (byte) (random.nextBoolean() ? random.nextInt() : -1);
            }
            Files.write(path, damaged);
            try (GgufFile gguf = GgufFile.open(path)) {
                gguf.names().forEach(gguf::read);
            } catch (IOException | IllegalArgumentException e) {
                assertTrue(e.getMessage().contains("damaged.gguf"), e.getMessage());
            }
        }
    }

    @Test
    void countsAndLengthsBeyondTheFileAreRefusedBeforeTheyAreUsed() throws IOException {
        for (long n : new long[] {1L << 30, 1L << 40, Long.MAX_VALUE, -1}) {
            String count = Long.toUnsignedString(n);
            refused(new GgufBytes().value("k", 8, u64(n)), count + " bytes of the value of 'k'");
            refused(new GgufBytes().value("k", 9, u32(0), u64(n)), count + " elements of 'k'");
            refused(new GgufBytes().value("k", 9, u32(8), u64(n)), count + " elements of 'k'");
            refused(new GgufBytes().value("k", 9, u32(9), u64(1), u32(12), u64(n)), count + " elements of 'k'");
            refused(new GgufBytes().info("t", 0, new long[] {n}, 0), "'t'", "[" + n + "]");
            refused(new GgufBytes().info("t", 0, new long[] {n, n}, 0), "'t'");
            byte[] start = GgufBytes.join(u32(0x46554747, 3), u64(n, 0), new byte[200]);
            refused(start, count + " tensors");
            refused(GgufBytes.join(u32(0x46554747, 3), u64(0, n), new byte[200]), count + " metadata keys");
        }
        byte[][] levels = new byte[100_000][];
        Arrays.fill(levels, GgufBytes.join(u32(9), u64(1)));
        refused(new GgufBytes().value("k", 9, levels), "nested deeper");
        byte[] start = GgufBytes.join(u32(0x46554747, 3), u64(0, 1), text("k"), u32(9, 0), u64(GgufHeader.MAX_BYTES));
        refused(Arrays.copyOf(start, GgufHeader.MAX_BYTES + 100), "elements of 'k'", "the most a header may have");
    }

    @Test
    void unsoundMetadataAreRefused() throws IOException {
        refused(new GgufBytes().value("k", 13, new byte[8]), "'k'", "unknown type 13");
        refused(new GgufBytes().value("k", 9, u32(99), u64(0)), "'k'", "unknown type 99");
        refused(new GgufBytes().value("k", 7, new byte[] {2}), "bool 'k' is 2");
        refused(new GgufBytes().uint32("k", 1).uint32("k", 1), "'k' occurs twice");
        refused(new GgufBytes().uint32("general.alignment", 0), "general.alignment", "power of two");
        refused(new GgufBytes().uint32("general.alignment", 24), "general.alignment", "power of two");
        refused(new GgufBytes().string("general.alignment", "32"), "general.alignment", "string");
    }

    @Test
    void anotherAlignmentIsHonoured() throws IOException {
        GgufBytes file = new GgufBytes().uint32("general.alignment", 256);
        file.alignment = 256;
        try (GgufFile gguf = open(file.tensor("a", new long[] {1}, 11).tensor("b", new long[] {1}, 12))) {
            assertArrayEquals(new float[] {12}, gguf.read("b"));
        }
    }

    @Test
    void unsoundTensorsAreRefused() throws IOException {
        refused(small().info("t", 16, new long[] {256}, 64), "'t'", "type number 16", "Q4_K");
        refused(small().info("t", 0, new long[0], 64), "'t' has 0 dimensions");
        refused(small().info("t", 0, new long[] {1, 1, 1, 1, 1}, 64), "'t' has 5 dimensions");
        refused(small().info("t", 0, new long[] {0}, 64), "'t'", "[0]");
        refused(small().info("t", 2, new long[] {3, 33}, 64), "'t'", "rows of 33", "multiple of 32 for Q4_0");
        refused(small().info("t", 12, new long[] {3, 32}, 64), "'t'", "rows of 32", "multiple of 256 for Q4_K");
        refused(small().info("t", 0, new long[] {1}, 4), "'t'", "offset 4", "multiple of 32");
        refused(small().info("t", 0, new long[] {2}, 64), "'t'", "offset 64", "truncated");
        refused(small().info("t", 0, new long[] {1}, -32), "'t'", "offset 18446744073709551584");
        refused(small().info("t", 0, new long[] {1}, 0), "overlap");
        refused(small().tensor("a", new long[] {1}, 1), "'a' occurs twice");
    }

    private void refused(GgufBytes file, String... words) throws IOException {
        refused(file.bytes(), words);
    }

    private void refused(byte[] bytes, String... words) throws IOException {
        Path path = Files.write(folder.resolve("a.gguf"), bytes);
        contains(assertThrows(IOException.class, () -> GgufFile.open(path)).getMessage(), words);
    }

    private static void says(Executable call, String... words) {
        contains(assertThrows(IllegalArgumentException.class, call).getMessage(), words);
    }

    private static void contains(String message, String... words) {
        for (String word : words) {
            assertTrue(message.contains(word), () -> "wanted \"" + word + "\" in: " + message);
        }
    }
}
