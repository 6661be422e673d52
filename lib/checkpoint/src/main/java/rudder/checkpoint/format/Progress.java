package rudder.checkpoint.format;

import java.time.Duration;
import java.util.Objects;

/**
 * Long work that says how far it is.
 *
 * <pre>{@code
 * try (var job = Progress.of("Jacobians of 24 prompts", 24)) {
 *     for (var prompt : prompts) { ...; job.advance(1); }
 * }
 * }</pre>
 *
 * Nothing is shown in the first second, nor more than five times a second. Jobs are shown on standard error until
 * {@link #showOn} names a better place; a job belongs to one thread.
 */
public final class Progress implements AutoCloseable {

    /** Where jobs are shown. Called from the thread that works; must not block. */
    public interface Display {
        /** The job moved: {@code fraction} of it, 0 to 1, is done. */
        void show(Progress job, double fraction);

        /** The job ended; called only if {@link #show} was. */
        void end(Progress job);
    }

    private static final long PATIENCE = 1_000_000_000L;
    private static final long PERIOD = 200_000_000L;

    private static volatile Display display = new StderrProgress();

    private final String label;
    private final long total;
    private final Display shownOn = display;
    private final long start = System.nanoTime();
    private long next = start + PATIENCE;
    private boolean shown;
    private long done;

    private Progress(String label, long total) {
        this.label = Objects.requireNonNull(label, "label");
        this.total = Math.max(1, total);
    }

    /** A job of {@code total} equal pieces, begun now. */
    public static Progress of(String label, long total) {
        return new Progress(label, total);
    }

    /** From now on new jobs are shown here. */
    public static void showOn(Display display) {
        Progress.display = Objects.requireNonNull(display, "display");
    }

    /** Another {@code pieces} are done. */
    public void advance(long pieces) {
        reach(done + pieces);
    }

    /**
     * So many pieces are done in all; a smaller number than before is ignored, a larger one than the total is the
     * total.
     */
    public void reach(long pieces) {
        done = Math.max(done, Math.min(pieces, total));
        var now = System.nanoTime();
        if (now >= next) {
            next = now + PERIOD;
            shown = true;
            shownOn.show(this, (double) done / total);
        }
    }

    /** What is being done. */
    public String label() {
        return label;
    }

    /** Time since the job began. */
    public Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** The job is over, whether it went well or not. */
    @Override
    public void close() {
        if (shown) {
            shownOn.end(this);
        }
    }

    /** {@code SmolLM2-135M-Instruct 42 %, 12 s}. */
    @Override
    public String toString() {
        return label + " " + 100 * done / total + " %, " + elapsed().toSeconds() + " s";
    }
}
