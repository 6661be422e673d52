package rudder.model.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import rudder.theory.Stop;

/**
 * Counts the work in progress on a model, so that closing the model never frees what a thread computes with. Work asks
 * {@link #check} between its steps. Closing makes that throw, waits until all work has ended, and then frees.
 * Thread-safe.
 */
public final class Lifetime {

    private final Map<Thread, Integer> uses = new HashMap<>(); // nested uses of each thread
    private volatile boolean closed;

    /**
     * Does work that needs the model.
     *
     * @throws IllegalStateException if the model is closed
     */
    public <R> R during(Supplier<R> work) {
        enter();
        try {
            EngineThreads.settle();
            return work.get();
        } finally {
            leave();
        }
    }

    private synchronized void enter() {
        requireOpen();
        uses.merge(Thread.currentThread(), 1, Integer::sum);
    }

    private synchronized void leave() {
        uses.computeIfPresent(Thread.currentThread(), (thread, count) -> count == 1 ? null : count - 1);
        notifyAll();
    }

    /** @throws IllegalStateException if the model is closed */
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("this model is closed: load it again, and close it after its last use");
        }
    }

    /**
     * Ends work that should not go on.
     *
     * @throws IllegalStateException if the model is closed
     * @throws java.util.concurrent.CancellationException if the thread was interrupted, as {@link Stop} says
     */
    public void check(long done, long all, String steps) {
        requireOpen();
        Stop.ifInterrupted(done, all, steps);
    }

    /**
     * Ends the work in progress, waits for its end, and frees. A second call does nothing.
     *
     * @throws IllegalStateException if this thread is itself at work on the model
     */
    public void close(Runnable free) {
        boolean interrupted = false;
        synchronized (this) {
            if (uses.containsKey(Thread.currentThread())) {
                throw new IllegalStateException(
                        "this thread is at work on the model: close the model when the work is done");
            }
            if (closed) {
                return;
            }
            closed = true;
            while (!uses.isEmpty()) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true; // freeing under work would end the process
                }
            }
        }
        free.run();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
