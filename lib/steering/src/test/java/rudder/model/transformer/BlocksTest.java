package rudder.model.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import rudder.checkpoint.Checkpoint;
import rudder.model.Tiny;

class BlocksTest {

    /** The room is asked for until a block is held, and then no more: half a model would be of little use. */
    @Test
    void blocksAreHeldOnceThereIsRoomForAll(@TempDir Path folder) throws IOException {
        try (var open = Checkpoint.open(Tiny.LLAMA.gguf().write(folder.resolve("tiny.gguf")));
                var manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
            var asked = new AtomicInteger();
            var weights = new Weights(open.tensors(), open.names(), open.config(), manager, DataType.FLOAT32);
            var blocks = new Blocks(weights, manager, Keep.WHEN_USED, () -> asked.incrementAndGet() > 2, 2);
            assertNotSame(blocks.get(manager, 0), blocks.get(manager, 0));
            assertEquals(0, asked.get(), "two uses are too few");
            assertNotSame(blocks.get(manager, 0), blocks.get(manager, 0));
            assertEquals(2, asked.get());
            assertSame(blocks.get(manager, 0), blocks.get(manager, 0));
            for (int i = 0; i < 2; i++) {
                blocks.get(manager, 1);
            }
            assertSame(blocks.get(manager, 1), blocks.get(manager, 1));
            assertEquals(3, asked.get());
        }
    }
}
