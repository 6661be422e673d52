package rudder.model.engine;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;

/**
 * Gives every thread the engine's full number of threads for its products. The engine itself gives a new thread the
 * number that any thread set last, such as the half of {@link ParallelBatches} in progress; sums would then be split
 * differently, and their last bits depend on what runs beside.
 */
final class EngineThreads {

    private static final int ALL = all();
    private static final ThreadLocal<Boolean> SETTLED = ThreadLocal.withInitial(() -> false);

    private EngineThreads() {}

    private static int all() {
        Engine.getEngine("PyTorch"); // loads the library that the next line calls
        return JniUtils.getNumThreads();
    }

    /** Call before a thread's first product. */
    static void settle() {
        if (!SETTLED.get()) {
            SETTLED.set(true);
            JniUtils.getNumThreads(); // now the engine takes the number set last, and not at the first product
            JniUtils.setNumThreads(ALL);
        }
    }
}
