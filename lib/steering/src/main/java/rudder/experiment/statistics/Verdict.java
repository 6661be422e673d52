package rudder.experiment.statistics;

/** What a comparison of two twins shows. */
public enum Verdict {
    /** The closed loop is better, at level 0.05 over all comparisons. */
    CLOSED_LOOP_BETTER("closed loop better"),
    /** The open loop is better, at level 0.05 over all comparisons. */
    OPEN_LOOP_BETTER("open loop better"),
    /** The difference is within the margin, at level 0.05 over all comparisons. */
    EQUIVALENT("equivalent"),
    /** The data exclude neither a difference nor equivalence. */
    NOT_RESOLVED("not resolved");

    private static final double LEVEL = 1 - TwoWay.LEVEL;

    private final String words;

    Verdict(String words) {
        this.words = words;
    }

    /**
     * Returns the verdict on a difference, closed loop less open loop. A difference that surely lies within the margin
     * is called equivalent even if it is surely not 0; difference and interval stand beside the verdict.
     *
     * @param difference of the means of an outcome that should be large
     * @param p of no difference, corrected for the number of comparisons
     * @param equivalence p of the tests of equivalence, corrected likewise
     */
    public static Verdict of(double difference, double p, double equivalence) {
        if (equivalence <= LEVEL) {
            return EQUIVALENT;
        }
        return p > LEVEL ? NOT_RESOLVED : difference > 0 ? CLOSED_LOOP_BETTER : OPEN_LOOP_BETTER;
    }

    /** Returns the verdict as tables show it: {@code equivalent within 0.02} for instance. */
    public String in(double margin) {
        return this == EQUIVALENT ? words + " within " + margin : words;
    }

    @Override
    public String toString() {
        return words;
    }
}
