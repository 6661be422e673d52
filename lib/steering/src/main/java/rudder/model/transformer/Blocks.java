package rudder.model.transformer;

import ai.djl.ndarray.NDManager;
import rudder.checkpoint.format.Progress;

/** The blocks of a model, held on the engine's device or read from their file for each use. Thread-safe. */
final class Blocks {

    private final Weights weights;
    private final NDManager manager;
    private final Keep keep;
    private final Block[] held;

    /**
     * Reads every block once, whether it is kept or not, so that no pass meets an unsound tensor.
     *
     * @throws IllegalArgumentException naming a tensor that is missing, misshapen or not finite
     */
    Blocks(Weights weights, NDManager manager, Keep keep, int horizon) {
        this.weights = weights;
        this.manager = manager;
        this.keep = keep;
        held = new Block[horizon];
        try (Progress job = Progress.of("Loading " + horizon + " blocks", horizon)) {
            for (int k = 0; k < horizon; k++) {
                if (keep == Keep.AT_ONCE) {
                    held[k] = weights.block(manager, k);
                } else {
                    try (NDManager scope = manager.newSubManager()) {
                        weights.block(scope, k);
                    }
                }
                job.advance(1);
            }
        }
    }

    int size() {
        return held.length;
    }

    /**
     * Returns block k.
     *
     * @param scope owns the block if it is not held
     * @param often whether the caller will ask for the block again and again
     */
    Block get(NDManager scope, int k, boolean often) {
        Block block = held(k, often && keep == Keep.WHEN_USED);
        return block == null ? weights.block(scope, k) : block;
    }

    private synchronized Block held(int k, boolean now) {
        if (held[k] == null && now) {
            held[k] = weights.block(manager, k);
        }
        return held[k];
    }
}
