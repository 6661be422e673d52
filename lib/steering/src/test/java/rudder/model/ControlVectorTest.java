package rudder.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.GgufWriter;
import rudder.steer.ControlVector;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;

class ControlVectorTest {

    private static final LanguageModel MODEL = Tiny.LLAMA.model();
    private static final double[] ZERO = new double[Tiny.D];

    @TempDir
    private Path folder;

    /** Numbers of float32. */
    private static double[] input(long seed) {
        return new Random(seed).doubles(Tiny.D, -1, 1).map(x -> (float) x).toArray();
    }

    private static Controller added(Map<Integer, double[]> inputs) {
        var laws = new TreeMap<Integer, ControlLaw>();
        inputs.forEach((k, u) -> laws.put(k, ControlLaw.constant(u)));
        return Controller.of("added", laws, null);
    }

    private Controller roundTrip(Controller controller, LanguageModel model) throws IOException {
        var file = folder.resolve("a.gguf");
        ControlVector.save(file, controller, model);
        return ControlVector.load(file.toString(), model);
    }

    @ParameterizedTest
    @EnumSource
    void inputsOfSinglePrecisionComeBackToTheLastBit(Tiny tiny) throws IOException {
        var controller = added(Map.of(1, input(1), tiny.horizon - 1, input(2)));
        var found = roundTrip(controller, tiny.model());
        assertEquals("added", found.name());
        assertEquals(controller.blocks(HookPoint.RESID_PRE), found.blocks(HookPoint.RESID_PRE));
        for (int k : found.blocks(HookPoint.RESID_PRE)) {
            assertArrayEquals(controller.input(k, ZERO), found.input(k, ZERO));
        }
        var again = Files.readAllBytes(folder.resolve("a.gguf"));
        roundTrip(found, tiny.model());
        assertArrayEquals(again, Files.readAllBytes(folder.resolve("a.gguf")));
        var all = tiny.model().steered(controller).atPositions(Positions.ALL);
        assertArrayEquals(
                all.logits(Tiny.tokens(7, 1)),
                tiny.model().steered(found).atPositions(Positions.ALL).logits(Tiny.tokens(7, 1)));
    }

    @Test
    void anyConstantInputsAreRoundedAndThoseOfABlockAddedUp() throws IOException {
        var setpoint = Tiny.LLAMA.setpoint(1.5);
        var behind = Controller.of(
                "behind",
                HookPoint.RESID_POST,
                Map.of(2, ControlLaw.constant(input(3)), 3, ControlLaw.constant(input(4))),
                null);
        var found = roundTrip(Controller.actAdd(setpoint, 2).times(.1).plus(behind), MODEL);
        assertEquals(Set.of(2, 3), found.blocks(HookPoint.RESID_PRE));
        double[] shift = setpoint.shift(3);
        double[] behind2 = input(3);
        for (int i = 0; i < Tiny.D; i++) {
            assertEquals((float) (.1 * shift[i] + behind2[i]), found.input(2, ZERO)[i]);
        }
        assertArrayEquals(input(4), found.input(3, ZERO));
        var frozen = Controller.proportional(setpoint, 1, 1)
                .plus(Controller.proportional(setpoint, 1, 2))
                .frozenAt(MODEL.trace("the sea").rollout());
        assertEquals(Set.of(1, 2), roundTrip(frozen, MODEL).blocks(HookPoint.RESID_PRE));
        assertEquals(
                Set.of(1),
                roundTrip(added(Map.of(0, ZERO, 1, input(1))), MODEL).blocks(HookPoint.RESID_PRE),
                "adding nothing needs no slot");
    }

