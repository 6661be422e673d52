package rudder.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.model.HookPointsTest;
import rudder.model.Tiny;
import rudder.steer.rival.RivalsTest;
import rudder.theory.LinearSystem;
import rudder.theory.Lqr;
import rudder.theory.QuadraticCost;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FeatureTracker;
import rudder.theory.control.FlowLaw;
import rudder.theory.control.GatedLaw;
import rudder.theory.control.HookPoint;
import rudder.theory.control.InputMatrix;
import rudder.theory.control.LinearFeedback;
import rudder.theory.control.Measurement;
import rudder.theory.control.SphericalLaw;
import rudder.theory.control.TransportLaw;

class ControllerFileTest {

    private static final int[] PROMPT = Tiny.tokens(7, 1);

    @TempDir
    private Path folder;

    /**
     * {@link HookPointsTest#kinds}, {@link RivalsTest#kinds}, and those with memory, of many rows, of full rank, or
     * empty.
     */
    private static List<Controller> kinds(Tiny tiny) {
        var setpoint = tiny.setpoint(1.5);
        var pid = Controller.pid(setpoint, .5, .25, .125, 3);
        var plant = tiny.model().plant(PROMPT);
        double[][] states = plant.nominal().rollout().states();
        double[] weights = new double[tiny.horizon + 1];
        Arrays.fill(weights, 2);
        var regulator = Lqr.solve(
                LinearSystem.of(tiny.model().meanJacobiansOfTokens(List.of(PROMPT))), new QuadraticCost(.1, 1, 1));
        var kinds = new ArrayList<>(HookPointsTest.kinds(tiny));
        kinds.addAll(RivalsTest.kinds(tiny));
        kinds.addAll(List.of(
                pid,
                pid.plus(pid.times(.5)).onlyWhen(tiny.setpoint(0), Double.NEGATIVE_INFINITY, 3),
                Controller.none(),
                FeatureTracker.of(plant, states, setpoint, weights, .1, InputMatrix.everywhere()),
                Controller.tracking(regulator, states)));
        return kinds;
    }

    @ParameterizedTest
    @EnumSource
    void savedAndLoadedEveryKindHasTheSameLawsAndWritesTheSameTokens(Tiny tiny) throws IOException {
        var model = tiny.model(DataType.FLOAT32);
        var file = folder.resolve("a.safetensors");
        for (var controller : kinds(tiny)) {
            ControllerFile.save(file, controller, model);
            var loaded = ControllerFile.load(file.toString(), model);
            assertSameLaws(controller, loaded);
            assertSameSetpoint(controller, loaded);
            assertEquals(controller.toString(), loaded.toString());
            var bytes = ControllerFile.bytes(controller, model);
            assertArrayEquals(Files.readAllBytes(file), bytes, controller.toString());
            assertArrayEquals(bytes, ControllerFile.bytes(ControllerFile.of("sent", bytes), model));
            var was = model.steered(controller).atEveryToken();
            var is = model.steered(loaded).atEveryToken();
            assertArrayEquals(was.logits(PROMPT), is.logits(PROMPT), controller.toString());
            assertArrayEquals(
                    was.generate("the sea", 6).tokens(),
                    is.generate("the sea", 6).tokens(),
                    controller.toString());
        }
    }

    /** To the last bit, and each law remembers the same laws' measurements. */
    private static void assertSameLaws(Controller wanted, Controller found) {
        var twins = new HashMap<Measurement, Measurement>();
        for (var point : HookPoint.values()) {
            assertEquals(wanted.blocks(point), found.blocks(point), wanted + " at " + point);
            for (int k : wanted.blocks(point)) {
                assertEquals(wanted.laws(point, k).size(), found.laws(point, k).size());
                for (int n = 0; n < wanted.laws(point, k).size(); n++) {
                    assertSameLaw(
                            wanted.laws(point, k).get(n), found.laws(point, k).get(n), twins);
                }
            }
        }
    }

    private static void assertSameLaw(ControlLaw wanted, ControlLaw found, Map<Measurement, Measurement> twins) {
        assertEquals(wanted.getClass(), found.getClass());
        if (wanted instanceof GatedLaw w && found instanceof GatedLaw f) {
            assertArrayEquals(w.c(), f.c());
            assertEquals(List.of(w.low(), w.high()), List.of(f.low(), f.high()));
            assertSameLaw(w.law(), f.law(), twins);
        } else if (wanted instanceof TransportLaw w && found instanceof TransportLaw f) {
            assertArrayEquals(
                    new double[][] {w.scale(), w.shift(), w.low(), w.high()},
                    new double[][] {f.scale(), f.shift(), f.low(), f.high()});
        } else if (wanted instanceof SphericalLaw w && found instanceof SphericalLaw f) {
            assertArrayEquals(w.v(), f.v());
            assertEquals(
                    List.of(w.kappa(), w.alpha(), w.beta(), w.gain()),
                    List.of(f.kappa(), f.alpha(), f.beta(), f.gain()));
        } else if (wanted instanceof FlowLaw w && found instanceof FlowLaw f) {
            assertSameMatrix(w.support(), f.support());
            assertArrayEquals(w.coefficients(), f.coefficients());
            assertEquals(
                    List.of(w.gamma(), w.constant(), w.length(), w.steps(), w.gain()),
                    List.of(f.gamma(), f.constant(), f.length(), f.steps(), f.gain()));
        } else if (wanted instanceof LinearFeedback w && found instanceof LinearFeedback f) {
            assertSameMeasurement(w.measurement(), f.measurement(), twins);
            assertSameMatrix(w.W(), f.W());
            var past = List.copyOf(f.past().entrySet());
            assertEquals(w.past().size(), past.size());
            int i = 0;
            for (var gain : w.past().entrySet()) {
                assertSameMeasurement(gain.getKey(), past.get(i).getKey(), twins);
                assertSameMatrix(gain.getValue(), past.get(i++).getValue());
            }
        }
    }

