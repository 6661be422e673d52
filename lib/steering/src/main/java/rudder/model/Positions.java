package rudder.model;

/** The tokens that a controller steers. */
public enum Positions {
    /** The prompt's last token and every generated token: the paper's A-LQR, and the default. */
    PROMPT_END_AND_GENERATED(false, true, true),
    /** The prompt's last token alone. */
    PROMPT_END(false, true, false),
    /** The generated tokens, but none of the prompt's. */
    GENERATED(false, false, true),
    /** Every token of prompt and continuation: the paper's A-LQR+. */
    ALL(true, true, true);

    /** The positions of a new view. */
    static final Positions DEFAULT = PROMPT_END_AND_GENERATED;

    final boolean earlier;
    final boolean last;
    final boolean generated;

    Positions(boolean earlier, boolean last, boolean generated) {
        this.earlier = earlier;
        this.last = last;
        this.generated = generated;
    }
}
