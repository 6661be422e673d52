package rudder.theory;

import java.util.concurrent.CancellationException;

/**
 * Ends long work in an interrupted thread. Loops over blocks, tokens and prompts ask here before each step.
 *
 * <p>The exception carries the news, and the thread's interrupt is cleared, as with {@link InterruptedException}. So
 * what the work held can be closed, files can still be written, and the next cell of a notebook runs.
 */
public final class Stop {

    private Stop() {}

    /**
     * Throws if this thread was interrupted, and clears the interrupt.
     *
     * @param done steps done
     * @param all steps in all
     * @param steps name of the steps, for the message: {@code stopped after 3 of 30 blocks}
     * @throws CancellationException if the thread was interrupted
     */
    public static void ifInterrupted(long done, long all, String steps) {
        if (Thread.interrupted()) {
            throw new CancellationException("stopped after " + done + " of " + all + " " + steps);
        }
    }
}
