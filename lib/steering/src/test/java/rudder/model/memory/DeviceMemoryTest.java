package rudder.model.memory;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import java.lang.management.MemoryUsage;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {

    @Test
    void aGpusFreeMemoryIsWhatNoProcessHolds() {
        // in this form DJL gives what CUDA says of a GPU of 24 GB, of which 5 are in use
        assertEquals(19L << 30, DeviceMemory.free(new MemoryUsage(-1, 5L << 30, 5L << 30, 24L << 30)));
    }

    /** The call that frees a GPU's kept blocks is in the engine's binding, also where there is no GPU. */
    @Test
    void theEngineGivesBackTheBlocksThatItKeeps() {
        Engine.getEngine("PyTorch");
        assertDoesNotThrow(JniUtils::emptyCudaCache);
    }

    @Test
    void aCpusIsTheMachines() {
        long before = MemoryPlan.available();
        long found = DeviceMemory.available(Device.cpu());
        assertTrue(found > before / 2 && found < 2 * before, found + " bytes, and " + before);
    }
}