    private static void assertSameMeasurement(
            Measurement wanted, Measurement found, Map<Measurement, Measurement> twins) {
        assertSame(twins.computeIfAbsent(wanted, first -> found), found, "one measurement stays one");
        assertSameMatrix(wanted.directions(), found.directions());
        assertArrayEquals(wanted.targets(), found.targets());
    }

    private static void assertSameMatrix(DMatrixRMaj wanted, DMatrixRMaj found) {
        assertEquals(List.of(wanted.numRows, wanted.numCols), List.of(found.numRows, found.numCols));
        assertArrayEquals(
                Arrays.copyOf(wanted.data, wanted.getNumElements()), Arrays.copyOf(found.data, found.getNumElements()));
    }

    private static void assertSameSetpoint(Controller wanted, Controller found) {
        assertEquals(wanted.setpoint().toString(), found.setpoint().toString());
        wanted.setpoint().ifPresent(w -> {
            var f = found.setpoint().orElseThrow();
            for (int k = 0; k <= w.horizon(); k++) {
                assertArrayEquals(w.direction(k), f.direction(k));
                assertEquals(List.of(w.gap(k), w.offset(k), w.target(k)), List.of(f.gap(k), f.offset(k), f.target(k)));
            }
        });
    }

    @Test
    void anotherModelsControllerIsRefused() throws IOException {
        var model = Tiny.LLAMA.model();
        var file = folder.resolve("a.safetensors");
        var other = Tiny.GEMMA3.lqr(Tiny.GEMMA3.setpoint(1));
        assertRefused(() -> ControllerFile.save(file, other, model), "block 4", "blocks 0..3");
        assertRefused(() -> ControllerFile.load(file, model), "there is no file", "ControllerFile.save");
        ControllerFile.save(file, Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)), model);
        assertRefused(
                () -> ControllerFile.load(changed(file, "rudder.model.sha256", "1".repeat(64)), model),
                "computed from tiny",
                "again");
        assertRefused(
                () -> ControllerFile.load(changed(file, "rudder.kind", "mean Jacobians"), model),
                "holds mean Jacobians, wanted controller");
    }

    @Test
    void bytesBindAControllerToItsModelAsFilesDo() throws IOException {
        var model = Tiny.LLAMA.model();
        var bytes = ControllerFile.bytes(Tiny.LLAMA.lqr(Tiny.LLAMA.setpoint(1)), model);
        var sent = ControllerFile.of("sent", bytes);
        assertEquals(model.sha256(), sent.plant().orElseThrow());
        assertRefused(() -> sent.measuredOn("1".repeat(64)), "wanted one plant");
        bytes[bytes.length - 1] ^= 1;
        assertRefused(() -> ControllerFile.of("sent", bytes), "sent", "checksum", "damaged");
        Files.write(folder.resolve("a.safetensors"), ControllerFile.bytes(Controller.none(), model));
        var other = Files.readAllBytes(changed(folder.resolve("a.safetensors"), "rudder.kind", "mean Jacobians"));
        assertRefused(() -> ControllerFile.of("sent", other), "holds mean Jacobians, wanted controller");
    }

    @Test
    void aDamagedFileIsRefused() throws IOException {
        var model = Tiny.LLAMA.model();
        var setpoint = Tiny.LLAMA.setpoint(1);
        var file = folder.resolve("a.safetensors");
        ControllerFile.save(file, Controller.pid(setpoint, 1, 1, 1, 10).onlyWhen(setpoint, 0, 1), model);
        assertRefused(
                () -> ControllerFile.load(without(file, "resid_pre.2.0.law.W"), model),
                "is damaged",
                "version",
                "resid_pre.2.0.law.W");
        assertRefused(() -> ControllerFile.load(without(file, "resid_pre.2.0.gate"), model), "resid_pre.2.0.readings");
        assertRefused(() -> ControllerFile.load(without(file, "reading.1.b"), model), "reading.1.b");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.2.0.law.readings", 0, 1), model),
                "has 3 columns, wanted 2");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.2.0.law.readings", 0, 1, 9), model),
                "number 9.0",
                "4 measurements");
        assertRefused(() -> ControllerFile.load(with(file, "resid_pre.2.0.law.readings", 2, 3, 1), model), "remembers");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.2.0.open", 0), model),
                "'resid_pre.2.0.open' has 1 numbers, wanted 2");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.9.0.scale", 0), model),
                "[resid_pre.9.0.scale]",
                "blocks 0..3");
        assertRefused(() -> ControllerFile.load(with(file, "resid_pre.2.2.scale", 0), model), "[resid_pre.2.2.scale]");
        assertRefused(() -> ControllerFile.load(with(file, "reading.1.b", Double.NaN), model), "b holds NaN");
        assertRefused(
                () -> ControllerFile.load(with(file, "setpoint.directions", 1, 2), model),
                "setpoint.directions",
                "[2]");
        assertRefused(() -> ControllerFile.load(changed(file, "rudder.controller", null), model), "rudder.controller");
        Files.write(file, new byte[5]);
        assertRefused(() -> ControllerFile.load(file, model), "a.safetensors", "5 bytes");
    }

    private Path changed(Path file, String key, String value) throws IOException {
        return rewritten(file, Map.of(), key, value);
    }

    private Path without(Path file, String tensor) throws IOException {
        return rewritten(file, Map.of(tensor, new double[0]), "rudder.version", Provenance.VERSION);
    }

    private Path with(Path file, String tensor, double... values) throws IOException {
        return rewritten(file, Map.of(tensor, values), "rudder.version", Provenance.VERSION);
    }

    private Path rewritten(Path file, Map<String, double[]> vectors, String key, String value) throws IOException {
        var writer = new SafetensorsWriter();
        try (var source = Safetensors.open(file)) {
            var metadata = new LinkedHashMap<>(source.metadata());
            metadata.put(key, value);
            metadata.values().removeIf(text -> text == null);
            metadata.forEach(writer::metadata);
            for (String name : source.names()) {
                if (!vectors.containsKey(name)) {
                    double[] values = source.doubles(name);
                    writer.doubles(name, () -> values, source.shape(name));
                }
            }
        }
        vectors.forEach((name, values) -> {
            if (values.length > 0) {
                writer.doubles(name, () -> values, values.length);
            }
        });
        var changed = folder.resolve("changed.safetensors");
        writer.write(changed);
        return changed;
    }

    @Test
    void damagedLawsOfDirectionsAreRefused() throws IOException {
        var model = Tiny.LLAMA.model(DataType.FLOAT32);
        var file = folder.resolve("a.safetensors");
        ControllerFile.save(file, HookPointsTest.directions(Tiny.LLAMA), model);
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.1.0.turn", 1, 2), model),
                "'resid_pre.1.0.turn' has 2 numbers, wanted 4");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.1.0.turn", 20, 1, 2, 1), model),
                "damaged",
                "beta is 2.0");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.3.0.path", 1, 1, 1, 2.5, 1), model),
                "has 2.5 steps, wanted a whole number");
        assertRefused(
                () -> ControllerFile.load(with(file, "resid_pre.3.0.coefficients", 1, 2), model),
                "support is 9 x 48, wanted 2 x 48");
        assertRefused(() -> ControllerFile.load(without(file, "resid_pre.3.0.path"), model), "resid_pre.3.0.path");
    }

    @Test
    void gatesInsideOneAnotherAreBounded() throws IOException {
        var model = Tiny.LLAMA.model(DataType.FLOAT32);
        var open = Controller.actAdd(Tiny.LLAMA.setpoint(1), 1);
        var deep = open;
        for (int i = 0; i < 17; i++) {
            deep = deep.onlyWhen(Tiny.LLAMA.setpoint(0), 0, 3);
            if (i == 15) {
                var file = folder.resolve("16.safetensors");
                ControllerFile.save(file, deep, model);
                assertSameLaws(deep, ControllerFile.load(file, model));
            }
        }
        var tooDeep = deep;
        var file = folder.resolve("deep.safetensors");
        assertRefused(() -> ControllerFile.save(file, tooDeep, model), "16 gates");

        var writer = new SafetensorsWriter();
        ControllerFile.save(file, open, model);
        try (var saved = Safetensors.open(file)) {
            saved.metadata().forEach(writer::metadata);
        }
        var law = "resid_pre.1.0";
        for (int i = 0; i < 1000; i++, law += ".law") {
            writer.doubles(law + ".gate", () -> new double[0], 0).doubles(law + ".open", () -> new double[2], 2);
        }
        writer.write(file);
        assertRefused(() -> ControllerFile.load(file, model), "deep.safetensors", "16 gates");
    }

    @Test
    void aFlippedBitIsNoticed() throws IOException {
        var model = Tiny.LLAMA.model(DataType.FLOAT32);
        var file = folder.resolve("flipped.safetensors");
        ControllerFile.save(file, Controller.actAdd(Tiny.LLAMA.setpoint(1), 1), model);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 5] ^= 1;
        Files.write(file, bytes);
        assertRefused(() -> ControllerFile.load(file, model), "flipped.safetensors", "checksum", "damaged");
    }
}