    /** What llama.cpp's loader looks at: names, type, shape, and data padded to the end. */
    @Test
    void theFileIsWhatLlamaCppReads() throws IOException {
        var file = folder.resolve("a.gguf");
        ControlVector.save(file, added(Map.of(1, input(1), 3, input(2))), MODEL);
        var bytes = new GgufBytes()
                .string("general.architecture", "controlvector")
                .string("general.name", "added")
                .string("controlvector.model_hint", "llama")
                .uint32("controlvector.layer_count", 2)
                .tensor("direction.1", new long[] {Tiny.D}, floats(input(1)))
                .tensor("direction.3", new long[] {Tiny.D}, floats(input(2)))
                .bytes();
        assertArrayEquals(bytes, Files.readAllBytes(file));
        new GgufWriter()
                .floats("a", new float[] {1, 2, 3})
                .floats("b", new float[] {4})
                .write(file);
        try (var gguf = GgufFile.open(file)) {
            var values = FloatBuffer.allocate(3);
            gguf.read("a", values);
            assertArrayEquals(new float[] {1, 2, 3}, values.array());
            gguf.read("b", values.clear());
            assertEquals(4, values.get(0));
        }
        assertEquals(0, Files.size(file) % 32, "each tensor's data fill its alignment");
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    /** repeng's: without a name, from the last layer to the first, its count and hint of another mind. */
    @Test
    void aFileOfAnotherProgramIsRead() throws IOException {
        var file = new GgufBytes()
                .string("general.architecture", "controlvector")
                .string("controlvector.model_hint", "mistral")
                .uint32("controlvector.layer_count", 99)
                .tensor("direction.3", new long[] {Tiny.D}, floats(input(3)))
                .tensor("direction.1", new long[] {Tiny.D}, floats(input(1)))
                .write(folder.resolve("happy.gguf"));
        var controller = ControlVector.load(file, MODEL);
        assertEquals("Controller[happy.gguf, blocks 1..3]", controller.toString());
        assertArrayEquals(input(1), controller.input(1, ZERO));
        assertArrayEquals(ZERO, controller.input(2, ZERO));
        assertArrayEquals(input(3), controller.input(3, ZERO));
        assertTrue(controller.setpoint().isEmpty());
    }

    @Test
    void whatAControlVectorCannotSayIsRefused() {
        var setpoint = Tiny.LLAMA.setpoint(1);
        var file = folder.resolve("a.gguf");
        double[] onHeads = new double[MODEL.headsWidth()];
        assertRefused(
                () -> ControlVector.save(file, Controller.spreadActAdd(setpoint, 0), MODEL),
                "input at block 0",
                "no slot",
                "1..3");
        assertRefused(
                () -> ControlVector.save(file, Controller.proportional(setpoint, 1, 2), MODEL),
                "LinearFeedback[m=1",
                "block 2",
                "frozenAt",
                "ControllerFile");
        assertRefused(
                () -> ControlVector.save(file, Controller.actAdd(setpoint, 2).onlyWhen(setpoint, 0, 1), MODEL),
                "Gated",
                "looks at the state");
        var heads = Controller.of("heads", HookPoint.HEAD_OUT, Map.of(1, ControlLaw.constant(onHeads)), null);
        assertRefused(() -> ControlVector.save(file, heads, MODEL), "attention heads", "block 1");
        assertRefused(() -> ControlVector.save(file, Controller.none(), MODEL), "adds nothing");
        double[] huge = ZERO.clone();
        Arrays.fill(huge, 1e39);
        assertRefused(() -> ControlVector.save(file, added(Map.of(1, huge)), MODEL), "beyond float32", "block 1");
        assertRefused(
                () -> ControlVector.save(file, Controller.actAdd(Tiny.GEMMA3.setpoint(1), 5), MODEL),
                "block 5",
                "0..3");
        assertTrue(Files.notExists(file));
    }

    @Test
    void otherAndDamagedFilesAreRefused() throws IOException {
        var file = folder.resolve("a.gguf");
        assertRefused(() -> ControlVector.load(file, MODEL), "there is no file", "ControlVector.save");
        refused(new GgufBytes().string("general.architecture", "llama"), "'llama'", "no control vector");
        refused(new GgufBytes(), "''", "no control vector");
        refused(file("direction.0", floats(input(1))), "'direction.0'", "direction.1");
        refused(file("w", floats(input(1))), "'w'", "direction.1");
        refused(file("direction.4", floats(input(1))), "block 4", "1..3", "another model");
        refused(file("direction.2", 1, 2), "[2]", "[48]", "another model's");
        float[] nan = floats(input(1));
        nan[5] = Float.NaN;
        refused(file("direction.2", nan), "'direction.2'", "not finite");
    }

    private static GgufBytes file(String tensor, float... values) {
        return new GgufBytes()
                .string("general.architecture", "controlvector")
                .tensor(tensor, new long[] {values.length}, values);
    }

    private void refused(GgufBytes bytes, String... words) throws IOException {
        var file = bytes.write(folder.resolve("a.gguf"));
        assertRefused(() -> ControlVector.load(file, MODEL), words);
    }
}
