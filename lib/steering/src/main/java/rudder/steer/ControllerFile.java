package rudder.steer;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.checkpoint.text.FileNames;
import rudder.model.LanguageModel;
import rudder.theory.Check;
import rudder.theory.Setpoint;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.FlowLaw;
import rudder.theory.control.GatedLaw;
import rudder.theory.control.HookPoint;
import rudder.theory.control.LinearFeedback;
import rudder.theory.control.Measurement;
import rudder.theory.control.SphericalLaw;
import rudder.theory.control.TransportLaw;

/**
 * Saves controllers to files and loads them. A loaded controller acts bit for bit like the saved one, whatever its laws
 * are.
 *
 * <p>The file is safetensors in double precision. Law n of block k at a {@link HookPoint} has a name like
 * {@code resid_pre.k.n}. Its tensors have this name and a suffix:
 *
 * <ul>
 *   <li>{@link LinearFeedback}: {@code .readings} (numbers of measurements, its own first, then those it remembers) and
 *       {@code .W} (their gains, side by side);
 *   <li>{@link TransportLaw}: {@code .scale}, {@code .shift}, {@code .low}, {@code .high};
 *   <li>{@link GatedLaw}: {@code .gate} (the direction), {@code .open} (the bounds), and another law under
 *       {@code .law};
 *   <li>{@link SphericalLaw}: {@code .toward}, and {@code .turn} (kappa, alpha, beta, gain);
 *   <li>{@link FlowLaw}: {@code .support}, {@code .coefficients}, and {@code .path} (gamma, constant, length, steps,
 *       gain).
 * </ul>
 *
 * Measurement i is {@code reading.i.C} and {@code reading.i.b}, once, whichever laws use it. A setpoint is
 * {@code setpoint.directions}, {@code .gaps}, {@code .offsets} and {@code .lambda}. The header holds the controller's
 * name, the setpoint's label and the provenance, which binds the file to the model's weights. For llama.cpp's format
 * see {@link ControlVector}.
 */
public final class ControllerFile {

    private static final String KIND = "controller";
    /** Gates inside one another in a file. */
    private static final int DEPTH = 16;

    private ControllerFile() {}

    /**
     * Writes a controller of a model, all or nothing. Replaces a file of that name.
     *
     * @throws IllegalArgumentException if the controller was made for another model, or has more than 16 gates inside
     *     one another
     */
    public static void save(Path file, Controller controller, LanguageModel model) throws IOException {
        written(controller, model).write(file);
    }

    /** Saves to a path given as text. */
    public static void save(String file, Controller controller, LanguageModel model) throws IOException {
        save(FileNames.path(file), controller, model);
    }

    /**
     * Returns the bytes of the file that {@link #save} writes, to send a controller to another process. The same
     * controller gives the same bytes.
     *
     * @throws IllegalArgumentException as {@link #save} does
     */
    public static byte[] bytes(Controller controller, LanguageModel model) {
        return written(controller, model).bytes();
    }

    private static SafetensorsWriter written(Controller controller, LanguageModel model) {
        model.steered(controller.measuredOn(model.sha256())); // both refuse another model's controller
        var parts = new Writing();
        Provenance.of(KIND, model, List.of()).metadata().forEach(parts.file::metadata);
        parts.file.metadata(Provenance.CONTROLLER, controller.name());
        for (var point : HookPoint.values()) {
            for (int k : controller.blocks(point)) {
                var laws = controller.laws(point, k);
                for (int n = 0; n < laws.size(); n++) {
                    parts.law(name(point, k, n), laws.get(n), 0);
                }
            }
        }
        controller.setpoint().ifPresent(parts::setpoint);
        return parts.file;
    }

