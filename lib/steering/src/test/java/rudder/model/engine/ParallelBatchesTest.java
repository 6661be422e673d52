package rudder.model.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import rudder.model.Tiny;
import rudder.theory.Stop;

class ParallelBatchesTest {

    private static final Device CPU = Device.cpu();

    @BeforeAll
    static void load() {
        Engine.getEngine("PyTorch");
    }

    @Test
    void everyPlaceIsMadeOnceAndStandsWhereItBelongs() {
        for (int size : new int[] {0, 1, 6, 7, 29}) {
            var heard = new ArrayList<Integer>();
            var made = ParallelBatches.of(
                    CPU,
                    size,
                    6,
                    (first, end) -> IntStream.range(first, end).boxed().toList(),
                    heard::add);
            assertEquals((size + 5) / 6, made.size());
            assertEquals(
                    IntStream.range(0, size).boxed().toList(),
                    made.stream().flatMap(List::stream).toList());
            assertEquals(heard.stream().sorted().toList(), heard);
            if (size > 0) {
                assertEquals(size, heard.get(heard.size() - 1));
            }
        }
    }

    /** The other thread could do all of it before the caller's first step. */
    @Test
    void noBatchBeginsForAnInterruptedCaller() {
        var made = new AtomicInteger();
        Thread.currentThread().interrupt();
        var stopped = assertThrows(
                CancellationException.class,
                () -> ParallelBatches.of(CPU, 4, 1, (first, end) -> made.incrementAndGet(), done -> {}));
        assertEquals("stopped after 0 of 4 texts", stopped.getMessage());
        assertFalse(Thread.interrupted());
        assertEquals(0, made.get());
    }

    @Test
    void theEnginesThreadsAreSharedAndGivenBack() {
        int before = JniUtils.getNumThreads();
        JniUtils.setNumThreads(4);
        try {
            var shares = ParallelBatches.of(CPU, 20, 1, (first, end) -> JniUtils.getNumThreads(), done -> {});
            assertEquals(List.of(2), shares.stream().distinct().toList());
            assertEquals(
                    List.of(4),
                    ParallelBatches.of(CPU, 1, 1, (first, end) -> JniUtils.getNumThreads(), done -> {}),
                    "one batch alone has all");
            assertEquals(
                    List.of(4, 4),
                    ParallelBatches.of(Device.gpu(), 2, 1, (first, end) -> JniUtils.getNumThreads(), done -> {}),
                    "a GPU has one after another");
            assertEquals(2, ParallelBatches.together(CPU));
            assertEquals(1, ParallelBatches.together(Device.gpu()), "texts of one batch alone need memory");
            JniUtils.setNumThreads(1);
            assertEquals(1, ParallelBatches.together(CPU));
            JniUtils.setNumThreads(4);
            assertEquals(4, JniUtils.getNumThreads());
        } finally {
            JniUtils.setNumThreads(before);
        }
    }

    /** Otherwise the last bits of its sums would depend on what runs beside. */
    @Test
    void aNewThreadBesideABatchHasAllThreadsOfTheEngine() throws Exception {
        int all = Tiny.LLAMA.model().perplexity("the sea") > 0 ? JniUtils.getNumThreads() : 0;
        var found = new AtomicInteger();
        ParallelBatches.of(
                CPU,
                2,
                1,
                (first, end) -> {
                    if (first == 0) {
                        JniUtils.setNumThreads(1); // as half of two is
                        var beside = new Thread(() -> {
                            new Lifetime().during(() -> "first work");
                            var third = new Thread(() -> JniUtils.setNumThreads(1)); // before the first product
                            third.start();
                            join(third);
                            found.set(JniUtils.getNumThreads());
                        });
                        beside.start();
                        join(beside);
                    }
                    return first;
                },
                done -> {});
        assertEquals(all, found.get());
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A batch that fails, in whichever thread, ends the list: what runs is waited for, nothing more is begun. */
    @Test
    void aFailureIsTheCallersAndEndsTheRest() {
        int before = JniUtils.getNumThreads();
        JniUtils.setNumThreads(2);
        try {
            for (boolean inTheCaller : new boolean[] {true, false}) {
                var caller = Thread.currentThread();
                var begun = new ConcurrentLinkedQueue<Integer>();
                var failure = assertThrows(
                        IllegalStateException.class,
                        () -> ParallelBatches.of(
                                CPU,
                                1000,
                                1,
                                (first, end) -> {
                                    begun.add(first);
                                    if (Thread.currentThread() == caller == inTheCaller) {
                                        throw new IllegalStateException("at " + first);
                                    }
                                    pause();
                                    return first;
                                },
                                done -> {}));
                assertTrue(begun.stream()
                        .map(first -> "at " + first)
                        .collect(Collectors.toSet())
                        .contains(failure.getMessage()));
                int then = begun.size();
                pause();
                assertEquals(then, begun.size());
                assertTrue(then < 1000);
                assertEquals(2, JniUtils.getNumThreads());
            }
        } finally {
            JniUtils.setNumThreads(before);
        }
    }

    /**
     * An interrupt of the caller reaches the other thread, which may be in a long batch, and is not left over there.
     */
    @Test
    void anInterruptEndsBothThreads() {
        int before = JniUtils.getNumThreads();
        JniUtils.setNumThreads(2);
        try {
            var caller = Thread.currentThread();
            var both = new CountDownLatch(2);
            assertThrows(
                    CancellationException.class,
                    () -> ParallelBatches.of(
                            CPU,
                            4,
                            1,
                            (first, end) -> {
                                both.countDown();
                                if (Thread.currentThread() == caller) {
                                    await(both);
                                    caller.interrupt();
                                }
                                while (true) {
                                    Stop.ifInterrupted(first, 4, "batches");
                                    Thread.onSpinWait();
                                }
                            },
                            done -> {}));
            assertFalse(Thread.interrupted());
            var left = ParallelBatches.of(
                    CPU, 20, 1, (first, end) -> Thread.currentThread().isInterrupted(), done -> {});
            assertFalse(left.contains(true));
        } finally {
            JniUtils.setNumThreads(before);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(1);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
