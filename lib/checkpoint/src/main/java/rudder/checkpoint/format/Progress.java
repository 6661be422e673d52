package rudder.checkpoint.format;

import java.time.Duration;
import java.util.Objects;

/**
 * Reports the progress of long work.
 *
 * <pre>{@code
 * try (var job = Progress.of("Jacobians of 24 prompts", 24)) {
 *     for (var prompt : prompts) { ...; job.advance(1); }
 * }
 * }</pre>
 *
 * Nothing is shown in the first second; later, at most five updates a second. Progress is shown on standard error
 * unless {@link #showOn} sets another display. An instance belongs to one thread.
 */
public final class Progress implements AutoCloseable {

    /** A place that shows progress. Called from the working thread; must not block. */
    public interface Display {
        /** Shows that {@code fraction} of the job, 0 to 1, is done. */
        void show(Progress job, double fraction);

        /** Shows that the job ended; called only after {@link #show}. */
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
        this.label = label.replaceAll("\\p{Cntrl}", "?"); // a file's name must not steer a terminal
        this.total = Math.max(1, total);
    }

    /** Begins a job of {@code total} equal pieces. */
    public static Progress of(String label, long total) {
        return new Progress(label, total);
    }

    /** Sets the display of all jobs that begin later. */
    public static void showOn(Display display) {
        Progress.display = Objects.requireNonNull(display, "display");
    }

    /** Counts {@code pieces} more as done. */
    public void advance(long pieces) {
        reach(done + pieces);
    }

    /**
     * Counts so many pieces as done in all. Ignores a smaller number than before; a number over the total counts as the
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

    /** Returns the name of the job. */
    String label() {
        return label;
    }

    /** Returns the time since the job began. */
    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** Ends the job, successful or not. */
    @Override
    public void close() {
        if (shown) {
            shownOn.end(this);
        }
    }

    /** Returns {@code SmolLM2-135M-Instruct 42 %, 12 s} for instance. */
    @Override
    public String toString() {
        return label + " " + 100 * done / total + " %, " + elapsed().toSeconds() + " s";
    }
}
