package rudder.model.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static rudder.checkpoint.Refusals.assertRefused;

import ai.djl.ndarray.types.DataType;
import org.junit.jupiter.api.Test;
import rudder.model.Tiny;

class DevicesTest {

    private static String named(String wanted, int gpus) {
        return Devices.name(Devices.named(wanted, gpus));
    }

    @Test
    void automaticIsTheFirstGpuOrTheCpu() {
        assertEquals("cpu", named("auto", 0));
        assertEquals("gpu:0", named("auto", 2));
        assertEquals("cpu", named("cpu", 2));
        assertEquals("gpu:1", named("gpu:1", 2));
    }

    @Test
    void aDeviceThatIsNotThereIsRefused() {
        assertRefused(
                () -> Devices.named("gpu:0", 0),
                "RUDDER_DEVICE",
                "'gpu:0'",
                "no GPU",
                "cudart", // these machines have none
                "RUDDER_CUDA=1",
                "RUDDER_DEVICE=cpu");
        assertRefused(() -> Devices.named("gpu:2", 2), "'gpu:2'", "2 GPU", "gpu:0 to gpu:1");
        for (String word : new String[] {"cuda", "gpu", "gpu:", "gpu:-1", "GPU:0", "gpu:99999999999"}) {
            assertRefused(() -> Devices.named(word, 1), "'" + word + "'", "wanted auto, cpu or gpu:0");
        }
    }

    @Test
    void aModelSaysWhereItIs() {
        var model = Tiny.LLAMA.model(DataType.FLOAT32);
        assertTrue(model.toString().endsWith(", " + model.device() + "]"), model.toString());
        assertTrue(model.algebra().toString().contains(model.device()));
    }
}
