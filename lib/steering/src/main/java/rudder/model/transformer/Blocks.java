package rudder.model.transformer;

import ai.djl.ndarray.NDManager;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.BooleanSupplier;
import rudder.checkpoint.format.Progress;

/** The blocks of a model, held on the engine's device or read from their file for each use. Thread-safe. */
final class Blocks {

    /** Uses that unpack a block before it is worth keeping. */
    private static final int FEW = 2;

    private final Weights weights;
    private final NDManager manager;
    private final Keep keep;
    private final BooleanSupplier room;
    private boolean kept; // whether a block that was used is held: then there is room for all
    private final Block[] held;
    private final int[] uses; // of each block, while it is not held
    private final Deque<Block> spare = new ConcurrentLinkedDeque<>(); // whose matrices may be written over

    /**
     * Reads every block once, whether it is kept or not, so that no pass meets an unsound tensor.
     *
     * @param room asks whether there is memory for all blocks. Models may have been loaded since this one, so it is
     *     asked before the first block is kept that was used
     * @throws IllegalArgumentException naming a tensor that is missing, misshapen or not finite
     */
    Blocks(Weights weights, NDManager manager, Keep keep, BooleanSupplier room, int horizon) {
        this.weights = weights;
        this.manager = manager;
        this.keep = keep;
        this.room = room;
        held = new Block[horizon];
        uses = new int[horizon];
        try (Progress job = Progress.of("Loading " + horizon + " blocks", horizon)) {
            for (int k = 0; k < horizon; k++) {
                if (keep == Keep.AT_ONCE) {
                    held[k] = weights.block(manager, k, null);
                } else {
                    unpacked(k).close(); // was read and found sound
                }
                job.advance(1);
            }
        }
    }

    int size() {
        return held.length;
    }

    /** A block for one use. */
    interface Lease extends AutoCloseable {
        Block block();

        /** Gives back the memory of the block's matrices, unless the model holds the block. */
        @Override
        void close();
    }

    private record Held(Block block) implements Lease {
        @Override
        public void close() {
            // stays
        }
    }

    /** @param vectors owns the block's vectors; its matrices belong to the model */
    private record Unpacked(Block block, NDManager vectors, Deque<Block> spare) implements Lease {
        @Override
        public void close() {
            vectors.close();
            spare.addLast(block);
        }
    }

    /** Returns block k for one pass. */
    Lease lease(int k) {
        Block block = held(k);
        return block == null ? unpacked(k) : new Held(block);
    }

    private Lease unpacked(int k) {
        Block used = spare.pollLast();
        NDManager vectors = manager.newSubManager();
        return new Unpacked(weights.block(used == null ? manager : vectors, k, used), vectors, spare);
    }

    /** Returns block k; it belongs to {@code scope} unless the model holds it. */
    Block get(NDManager scope, int k) {
        Block block = held(k);
        return block == null ? weights.block(scope, k, null) : block;
    }

    private synchronized Block held(int k) {
        if (held[k] == null && keep == Keep.WHEN_USED && ++uses[k] > FEW && (kept || room.getAsBoolean())) {
            held[k] = weights.block(manager, k, spare.pollLast());
            kept = true;
        }
        return held[k];
    }
}
