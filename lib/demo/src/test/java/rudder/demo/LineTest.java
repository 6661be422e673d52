package rudder.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import rudder.theory.Stop;

/** Jobs run one at a time, first come, first served. */
@Timeout(20)
class LineTest {

    private final Line line = new Line(2);
    private final List<String> begun = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void close() {
        line.close();
    }

    /** A job that works until the latch opens, or it is stopped. */
    private Job job(String visitor, CountDownLatch until, CountDownLatch begins) {
        return new Job(visitor, job -> {
            begun.add(visitor);
            begins.countDown();
            while (until.getCount() > 0) {
                Stop.ifInterrupted(0, 1, "waits");
                Thread.onSpinWait();
            }
            return Job.event("done");
        });
    }

    private static String last(Job job) throws InterruptedException {
        for (var event = job.next(10_000); ; event = job.next(10_000)) {
            if (Job.isLast(event)) {
                return event.get("type").getAsString();
            }
        }
    }

    @Test
    void theFirstComeIsTheFirstServedAndEachKnowsItsPlace() throws InterruptedException {
        var open = new CountDownLatch(1);
        var started = new CountDownLatch(1);
        var first = job("a", open, started);
        var second = job("b", open, new CountDownLatch(1));
        var third = job("c", open, new CountDownLatch(1));
        assertTrue(line.join(first));
        started.await();
        assertTrue(line.join(second));
        assertTrue(line.join(third));
        assertEquals(Optional.empty(), line.ahead(first));
        assertEquals(Optional.of(1), line.ahead(second));
        assertEquals(Optional.of(2), line.ahead(third));
        assertFalse(line.join(job("d", open, new CountDownLatch(1))), "two may wait");
        assertEquals(third, line.find(third.id).orElseThrow());
        open.countDown();
        assertEquals("done", last(first));
        assertEquals("done", last(second));
        assertEquals("done", last(third));
        assertEquals(List.of("a", "b", "c"), begun);
        assertEquals(Optional.empty(), line.ahead(third));
    }

    @Test
    void aVisitorsSecondJobEndsTheFirst() throws InterruptedException {
        var never = new CountDownLatch(1);
        var started = new CountDownLatch(1);
        var first = job("a", never, started);
        line.join(first);
        started.await();
        var waiting = job("b", never, new CountDownLatch(1));
        line.join(waiting);
        var open = new CountDownLatch(0);
        var again = job("b", open, new CountDownLatch(1));
        assertTrue(line.join(again));
        assertEquals("stopped", last(waiting));
        assertTrue(line.join(job("a", open, new CountDownLatch(1))));
        assertEquals("stopped", last(first));
        assertEquals("done", last(again));
        assertFalse(begun.subList(0, 2).equals(List.of("a", "a")), "b came before the second job of a");
    }

    @Test
    void whoLeavesFreesThePlaceAndTheNextIsNotStopped() throws InterruptedException {
        var never = new CountDownLatch(1);
        var started = new CountDownLatch(1);
        var first = job("a", never, started);
        line.join(first);
        started.await();
        var second = job("b", new CountDownLatch(0), new CountDownLatch(1));
        line.join(second);
        line.leave(first);
        line.leave(first);
        assertEquals("stopped", last(first));
        assertEquals("done", last(second));
        line.leave(second);
        var third = job("c", new CountDownLatch(0), new CountDownLatch(1));
        assertTrue(line.join(third));
        assertEquals("done", last(third));
    }

    @Test
    void aJobThatFailsSaysWhyAndTheLineGoesOn() throws InterruptedException {
        var failing = new Job("a", job -> {
            throw new IllegalArgumentException("the prompt is empty");
        });
        line.join(failing);
        var event = failing.next(10_000);
        assertEquals("error", event.get("type").getAsString());
        assertEquals("the prompt is empty", event.get("message").getAsString());
        var next = job("b", new CountDownLatch(0), new CountDownLatch(1));
        line.join(next);
        assertEquals("done", last(next));
    }

    @Test
    void closingEndsAllJobsAndWaitsForTheRunningOne() throws InterruptedException {
        var never = new CountDownLatch(1);
        var started = new CountDownLatch(1);
        var first = job("a", never, started);
        var second = job("b", never, new CountDownLatch(1));
        line.join(first);
        started.await();
        line.join(second);
        line.close();
        assertEquals("stopped", last(first));
        assertEquals("stopped", last(second));
        assertFalse(line.join(job("c", never, new CountDownLatch(1))));
    }
}