    /**
     * Reads a file that {@link #save} wrote. The controller and its setpoint are marked with the model's sha256, so
     * that another model refuses them.
     *
     * @throws IOException if there is no such file, it is damaged, or it is no controller; the message says what was
     *     found
     * @throws IllegalArgumentException if the controller was made for another model
     */
    public static Controller load(Path file, LanguageModel model) throws IOException {
        try (var tensors = Safetensors.open(file)) {
            tensors.verify();
            var provenance = Provenance.read(file, tensors.metadata());
            provenance.require(file, KIND, model);
            try {
                var controller = new Loading(tensors, model.horizon(), model.sha256()).controller();
                model.steered(controller);
                return controller;
            } catch (IllegalArgumentException e) {
                throw damaged(file, provenance, e);
            }
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath() + "; ControllerFile.save writes one", e);
        }
    }

    /** Loads from a path given as text. */
    public static Controller load(String file, LanguageModel model) throws IOException {
        return load(FileNames.path(file), model);
    }

    /**
     * Reads {@link #bytes} without the model. The controller and its setpoint are marked with the sha256 that the bytes
     * name, so that another model refuses them.
     *
     * @param name named in messages
     * @throws IOException if the bytes are damaged or are no controller
     */
    public static Controller of(String name, byte[] bytes) throws IOException {
        try (var tensors = Safetensors.of(name, bytes)) {
            tensors.verify();
            var file = Path.of(name);
            var provenance = Provenance.read(file, tensors.metadata());
            if (!provenance.kind().equals(KIND)) {
                throw new IOException(name + " holds " + provenance.kind() + ", wanted " + KIND);
            }
            try {
                return new Loading(tensors, provenance.blocks(), provenance.sha256()).controller();
            } catch (IllegalArgumentException e) {
                throw damaged(file, provenance, e);
            }
        }
    }

    private static IOException damaged(Path file, Provenance provenance, IllegalArgumentException e) {
        return new IOException(
                file + " is damaged, or another version of Rudder wrote it (it says " + provenance.version()
                        + ", this is " + Provenance.VERSION + "): " + e.getMessage(),
                e);
    }

    private static String name(HookPoint point, int k, int n) {
        return point.name().toLowerCase(Locale.ROOT) + "." + k + "." + n;
    }

    private static void requireShallow(String at, int gates) {
        Check.that(gates <= DEPTH, "'%s' has more than %d gates inside one another", at, DEPTH);
    }

    private static final class Writing {
        final SafetensorsWriter file = new SafetensorsWriter();
        private final Map<Measurement, Integer> measurements = new HashMap<>();

        void law(String at, ControlLaw law, int gates) {
            requireShallow(at, gates);
            if (law instanceof GatedLaw gated) {
                vector(at + ".gate", gated.c());
                vector(at + ".open", gated.low(), gated.high());
                law(at + ".law", gated.law(), gates + 1);
            } else if (law instanceof TransportLaw transport) {
                vector(at + ".scale", transport.scale());
                vector(at + ".shift", transport.shift());
                vector(at + ".low", transport.low());
                vector(at + ".high", transport.high());
            } else if (law instanceof SphericalLaw turn) {
                vector(at + ".toward", turn.v());
                vector(at + ".turn", turn.kappa(), turn.alpha(), turn.beta(), turn.gain());
            } else if (law instanceof FlowLaw flow) {
                matrix(at + ".support", flow.support());
                vector(at + ".coefficients", flow.coefficients());
                vector(at + ".path", flow.gamma(), flow.constant(), flow.length(), flow.steps(), flow.gain());
            } else {
                feedback(at, (LinearFeedback) law);
            }
        }

        private void feedback(String at, LinearFeedback feedback) {
            var numbers = new ArrayList<>(List.of(number(feedback.measurement())));
            var gains = new ArrayList<>(List.of(feedback.W()));
            feedback.past().forEach((earlier, gain) -> {
                numbers.add(number(earlier));
                gains.add(gain);
            });
            vector(at + ".readings", numbers.stream().mapToDouble(i -> i).toArray());
            matrix(at + ".W", CommonOps_DDRM.concatColumnsMulti(gains.toArray(DMatrixRMaj[]::new)));
        }

        private int number(Measurement measurement) {
            Integer known = measurements.putIfAbsent(measurement, measurements.size());
            if (known != null) {
                return known;
            }
            int i = measurements.size() - 1;
            matrix("reading." + i + ".C", measurement.directions());
            vector("reading." + i + ".b", measurement.targets());
            return i;
        }

        void setpoint(Setpoint setpoint) {
            int states = setpoint.horizon() + 1;
            var directions = new DMatrixRMaj(states, setpoint.dimension());
            var gaps = new double[states];
            var offsets = new double[states];
            for (int k = 0; k < states; k++) {
                System.arraycopy(
                        setpoint.direction(k), 0, directions.data, k * setpoint.dimension(), setpoint.dimension());
                gaps[k] = setpoint.gap(k);
                offsets[k] = setpoint.offset(k);
            }
            matrix("setpoint.directions", directions);
            vector("setpoint.gaps", gaps);
            vector("setpoint.offsets", offsets);
            vector("setpoint.lambda", setpoint.lambda());
            file.metadata(Provenance.SETPOINT, setpoint.label());
        }

        private void vector(String name, double... values) {
            file.doubles(name, () -> values, values.length);
        }

        private void matrix(String name, DMatrixRMaj matrix) {
            file.doubles(
                    name, () -> Arrays.copyOf(matrix.data, matrix.getNumElements()), matrix.numRows, matrix.numCols);
        }
    }

    /** Throws IllegalArgumentException if the file's content does not fit. */
    private static final class Loading {
        private final Safetensors file;
        private final int horizon;
        private final String sha256; // of the model's weights
        private final TreeSet<String> unread;
        private final List<Measurement> measurements = new ArrayList<>();

        Loading(Safetensors file, int horizon, String sha256) {
            this.file = file;
            this.horizon = horizon;
            this.sha256 = sha256;
            this.unread = new TreeSet<>(file.names());
            for (int i = 0; any("reading." + i); i++) {
                measurements.add(new Measurement(matrix("reading." + i + ".C"), vector("reading." + i + ".b")));
            }
        }

        Controller controller() {
            var laws = new EnumMap<HookPoint, Map<Integer, List<ControlLaw>>>(HookPoint.class);
            for (var point : HookPoint.values()) {
                var byBlock = new TreeMap<Integer, List<ControlLaw>>();
                for (int k = 0; k < horizon; k++) {
                    var here = new ArrayList<ControlLaw>();
                    while (any(name(point, k, here.size()))) {
                        here.add(law(name(point, k, here.size()), 0));
                    }
                    byBlock.put(k, here);
                }
                laws.put(point, byBlock);
            }
            var setpoint = any("setpoint") ? setpoint() : null;
            Check.that(unread.isEmpty(), "it holds %s, which belong to no law of blocks 0..%d", unread, horizon - 1);
            Check.that(
                    file.metadata().containsKey(Provenance.CONTROLLER),
                    "it does not say %s, the controller's name",
                    Provenance.CONTROLLER);
            return Controller.ofHookPoints(file.metadata().get(Provenance.CONTROLLER), laws, setpoint)
                    .measuredOn(sha256);
        }

        private ControlLaw law(String at, int gates) {
            requireShallow(at, gates);
            if (file.has(at + ".gate")) {
                double[] open = numbers(at + ".open", 2);
                return new GatedLaw(law(at + ".law", gates + 1), vector(at + ".gate"), open[0], open[1]);
            }
            if (file.has(at + ".scale")) {
                return new TransportLaw(
                        vector(at + ".scale"), vector(at + ".shift"), vector(at + ".low"), vector(at + ".high"));
            }
            if (file.has(at + ".toward")) {
                double[] turn = numbers(at + ".turn", 4);
                return new SphericalLaw(vector(at + ".toward"), turn[0], turn[1], turn[2], turn[3]);
            }
            if (file.has(at + ".support")) {
                double[] path = numbers(at + ".path", 5);
                Check.that(path[3] == (int) path[3], "'%s.path' has %s steps, wanted a whole number", at, path[3]);
                return new FlowLaw(
                        matrix(at + ".support"),
                        vector(at + ".coefficients"),
                        path[0],
                        path[1],
                        path[2],
                        (int) path[3],
                        path[4]);
            }
            return feedback(at);
        }

        private double[] numbers(String name, int count) {
            double[] numbers = vector(name);
            Check.that(numbers.length == count, "'%s' has %d numbers, wanted %d", name, numbers.length, count);
            return numbers;
        }

        private LinearFeedback feedback(String at) {
            var used = Arrays.stream(vector(at + ".readings"))
                    .mapToObj(i -> measurement(at, i))
                    .toList();
            var gains = matrix(at + ".W");
            int columns = used.stream().mapToInt(Measurement::rank).sum();
            Check.that(
                    !used.isEmpty() && gains.numCols == columns,
                    "'%s.W' has %d columns, wanted %d for %d measurements",
                    at,
                    gains.numCols,
                    columns,
                    used.size());
            DMatrixRMaj w = null;
            var past = new LinkedHashMap<Measurement, DMatrixRMaj>();
            int from = 0;
            for (var measurement : used) {
                var gain = CommonOps_DDRM.extract(gains, 0, gains.numRows, from, from += measurement.rank());
                if (w == null) {
                    w = gain;
                } else {
                    past.put(measurement, gain);
                }
            }
            return new LinearFeedback(used.get(0), w, past);
        }

        private Measurement measurement(String at, double i) {
            Check.that(
                    i == Math.rint(i) && i >= 0 && i < measurements.size(),
                    "'%s.readings' has the number %s, there are %d measurements",
                    at,
                    i,
                    measurements.size());
            return measurements.get((int) i);
        }

        private Setpoint setpoint() {
            var directions = matrix("setpoint.directions");
            var rows = new double[directions.numRows][];
            Arrays.setAll(
                    rows,
                    k -> Arrays.copyOfRange(directions.data, k * directions.numCols, (k + 1) * directions.numCols));
            double[] lambda = numbers("setpoint.lambda", 1);
            return Setpoint.of(
                            rows,
                            vector("setpoint.gaps"),
                            vector("setpoint.offsets"),
                            lambda[0],
                            file.metadata().getOrDefault(Provenance.SETPOINT, ""))
                    .measuredOn(sha256);
        }

        private boolean any(String below) {
            String first = unread.ceiling(below + ".");
            return first != null && first.startsWith(below + ".");
        }

        private double[] vector(String name) {
            return values(name, 1);
        }

        private DMatrixRMaj matrix(String name) {
            double[] values = values(name, 2);
            long[] shape = file.shape(name);
            return new DMatrixRMaj((int) shape[0], (int) shape[1], true, values);
        }

        private double[] values(String name, int axes) {
            double[] values = file.doubles(name);
            Check.that(
                    file.shape(name).length == axes,
                    "'%s' has the shape %s, wanted %d axes",
                    name,
                    Arrays.toString(file.shape(name)),
                    axes);
            unread.remove(name);
            return values;
        }
    }
}
