package rudder.model.engine;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import com.sun.jna.NativeLibrary;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;

/**
 * Reads the environment's choice of device, RUDDER_DEVICE, and of precision, RUDDER_DTYPE. Weights and states of a
 * model live on one device.
 */
public final class Devices {

    static final String VARIABLE = "RUDDER_DEVICE";
    public static final String PRECISION = "RUDDER_DTYPE";
    private static final String CPU_ENGINE = "native/lib/pytorch.properties";
    private static final AtomicBoolean SAID = new AtomicBoolean();
    private static final Pattern GPU = Pattern.compile("gpu:(\\d{1,3})");

    private Devices() {}

    /**
     * Returns the device that RUDDER_DEVICE names; the default is {@code auto}. Prints why it is the CPU where the
     * engine was built for a GPU.
     */
    public static Device chosen() {
        var set = System.getenv(VARIABLE);
        String wanted = set == null || set.isBlank() ? "auto" : set.strip();
        int gpus = Engine.getEngine("PyTorch").getGpuCount();
        if (wanted.equals("auto") && gpus == 0 && !isForCpu() && !SAID.getAndSet(true)) {
            System.err.println("Rudder: models run on the CPU, because the engine sees no GPU: " + whyNone());
        }
        return named(wanted, gpus);
    }

    /** Returns whether the CPU's engine is on the class path, as it is without the profile cuda. */
    private static boolean isForCpu() {
        return Devices.class.getResource("/" + CPU_ENGINE) != null;
    }

    /** Says why the engine sees no GPU. It asks CUDA's runtime for their number, and takes its absence for none. */
    private static String whyNone() {
        try {
            NativeLibrary.getInstance("cudart");
            return "CUDA's runtime counts none";
        } catch (UnsatisfiedLinkError e) {
            return "CUDA's runtime, the library cudart, was not found; -Djna.library.path names its folder";
        }
    }

    /**
     * Returns a device by its name: {@code cpu}, {@code gpu:N} or {@code auto}. The last is the first GPU, or the CPU
     * where there is none.
     *
     * @param gpus number of GPUs that the engine sees
     * @throws IllegalArgumentException if the name is another word, or the machine lacks that GPU
     */
    static Device named(String wanted, int gpus) {
        if (wanted.equals("cpu") || wanted.equals("auto") && gpus == 0) {
            return Device.cpu();
        }
        if (wanted.equals("auto")) {
            return Device.gpu(0);
        }
        var match = GPU.matcher(wanted);
        if (!match.matches()) {
            throw new IllegalArgumentException(
                    VARIABLE + " is '" + wanted + "', wanted auto, cpu or gpu:0 (the first GPU; gpu:1 the second)");
        }
        int number = Integer.parseInt(match.group(1));
        if (number >= gpus) {
            throw new IllegalArgumentException(VARIABLE + " is '" + wanted + "', but the engine sees "
                    + (gpus == 0
                            ? "no GPU (" + whyNone()
                                    + "): build with the profile cuda (RUDDER_CUDA=1) on a machine that "
                                    + "has one, or set " + VARIABLE + "=cpu"
                            : gpus + " GPU: wanted gpu:0" + (gpus > 1 ? " to gpu:" + (gpus - 1) : "")));
        }
        return Device.gpu(number);
    }

    /** Returns the precision that RUDDER_DTYPE names; the default is float32. */
    public static DataType precision() {
        var wanted = System.getenv(PRECISION);
        return precisionNamed(wanted == null || wanted.isBlank() ? "float32" : wanted.strip());
    }

    /** @throws IllegalArgumentException if the name is neither {@code float32} nor {@code float16} */
    public static DataType precisionNamed(String wanted) {
        return switch (wanted) {
            case "float32" -> DataType.FLOAT32;
            case "float16" -> DataType.FLOAT16;
            default ->
                throw new IllegalArgumentException(
                        PRECISION + " is '" + wanted + "', wanted float32 or float16 (weights in half precision)");
        };
    }

    /** Returns a precision's name, as RUDDER_DTYPE spells it. */
    public static String name(DataType precision) {
        return precision.name().toLowerCase(Locale.ROOT);
    }

    /** Returns the device's name, as RUDDER_DEVICE spells it. */
    public static String name(Device device) {
        return device.isGpu() ? "gpu:" + device.getDeviceId() : "cpu";
    }
}
