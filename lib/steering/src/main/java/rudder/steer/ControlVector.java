package rudder.steer;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import rudder.checkpoint.format.GgufFile;
import rudder.checkpoint.format.GgufWriter;
import rudder.checkpoint.text.FileNames;
import rudder.model.LanguageModel;
import rudder.theory.Check;
import rudder.theory.Vectors;
import rudder.theory.control.ControlLaw;
import rudder.theory.control.Controller;
import rudder.theory.control.HookPoint;
import rudder.theory.control.LinearFeedback;

/**
 * Saves and loads open-loop controllers as llama.cpp's control vectors. These are GGUF files for {@code llama-cli
 * --control-vector FILE} and repeng.
 *
 * <p>The file's tensor {@code direction.N}, float32 of width d, is added to the residual stream behind block N, with
 * blocks counted from 0. A {@link Controller} adds {@code u_N} there: {@code z_{N+1} = phi_N(z_N) + u_N}. The metadata
 * are {@code general.architecture = "controlvector"}, {@code controlvector.model_hint} (the model's architecture),
 * {@code controlvector.layer_count} (the number of directions) and {@code general.name} (the controller's).
 *
 * <p>Such a file cannot hold:
 *
 * <ul>
 *   <li>Feedback, transport or gates, whose inputs depend on the state. {@link Controller#frozenAt} makes them
 *       constant.
 *   <li>Inputs on attention heads.
 *   <li>An input of block 0, which has no slot: N = 1..T-1.
 *   <li>The steered tokens. llama.cpp steers every token of prompt and continuation;
 *       {@code model.steered(controller).atPositions(Positions.ALL)} does the same here.
 *   <li>The setpoint, and the model that the controller was measured on: any model of the same shape accepts the file.
 * </ul>
 *
 * <p>Source: llama.cpp, {@code src/llama-adapter.cpp} (block N), {@code common/common.cpp} (file),
 * {@code tools/cvector-generator}; repeng, {@code ControlVector.export_gguf}.
 */
public final class ControlVector {

    private static final String ARCHITECTURE = "controlvector";
    private static final Pattern DIRECTION = Pattern.compile("direction\\.([1-9][0-9]{0,8})");

    private ControlVector() {}

    /**
     * Writes a controller's constant inputs, rounded to float32, and sums those of one block. Replaces an existing
     * file, and leaves it unchanged if writing fails.
     *
     * @throws IllegalArgumentException if such a file cannot hold the controller, or the controller adds nothing or was
     *     made for another model
     */
    public static void save(Path file, Controller controller, LanguageModel model) throws IOException {
        model.steered(controller); // refuses one that was made for another model
        SortedMap<Integer, float[]> inputs = inputs(controller, model);
        var gguf = new GgufWriter()
                .string("general.architecture", ARCHITECTURE)
                .string("general.name", controller.name())
                .string(ARCHITECTURE + ".model_hint", model.architecture())
                .integer(ARCHITECTURE + ".layer_count", inputs.size());
        inputs.forEach((k, u) -> gguf.floats("direction." + k, u));
        gguf.write(file);
    }

    /** Saves to a path given as text. */
    public static void save(String file, Controller controller, LanguageModel model) throws IOException {
        save(FileNames.path(file), controller, model);
    }

