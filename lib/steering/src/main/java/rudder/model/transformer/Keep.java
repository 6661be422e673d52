package rudder.model.transformer;

/** When weight matrices that a checkpoint stores packed are held on the engine's device, unpacked. */
public enum Keep {
    /** From the beginning. The output head is read when logits are first asked for. */
    AT_ONCE,
    /**
     * From a block's third use on: a pass, or Jacobians. Until then, and as long as there is no room for all blocks,
     * the block is unpacked for each use, and dropped behind it.
     */
    WHEN_USED,
    /** Never: every pass unpacks each block. */
    NEVER
}
