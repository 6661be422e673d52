package rudder.model;

/** Which tokens a controller steers. */
public enum Positions {
    /** The prompt's last token and every token written after it: the paper's A-LQR, and the default. */
    LAST_AND_WRITTEN(false, true, true),
    /** The prompt's last token alone. */
    LAST(false, true, false),
    /** The tokens written, but none of the prompt's. */
    WRITTEN(false, false, true),
    /** Every token of prompt and continuation: the paper's A-LQR+. */
    ALL(true, true, true);

    final boolean earlier;
    final boolean last;
    final boolean written;

    Positions(boolean earlier, boolean last, boolean written) {
        this.earlier = earlier;
        this.last = last;
        this.written = written;
    }
}
