package rudder.model.transformer;

import ai.djl.Device;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Batches of a long list, two at a time, each with half of the engine's threads: a product of a few dozen rows gains
 * little from a second thread, and what comes between products gains nothing. On two cores a text took half as long so.
 * A GPU, or an engine with one thread, has one batch at a time.
 */
public final class ParallelBatches {

    private static final ExecutorService HELPER = Executors.newSingleThreadExecutor(task -> {
        var thread = new Thread(task, "rudder batches");
        thread.setDaemon(true);
        return thread;
    });

    private ParallelBatches() {}

    /**
     * What is made of the places first..end-1 of every batch, in the list's order.
     *
     * @param made makes it, in either of two threads; asks for no batches itself
     * @param reached hears, in the caller's thread, how many places have been done
     */
    @SuppressWarnings("try") // the resource runs beside what is tried
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
                next.set(results.size()); // nothing more is begun
                throw e;
            }
        };
        if (results.size() < 2 || each == 0 || device.isGpu()) {
            work.accept(reached);
            return results;
        }
        try (var other = new Other(
                HELPER.submit(() -> {
                    JniUtils.setNumThreads(each); // of this thread's products
                    work.accept(now -> {});
                }),
                threads)) {
            JniUtils.setNumThreads(each);
            work.accept(reached);
        }
        reached.accept(size);
        return results;
    }

    /** The other thread's work, which uses the model: closing it waits until it is done. */
    private record Other(Future<?> work, int threads) implements AutoCloseable {

        @Override
        public void close() {
            JniUtils.setNumThreads(threads);
            boolean interrupted = false;
            while (true) {
                try {
                    work.get();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof Error error) {
                        throw error;
                    }
                    throw (RuntimeException) e.getCause();
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
