package rudder.model.transformer;

/** When weight matrices that a checkpoint stores packed are held on the engine's device, unpacked. */
public enum Keep {
    /** From the beginning. The output head is read when logits are first asked for. */
    AT_ONCE,
    /**
     * From the first pass of several texts, the first Jacobian or the third pass of one text on. Until then passes
     * unpack each block, and drop it when it has been used.
     */
    WHEN_USED,
    /** Never: every pass unpacks each block. */
    NEVER
}
