package rudder.model.engine;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import java.util.regex.Pattern;

/**
 * Reads the environment's choice of device, RUDDER_DEVICE, and of precision, RUDDER_DTYPE. Weights and states of a
 * model live on one device.
 */
public final class Devices {

    static final String VARIABLE = "RUDDER_DEVICE";
    public static final String PRECISION = "RUDDER_DTYPE";
    private static final Pattern GPU = Pattern.compile("gpu:(\\d{1,3})");

    private Devices() {}

    /** Returns the device that RUDDER_DEVICE names; the default is {@code auto}. */
    public static Device chosen() {
        var wanted = System.getenv(VARIABLE);
        return named(
                wanted == null || wanted.isBlank() ? "auto" : wanted.strip(),
                Engine.getEngine("PyTorch").getGpuCount());
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
                            ? "no GPU: build with the profile cuda (RUDDER_CUDA=1) on a machine that has one, or set "
                                    + VARIABLE + "=cpu"
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

    /** Returns the device's name, as RUDDER_DEVICE spells it. */
    public static String name(Device device) {
        return device.isGpu() ? "gpu:" + device.getDeviceId() : "cpu";
    }
}
