package rudder.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.nio.file.Path;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.format.GgufBytes;
import rudder.checkpoint.format.GgufFile;

/** Rows reach the engine as they are. */
class StagingTest {

    /** Rows so wide that each is read by several cores, while other cores read other rows. */
    @Test
    void wideRowsDoNotMix(@TempDir Path folder) throws Exception {
        int rows = 96;
        int columns = 40_000;
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        var eight = new ForkJoinPool(8); // as on a machine of more cores than this may have
        try (var file = GgufFile.open(new GgufBytes()
                        .tensor("t", new long[] {rows, columns}, values)
                        .write(folder.resolve("a.gguf")));
                var manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
            var staging = new Staging(file);
            for (int round = 0; round < 5; round++) {
                var stacked = eight.submit(() -> staging.stack(
                                manager, DataType.FLOAT32, columns, null, null, new Staging.Rows("t", rows)))
                        .get();
                assertArrayEquals(values, stacked.toFloatArray());
            }
        } finally {
            eight.shutdown();
        }
    }
}
