package rudder.checkpoint.format;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Reports the progress of long work.
 *
 * <pre>{@code
 * try (var job = Progress.of("Jacobians of 24 prompts", 24)) {
 *     for (var prompt : prompts) { ...; job.advance(1); }
 * }
 * }</pre>
 *
 * Nothing is shown in the first half second. Then a clock shows the job at least once a second, and there are at most
 * five updates a second. {@link #showOn} sets another display than standard error. Several threads may report.
 */
public final class Progress implements AutoCloseable {

    /** A place that shows progress. Called from a working thread or the clock's, one at a time; must not block. */
    public interface Display {
        /** Shows that {@code fraction} of the job, 0 to 1, is done. */
        void show(Progress job, double fraction);

        /** Shows that the job ended; called only after {@link #show}. */
        void end(Progress job);
    }

    private static final long PATIENCE = 500_000_000L;
    private static final long PERIOD = 200_000_000L;
    private static final long CLOCK_PERIOD = 1_000_000_000L;

    private static final ScheduledThreadPoolExecutor CLOCK = new ScheduledThreadPoolExecutor(1, task -> {
        var thread = new Thread(task, "rudder progress");
        thread.setDaemon(true);
        return thread;
    });

    static {
        CLOCK.setRemoveOnCancelPolicy(true); // most jobs are short
    }

    private static volatile Display display = new StderrProgress();

    private final String label;
    private final long total;
    private final Display shownOn = display;
    private final long start = System.nanoTime();
    private final StringBuilder written = new StringBuilder();
    private final Future<?> clock;
    private long next = start + PATIENCE;
    private boolean shown;
    private boolean closed;
    private long done;

    private Progress(String label, long total) {
        this.label = label.replaceAll("\\p{Cntrl}", "?"); // a file's name must not steer a terminal
        this.total = Math.max(1, total);
        clock = CLOCK.scheduleWithFixedDelay(this::showInTime, PATIENCE, CLOCK_PERIOD, TimeUnit.NANOSECONDS);
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
    public synchronized void advance(long pieces) {
        reach(done + pieces);
    }

    /**
     * Counts so many pieces as done in all. Ignores a smaller number than before; a number over the total counts as the
     * total.
     */
    public synchronized void reach(long pieces) {
        done = Math.max(done, Math.min(pieces, total));
        showInTime();
    }

    /** Adds a piece to the text that the job is writing. A notebook shows the text while it grows. */
    public synchronized void write(String piece) {
        written.append(piece);
    }

    private synchronized void showInTime() {
        var now = System.nanoTime();
        if (!closed && now >= next) {
            next = now + PERIOD;
            shown = true;
            shownOn.show(this, (double) done / total);
        }
    }

    /** Returns the text that the job has written so far, empty if it writes none. */
    public synchronized String written() {
        return written.toString();
    }

    /** Returns whether all pieces are done. */
    public synchronized boolean finished() {
        return done == total;
    }

    /** Returns the time since the job began. */
    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /** Ends the job, successful or not. */
    @Override
    public synchronized void close() {
        clock.cancel(false);
        if (shown && !closed) {
            shownOn.end(this);
        }
        closed = true;
    }

    /** Returns {@code SmolLM2-135M-Instruct 42 %, 12 s} for instance. */
    @Override
    public synchronized String toString() {
        return label + " " + 100 * done / total + " %, " + elapsed().toSeconds() + " s";
    }
}
