package rudder.model.pass;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import rudder.checkpoint.Checkpoint;
import rudder.kernel.PackedMatrix;
import rudder.model.decoder.Decoder;
import rudder.model.memory.MemoryPlan;
import rudder.model.transformer.Keep;

/**
 * Chooses how a model holds its weights. The environment's RUDDER_WEIGHTS says which:
 *
 * <ul>
 *   <li>{@code float32}: all on the engine's device, unpacked.
 *   <li>{@code packed}: as their file stores them. Texts are read and written on the Java heap from the mapped file.
 *       What the engine does (Jacobians, gradients, heads) unpacks each block when it comes to it.
 *   <li>{@code auto}, the default: like {@code packed}, but the engine keeps a block from its third use on, if all
 *       blocks fit into half of the memory that is available then and was when the model was loaded.
 * </ul>
 *
 * A GPU, half precision, a JVM without vectors and an encoding without a kernel mean {@code float32}.
 */
public final class Storage {

    public static final String VARIABLE = "RUDDER_WEIGHTS";

    private static final String WITHOUT_VECTORS = "this JVM has no wide vectors: start it with --add-modules "
            + "jdk.incubator.vector, on a processor with 256 bits or more";

    private static final Set<String> SAID = ConcurrentHashMap.newKeySet(); // obstacles, each once

    private Storage() {}

    /** Returns the environment's choice for an open checkpoint. */
    public static Keep chosen(Checkpoint checkpoint, Device device, DataType stored, MemoryPlan plan) {
        String wanted = System.getenv(VARIABLE);
        return named(wanted == null || wanted.isBlank() ? "auto" : wanted.strip(), checkpoint, device, stored, plan);
    }

    /** @throws IllegalArgumentException if the name is another word, or this model cannot be held packed */
    public static Keep named(String wanted, Checkpoint checkpoint, Device device, DataType stored, MemoryPlan plan) {
        if (wanted.equals("float32")) {
            return Keep.AT_ONCE;
        }
        if (!wanted.equals("auto") && !wanted.equals("packed")) {
            throw new IllegalArgumentException(VARIABLE + " is '" + wanted
                    + "', wanted auto, packed or float32 (the form in which weights are held)");
        }
        boolean plain = !device.isGpu() && stored == DataType.FLOAT32;
        String obstacle = !plain
                ? "a GPU and half precision hold them unpacked"
                : !PackedMatrix.available() ? WITHOUT_VECTORS : Decoder.obstacle(checkpoint.tensors());
        if (obstacle != null) {
            if (wanted.equals("packed")) {
                throw new IllegalArgumentException(VARIABLE + " is 'packed', but the weights of " + plan.name()
                        + " cannot stay packed: " + obstacle + "; set " + VARIABLE + "=auto");
            }
            if (plain && SAID.add(obstacle)) {
                System.err.println("The weights of " + plan.name()
                        + " are held as float32, and texts are written more slowly: " + obstacle);
            }
            return Keep.AT_ONCE;
        }
        return wanted.equals("auto") && fits(plan) ? Keep.WHEN_USED : Keep.NEVER;
    }

    /** Returns whether all weights fit unpacked into half of the memory that is available now. */
    public static boolean fits(MemoryPlan plan) {
        return plan.weights() <= MemoryPlan.available() / 2;
    }
}
