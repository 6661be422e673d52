package rudder.model.engine;

import ai.djl.Device;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import rudder.theory.Stop;

/**
 * Runs the batches of a long list two at a time, each with half of the engine's threads. A GPU, or an engine with one
 * thread, runs one batch at a time.
 *
 * <p>Why two: a product of a few dozen rows gains little from a second thread, and the work between products gains
 * nothing. On two cores, two batches side by side halved the time per text. Each batch in progress has a KV cache of
 * its own, so that more batches would take more memory.
 */
public final class ParallelBatches {

    private static final Executor HELPER = Executors.newSingleThreadExecutor(task -> {
        var thread = new Thread(task, "rudder batches");
        thread.setDaemon(true);
        return thread;
    });

    private ParallelBatches() {}

    /** Returns how many batches of a long list are in memory at the same time on a device: one or two. */
    public static int together(Device device) {
        return device.isGpu() || JniUtils.getNumThreads() < 2 ? 1 : 2;
    }

    /**
     * Computes a result for each batch and returns the results in the list's order.
     *
     * <p>If the caller is interrupted or its batch fails, the other thread is interrupted too. A caller that comes
     * interrupted is stopped here, since the other thread could do all batches before the caller's first step.
     *
     * @param made computes the result of the places first..end-1, in either of two threads; must not run batches itself
     * @param reached receives, in the caller's thread, the number of places done
     * @throws java.util.concurrent.CancellationException if the caller was interrupted, as {@link Stop} says
     */
    public static <R> List<R> of(
            Device device, int size, int batch, BiFunction<Integer, Integer, R> made, IntConsumer reached) {
        Stop.ifInterrupted(0, size, "texts");
        var results = new ArrayList<R>(Collections.nCopies((size + batch - 1) / batch, null));
        var next = new AtomicInteger();
        var done = new AtomicInteger();
        int threads = JniUtils.getNumThreads();
        int each = threads / 2;
        Consumer<IntConsumer> work = heard -> {
            try {
                for (int i; (i = next.getAndIncrement()) < results.size(); ) {
                    int first = i * batch;
                    int end = Math.min(size, first + batch);
                    results.set(i, made.apply(first, end));
                    heard.accept(done.addAndGet(end - first));
                }
            } catch (RuntimeException | Error e) {
                next.set(results.size()); // no other batch begins
                throw e;
            }
        };
        if (results.size() < 2 || together(device) < 2) {
            work.accept(reached);
            return results;
        }
        var other = new Share(() -> {
            EngineThreads.settle(); // now, so that no work within the batch does
            JniUtils.setNumThreads(each); // for this thread's products
            work.accept(now -> {});
        });
        HELPER.execute(other);
        boolean succeeded = false;
        try {
            JniUtils.setNumThreads(each);
            work.accept(reached);
            succeeded = true;
        } finally {
            JniUtils.setNumThreads(threads);
            other.end(succeeded);
        }
        reached.accept(size);
        return results;
    }

    /** The other thread's work. The caller waits for its end, because it uses the model. */
    private static final class Share implements Runnable {
        private final Runnable work;
        private Thread thread; // while it works
        private boolean over;
        private Throwable failure;

        Share(Runnable work) {
            this.work = work;
        }

        @Override
        public void run() {
            synchronized (this) {
                if (over) {
                    return;
                }
                thread = Thread.currentThread();
            }
            try {
                work.run();
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                synchronized (this) {
                    thread = null;
                    Thread.interrupted(); // was meant for this work
                    notifyAll();
                }
            }
        }

        /**
         * Drops work that has not begun, since nothing is left for it, and waits for work that has.
         *
         * @param done whether the caller's own work succeeded; if not, or if the caller is interrupted meanwhile, the
         *     other thread is interrupted, and stops at its next step
         */
        void end(boolean done) {
            boolean interrupted = false;
            synchronized (this) {
                over = true;
                if (!done && thread != null) {
                    thread.interrupt();
                }
                while (thread != null) {
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        interrupted = true;
                        if (thread != null) {
                            thread.interrupt();
                        }
                    }
                }
            }
            if (done && failure instanceof Error error) {
                throw error;
            }
            if (done && failure != null) {
                throw (RuntimeException) failure;
            }
            if (interrupted) {
                Thread.currentThread().interrupt(); // all was done nevertheless: the next step stops
            }
        }
    }
}
