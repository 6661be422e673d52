package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProgressTest {

    // the clock's thread writes too
    private final List<Double> shown = new CopyOnWriteArrayList<>();
    private volatile int ended;

    private void watch() {
        Progress.showOn(new Progress.Display() {
            @Override
            public void show(Progress job, double fraction) {
                shown.add(fraction);
            }

            @Override
            public void end(Progress job) {
                ended = ended + 1;
            }
        });
    }

    @AfterEach
    void backToStandardError() {
        Progress.showOn(new StderrProgress());
    }

    @Test
    void shortWorkIsSilent() {
        watch();
        try (var job = Progress.of("short", 1000)) {
            for (int i = 0; i < 1000; i++) {
                job.advance(1);
            }
        }
        assertTrue(shown.isEmpty());
        assertEquals(0, ended);
    }

    @Test
    void longWorkIsShownFromTimeToTimeNeverGoesBackAndEndsOnce() throws InterruptedException {
        watch();
        try (var job = Progress.of("long", 10)) {
            Thread.sleep(250);
            job.reach(1); // too early
            Thread.sleep(550);
            job.reach(4);
            job.reach(5); // too soon after the last
            Thread.sleep(250);
            job.reach(3);
            Thread.sleep(250);
            job.reach(99);
            assertTrue(job.toString().startsWith("long 100 %, 1 s"), job.toString());
        }
        var values = List.copyOf(shown);
        assertEquals(values.stream().sorted().toList(), values);
        assertEquals(List.of(0.1, 0.4, 0.5, 1.0), values);
        assertEquals(1, ended);
    }

    @Test
    void workWhoseFirstPieceTakesLongIsShownMeanwhileAndNothingIsShownBehindItsEnd() throws InterruptedException {
        watch();
        try (var job = Progress.of("slow", 10)) {
            Thread.sleep(900);
            assertEquals(List.of(0.0), List.copyOf(shown));
            assertFalse(job.finished());
        }
        Thread.sleep(1100);
        assertEquals(1, shown.size());
        assertEquals(1, ended);
    }

    @Test
    void severalThreadsCountTogether() throws InterruptedException {
        watch();
        try (var job = Progress.of("shared", 20_000)) {
            Runnable half = () -> {
                for (int i = 0; i < 10_000; i++) {
                    job.advance(1);
                }
            };
            var other = new Thread(half);
            other.start();
            half.run();
            other.join();
            assertTrue(job.finished());
        }
    }

    @Test
    void whatAJobWritesCanBeReadWhileItGrows() {
        watch();
        try (var job = Progress.of("writing", 3)) {
            assertEquals("", job.written());
            job.write("the");
            job.write(" sea");
            assertEquals("the sea", job.written());
            assertFalse(job.finished());
        }
    }
}
