package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;
import static rudder.checkpoint.format.GgufBytes.f32;
import static rudder.checkpoint.format.GgufBytes.join;
import static rudder.checkpoint.format.GgufBytes.u64;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {

    @TempDir
    Path folder;

    private static byte[] file(String json, byte[] data) {
        byte[] text = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return join(u64(text.length), text, data);
    }

    private static byte[] two() {
        return file(
                "{'__metadata__':{'format':'pt'},'b':{'dtype':'F32','shape':[2,1],'data_offsets':[8,16]},"
                        + "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}  ",
                f32(1, 2, 3, 4));
    }

    private Safetensors open(byte[] bytes) throws IOException {
        return Safetensors.open(Files.write(folder.resolve("a.safetensors"), bytes));
    }

    @Test
    void whatIsWrittenIsReadBackExactly() throws IOException {
        Random random = new Random(3);
        double[] a = random.doubles(700_000, -1, 1).toArray(); // several write buffers, many read chunks
        float[] b = {1, -2.5f, Float.MIN_VALUE};
        Path path = folder.resolve("new/deep/a.safetensors");
        new SafetensorsWriter()
                .metadata("model \"x\"", "sha256 \u00e9\n")
                .floats("b", () -> b, 3)
                .doubles("A.0", () -> a, 700, 1000)
                .doubles("scalar", () -> new double[] {Math.PI})
                .floats("none", () -> new float[0], 0, 5)
                .write(path);
        try (Safetensors file = Safetensors.open(path)) {
            assertEquals(Map.of("model \"x\"", "sha256 \u00e9\n"), file.metadata());
            assertEquals(List.of("A.0", "scalar", "b", "none"), List.copyOf(file.names()));
            assertArrayEquals(new long[] {700, 1000}, file.shape("A.0"));
            assertArrayEquals(new long[0], file.shape("scalar"));
            assertArrayEquals(a, file.doubles("A.0"));
            assertArrayEquals(new double[] {Math.PI}, file.doubles("scalar"));
            assertArrayEquals(new double[] {1, -2.5, Float.MIN_VALUE}, file.doubles("b"));
            assertArrayEquals(b, file.read("b"));
            assertEquals(0, file.read("none").length);
            FloatBuffer rows = FloatBuffer.allocate(3000);
            file.read("A.0", 698, 2, rows);
            file.read("A.0", 17, 1, rows);
            for (int i = 0; i < 3000; i++) {
                assertEquals((float) a[i < 2000 ? 698_000 + i : 15_000 + i], rows.get(i));
            }
            says(
                    assertThrows(
                            IllegalArgumentException.class, () -> file.read("A.0", 699, 2, FloatBuffer.allocate(2000))),
                    "'A.0' has 700 rows",
                    "699 to 700");
            float[] rounded = file.read("A.0");
            for (int i = 0; i < a.length; i++) {
                assertEquals((float) a[i], rounded[i]);
            }
            assertEquals("Safetensors[a.safetensors, 4 tensors, 5 MB]", file.toString());
        }
    }

    @Test
    void aFailedWriteLeavesTheOldFileAndNothingElse() throws IOException {
        Path path = folder.resolve("a.safetensors");
        new SafetensorsWriter().floats("a", () -> new float[] {1}, 1).write(path);
        byte[] before = Files.readAllBytes(path);
        SafetensorsWriter wrong =
                new SafetensorsWriter().floats("a", () -> new float[] {2}, 1).doubles("b", () -> new double[3], 2, 2);
        says(
                assertThrows(IllegalArgumentException.class, () -> wrong.write(path)),
                "'b' has 3 values, wanted 4",
                "[2, 2]");
        SafetensorsWriter failing = new SafetensorsWriter()
                .floats(
                        "a",
                        () -> {
                            throw new IllegalStateException("no values");
                        },
                        1);
        assertThrows(IllegalStateException.class, () -> failing.write(path));
        assertArrayEquals(before, Files.readAllBytes(path));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(path), files.toList());
        }
        new SafetensorsWriter().floats("a", () -> new float[] {3}, 1).write(path);
        try (Safetensors file = Safetensors.open(path)) {
            assertArrayEquals(new float[] {3}, file.read("a"));
        }
    }

    @Test
    void aNameIsGivenOnce() {
        SafetensorsWriter writer = new SafetensorsWriter().floats("a", () -> new float[1], 1);
        says(assertThrows(IllegalArgumentException.class, () -> writer.doubles("a", () -> new double[1], 1)), "'a'");
        says(
                assertThrows(
                        IllegalArgumentException.class, () -> writer.floats("__metadata__", () -> new float[1], 1)),
                "'__metadata__'");
    }

    @Test
    void halvesAreReadAndIntegersLeftOut() throws IOException {
        byte[] data = {0, 0x3c, 0, (byte) 0xc0, (byte) 0x80, 0x3f, 0, (byte) 0xc0, 1, 0, 0, 0, 0, 0, 0, 0};
        byte[] bytes = file(
                "{'h':{'dtype':'F16','shape':[2],'data_offsets':[0,4]},"
                        + "'b':{'dtype':'BF16','shape':[2],'data_offsets':[4,8]},"
                        + "'ids':{'dtype':'I64','shape':[1],'data_offsets':[8,16]}}",
                data);
        try (Safetensors file = open(bytes)) {
            assertEquals(List.of("h", "b"), List.copyOf(file.names()));
            assertArrayEquals(new float[] {1, -2}, file.read("h"));
            assertArrayEquals(new float[] {1, -2}, file.read("b"));
            assertArrayEquals(new double[] {1, -2}, file.doubles("b"));
            says(
                    assertThrows(IllegalArgumentException.class, () -> file.read("ids")),
                    "a.safetensors",
                    "'ids' as I64",
                    "BF16");
            says(assertThrows(IllegalArgumentException.class, () -> file.shape("x")), "no tensor 'x' among its 2");
            says(
                    assertThrows(IllegalArgumentException.class, () -> file.read("h", FloatBuffer.allocate(1))),
                    "'h' has 2 values",
                    "room for 1");
        }
    }

    @Test
    void headersThatTheFormatForbidsAreRefused() throws IOException {
        String a = "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}";
        byte[] eight = new byte[8];
        refused(new byte[7], "7 bytes");
        refused(join(u64(100_000_001), new byte[100]), "100000001 bytes");
        refused(join(u64(-1), new byte[100]), "18446744073709551615 bytes");
        refused(join(u64(101), new byte[100]), "header of 101 bytes, wanted 2 to 100");
        refused(file("[" + a + "]", eight), "begin with a brace");
        refused(file(" {" + a + "}", eight), "begin with a brace");
        refused(file("{" + a, eight), "JSON");
        refused(file("{" + a + "} x", eight), "JSON");
        refused(file("{" + a.replace("'F32'", "F32") + "}", eight), "JSON");
        refused(join(u64(3), new byte[] {'{', (byte) 0xff, '}'}), "JSON");
        refused(file("{'a':" + "[".repeat(1 << 20) + "}", eight), "JSON");
        refused(file("{" + a + "," + a + "}", eight), "'a' occurs twice");
        refused(
                file("{'a':{'dtype':'F32','dtype':'F32','shape':[2],'data_offsets':[0,8]}}", eight),
                "'dtype' occurs twice");
        refused(file("{'__metadata__':{'k':'1','k':'2'}," + a + "}", eight), "'k' occurs twice");
        refused(file("{'__metadata__':{'k':1}," + a + "}", eight), "'k': 1, wanted a string");
        refused(file("{'a':7}", eight), "'a' is 7");
        refused(file("{" + a.replace("F32", "Q4") + "}", eight), "'a'", "dtype Q4");
        refused(file("{" + a.replace("}", ",'more':1}") + "}", eight), "'a'", "more");
        for (String shape : List.of("[-2]", "[2.0]", "['2']", "[null]", "2", "null", "[99999999999999999999]")) {
            refused(file("{" + a.replace("[2]", shape) + "}", eight), "'a'", "natural numbers");
        }
        refused(file("{" + a.replace("[2]", "[4611686018427387904,16]") + "}", eight), "'a'", "fewer than 2^63 bytes");
        refused(file("{" + a.replace("[2]", "[3]") + "}", eight), "'a'", "[0, 8]", "wanted 12 bytes");
        refused(file("{" + a.replace("[0,8]", "[8,0]") + "}", eight), "'a'", "[8, 0]");
        refused(file("{" + a.replace("[0,8]", "[0,8,9]") + "}", eight), "'a'", "pair");
        refused(file("{" + a.replace("[0,8]", "[4,12]") + "}", new byte[12]), "'a' begins at offset 4", "wanted 0");
        refused(file("{" + a + "," + a.replace("'a'", "'b'") + "}", eight), "begins at offset 0", "wanted 8");
        refused(file("{" + a + "}", new byte[9]), "end at offset 8", "9 bytes");
        refused(file("{" + a + "}", new byte[7]), "end at offset 8", "7 bytes");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = two();
        for (int n = 0; n < whole.length; n++) {
            refused(Arrays.copyOf(whole, n), "truncated");
        }
    }

    @Test
    void noDamageDoesMoreThanAnError() throws IOException {
        Random random = new Random(5);
        for (int i = 0; i < 2000; i++) {
            byte[] damaged = two();
            for (int j = random.nextInt(3); j >= 0; j--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try (Safetensors file = open(damaged)) {
                file.names().forEach(file::read);
            } catch (IOException e) {
                says(e, "a.safetensors");
            }
        }
    }

    @Test
    void aModelInPartsIsReadThroughItsIndex() throws IOException {
        new SafetensorsWriter()
                .metadata("format", "pt")
                .floats("a", () -> new float[] {1}, 1)
                .floats("left out", () -> new float[] {9}, 1)
                .write(folder.resolve("model-1.safetensors"));
        new SafetensorsWriter()
                .metadata("format", "pt")
                .floats("b", () -> new float[] {2, 3}, 2)
                .write(folder.resolve("model-2.safetensors"));
        Path index = index(
                "{'metadata':{'total_size':12},'weight_map':{'b':'model-2.safetensors','a':'model-1.safetensors'}}");
        for (Path path : List.of(index, folder)) {
            try (Safetensors model = Safetensors.open(path)) {
                assertEquals(List.of("b", "a"), List.copyOf(model.names()));
                assertArrayEquals(new float[] {1}, model.read("a"));
                assertArrayEquals(new float[] {2, 3}, model.read("b"));
                assertEquals(Map.of("format", "pt"), model.metadata());
                assertTrue(model.toString().contains("2 tensors in 2 files"), model.toString());
            }
        }
        for (String part :
                List.of("../model-1.safetensors", "/model-1.safetensors", "..\\\\model-1.safetensors", "model-1.bin")) {
            says(
                    assertThrows(
                            IOException.class, () -> Safetensors.open(index("{'weight_map':{'a':'" + part + "'}}"))),
                    "index.json",
                    "'a'",
                    "beside it");
        }
        says(
                assertThrows(
                        IOException.class, () -> Safetensors.open(index("{'weight_map':{'a':'model-2.safetensors'}}"))),
                "'a'",
                "no tensor of this name");
        says(
                assertThrows(
                        IOException.class,
                        () -> Safetensors.open(index("{'weight_map':{'a':'model-1.safetensors',"
                                + "'b':'model-3.safetensors','c':'model-4.safetensors'}}"))),
                "index.json: it lists [model-3.safetensors, model-4.safetensors], found no such files beside it",
                "wanted all parts");
        says(assertThrows(IOException.class, () -> Safetensors.open(index("{'weights':{}}"))), "no object weight_map");
        says(
                assertThrows(IOException.class, () -> Safetensors.open(index("{'weight_map':{'a':'x','a':'y'}}"))),
                "'a' occurs twice");
    }

    @Test
    void aFolderWithoutAModelIsRefused() {
        says(
                assertThrows(IOException.class, () -> Safetensors.open(folder)),
                folder.toString(),
                "neither model.safetensors nor");
    }

    private Path index(String json) throws IOException {
        return Files.writeString(folder.resolve("model.safetensors.index.json"), json.replace('\'', '"'));
    }

    private void refused(byte[] bytes, String... words) throws IOException {
        IOException e = assertThrows(IOException.class, () -> open(bytes));
        says(e, "a.safetensors");
        says(e, words);
    }

    private static void says(Exception e, String... words) {
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), () -> "wanted \"" + word + "\" in: " + e.getMessage());
        }
    }

    @Test
    void anyFlippedBitOfAWrittenFileIsNoticed() throws IOException {
        var file = folder.resolve("a.safetensors");
        new SafetensorsWriter()
                .metadata("of", "a test")
                .doubles("x", () -> new double[] {1, 2, 3}, 3)
                .floats("y", () -> new float[] {4, 5}, 1, 2)
                .write(file);
        try (var tensors = Safetensors.open(file)) {
            tensors.verify();
            assertEquals(Map.of("of", "a test"), tensors.metadata());
        }
        byte[] whole = Files.readAllBytes(file);
        int unchecked = 0;
        for (int i = 0; i < whole.length; i++) {
            byte[] flipped = whole.clone();
            flipped[i] ^= 4;
            Files.write(file, flipped);
            try (var tensors = Safetensors.open(file)) {
                tensors.verify();
                unchecked++; // the name of the checksum is no longer its name
                assertEquals(3, tensors.doubles("x")[2]);
            } catch (IOException e) {
                assertTrue(e.getMessage().contains("a.safetensors"), e.getMessage());
            }
        }
        assertTrue(unchecked <= "rudder.sha256".length(), unchecked + " of " + whole.length);
    }

    @Test
    void aHeaderLongerThanAnyModelsIsRefusedBeforeItIsRead() throws IOException {
        var file = folder.resolve("long.safetensors");
        try (var out = new RandomAccessFile(file.toFile(), "rw")) {
            out.writeLong(Long.reverseBytes(77_000_000));
            out.setLength(77_000_008);
        }
        assertRefused(() -> Safetensors.open(file), "77000000", "16777216");
    }
}
