package rudder.model.transformer;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import java.util.regex.Pattern;

/**
 * Where a model's weights and states live: one device, which the environment's RUDDER_DEVICE names; and how its weights
 * are stored there, RUDDER_DTYPE.
 */
public final class Devices {

    static final String VARIABLE = "RUDDER_DEVICE";
    static final String PRECISION = "RUDDER_DTYPE";
    private static final Pattern GPU = Pattern.compile("gpu:(\\d{1,3})");

    private Devices() {}

    /** RUDDER_DEVICE's, or without one {@code auto}. */
    public static Device chosen() {
        var wanted = System.getenv(VARIABLE);
        return named(
                wanted == null || wanted.isBlank() ? "auto" : wanted.strip(),
                Engine.getEngine("PyTorch").getGpuCount());
    }

    /**
     * The device {@code cpu}, {@code gpu:N}, or for {@code auto} the first GPU, the CPU where there is none.
     *
     * @param gpus how many the engine sees
     * @throws IllegalArgumentException if it is another word, or a GPU that is not there
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
                            ? "no GPU: build with the profile cuda (RUDDER_CUDA=1) on a machine that has one, or set "
                                    + VARIABLE + "=cpu"
                            : gpus + " GPU: wanted gpu:0" + (gpus > 1 ? " to gpu:" + (gpus - 1) : "")));
        }
        return Device.gpu(number);
    }

    /** RUDDER_DTYPE's, or without one float32. */
    public static DataType precision() {
        var wanted = System.getenv(PRECISION);
        return precisionNamed(wanted == null || wanted.isBlank() ? "float32" : wanted.strip());
    }

    /** @throws IllegalArgumentException if it is neither {@code float32} nor {@code float16} */
    public static DataType precisionNamed(String wanted) {
        return switch (wanted) {
            case "float32" -> DataType.FLOAT32;
            case "float16" -> DataType.FLOAT16;
            default ->
                throw new IllegalArgumentException(
                        PRECISION + " is '" + wanted + "', wanted float32 or float16 (weights in half precision)");
        };
    }

    /** As RUDDER_DEVICE spells it. */
    public static String name(Device device) {
        return device.isGpu() ? "gpu:" + device.getDeviceId() : "cpu";
    }
}