    /**
     * Reads a control vector of any program as a controller that adds each direction unchanged. The controller's name
     * is the one in the file, or the file's own. The model hint is ignored, because programs disagree on its meaning.
     *
     * @throws IllegalArgumentException if the file is no control vector, or has directions of another width or for
     *     blocks that the model lacks.
     * @throws IOException if there is no such file, or the file is damaged; the message names the damage
     */
    public static Controller load(Path file, LanguageModel model) throws IOException {
        try (var gguf = GgufFile.open(file)) {
            String found = gguf.string("general.architecture", "");
            Check.that(
                    found.equals(ARCHITECTURE),
                    "%s has the general.architecture '%s', wanted '%s': it is no control vector",
                    file,
                    found,
                    ARCHITECTURE);
            var laws = new TreeMap<Integer, ControlLaw>();
            for (String tensor : gguf.names()) {
                var direction = DIRECTION.matcher(tensor);
                if (!direction.matches()) {
                    throw new IOException(file + " has a tensor '" + tensor
                            + "', wanted direction.1, direction.2, ...: it is damaged");
                }
                int k = Integer.parseInt(direction.group(1));
                Check.that(
                        k < model.horizon(),
                        "%s adds behind block %d, wanted blocks 1..%d of %s: it was made for another model",
                        file,
                        k,
                        model.horizon() - 1,
                        model);
                long[] shape = gguf.shape(tensor);
                Check.that(
                        Arrays.equals(shape, new long[] {model.dimension()}),
                        "%s has directions of shape %s, wanted [%d] for %s: it is another model's",
                        file,
                        Arrays.toString(shape),
                        model.dimension(),
                        model);
                float[] u = new float[model.dimension()];
                gguf.read(tensor, FloatBuffer.wrap(u));
                if (!finite(u)) {
                    throw new IOException(file + " has numbers in '" + tensor + "' that are not finite: it is damaged");
                }
                laws.put(k, ControlLaw.constant(Vectors.doubles(u)));
            }
            return Controller.of(gguf.string("general.name", file.getFileName().toString()), laws, null);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath() + "; ControlVector.save writes one", e);
        }
    }

    /** {@link #load(Path, LanguageModel)} for a path given as text. */
    public static Controller load(String file, LanguageModel model) throws IOException {
        return load(FileNames.path(file), model);
    }

    /** Returns u_k by block, where there is one. */
    private static SortedMap<Integer, float[]> inputs(Controller controller, LanguageModel model) {
        var sums = new TreeMap<Integer, double[]>();
        for (var point : HookPoint.values()) {
            for (int k : controller.blocks(point)) {
                for (ControlLaw law : controller.laws(point, k)) {
                    Check.that(
                            point != HookPoint.HEAD_OUT,
                            "controller '%s' acts on the attention heads of block %d: "
                                    + "a control vector adds to the residual stream alone",
                            controller.name(),
                            k);
                    double[] sum = sums.computeIfAbsent(k, block -> new double[model.dimension()]);
                    double[] u = constant(controller, k, law);
                    Arrays.setAll(sum, i -> sum[i] + u[i]);
                }
            }
        }
        var inputs = new TreeMap<Integer, float[]>();
        sums.forEach((k, sum) -> {
            float[] u = Vectors.floats(sum);
            Check.that(finite(u), "controller '%s' adds numbers beyond float32 at block %d", controller.name(), k);
            inputs.put(k, u);
        });
        if (inputs.containsKey(0) && Arrays.equals(inputs.get(0), new float[model.dimension()])) {
            inputs.remove(0);
        }
        Check.that(
                !inputs.containsKey(0),
                "controller '%s' adds an input at block 0, for which a control vector has no slot, "
                        + "wanted blocks 1..%d: make it of the laws of those (Controller.of), "
                        + "or save it with ControllerFile",
                controller.name(),
                model.horizon() - 1);
        Check.that(
                !inputs.isEmpty(),
                "controller '%s' adds nothing to any block: llama.cpp refuses a file without directions",
                controller.name());
        return inputs;
    }

    /** Returns W b of a law with C = 0 and no memory. */
    private static double[] constant(Controller controller, int k, ControlLaw law) {
        if (!(law instanceof LinearFeedback feedback)
                || !feedback.past().isEmpty()
                || CommonOps_DDRM.elementMaxAbs(feedback.measurement().directions()) != 0) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "controller '%s' has a %s at block %d, which looks at the state: a control vector adds the same "
                            + "to every state; freeze the controller along a run (Controller.frozenAt), "
                            + "or save it with ControllerFile",
                    controller.name(),
                    law,
                    k));
        }
        double[] b = feedback.measurement().targets();
        var u = new DMatrixRMaj(feedback.dimension(), 1);
        CommonOps_DDRM.mult(feedback.W(), DMatrixRMaj.wrap(b.length, 1, b), u); // W b
        return u.data;
    }

    private static boolean finite(float[] values) {
        return IntStream.range(0, values.length).allMatch(i -> Float.isFinite(values[i]));
    }
}
