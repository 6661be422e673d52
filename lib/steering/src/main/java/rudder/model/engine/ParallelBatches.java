package rudder.model.engine;

import ai.djl.Device;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

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

    /**
     * Computes a result for each batch and returns the results in the list's order.
     *
     * @param made computes the result of the places first..end-1, in either of two threads; must not run batches itself
     * @param reached receives, in the caller's thread, the number of places done
     */
    @SuppressWarnings("try") // the resource runs beside the block
    public static <R> List<R> of(
            Device device, int size, int batch, BiFunction<Integer, Integer, R> made, IntConsumer reached) {
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
        if (results.size() < 2 || each == 0 || device.isGpu()) {
            work.accept(reached);
            return results;
        }
        var other = CompletableFuture.runAsync(
                () -> {
                    JniUtils.setNumThreads(each); // for this thread's products
                    work.accept(now -> {});
                },
                HELPER);
        try (var wait = new Other(other, threads)) {
            JniUtils.setNumThreads(each);
            work.accept(reached);
        }
        reached.accept(size);
        return results;
    }

    /** The other thread's work. Closing waits until it is done, because it uses the model. */
    private record Other(CompletableFuture<Void> work, int threads) implements AutoCloseable {

        @Override
        public void close() {
            JniUtils.setNumThreads(threads);
            try {
                work.join(); // an interrupt does not end it
            } catch (CompletionException e) {
                if (e.getCause() instanceof Error error) {
                    throw error;
                }
                throw (RuntimeException) e.getCause();
            }
        }
    }
}
