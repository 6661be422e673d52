package rudder.model.memory;

import ai.djl.Device;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.cuda.CudaUtils;
import java.lang.management.MemoryUsage;

/** The free memory of the device that holds weights and states. */
public final class DeviceMemory {

    private DeviceMemory() {}

    /** Returns the bytes that are free: on a GPU as CUDA counts them, on a CPU {@link MemoryPlan#available}. */
    public static long available(Device device) {
        if (!device.isGpu()) {
            return MemoryPlan.available();
        }
        JniUtils.emptyCudaCache(); // libtorch keeps the blocks of closed arrays, which CUDA counts as used
        return free(CudaUtils.getGpuMemory(device));
    }

    /** @param gpu as the engine reports it: all memory as the maximum, and what any process holds of it as used */
    static long free(MemoryUsage gpu) {
        return gpu.getMax() - gpu.getUsed();
    }
}
