package rudder.checkpoint.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProgressTest {

    private final ArrayList<Double> shown = new ArrayList<>();
    private int ended;

    private void watch() {
        Progress.showOn(new Progress.Display() {
            @Override
            public void show(Progress job, double fraction) {
                shown.add(fraction);
            }

            @Override
            public void end(Progress job) {
                ended++;
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
            Thread.sleep(1050);
            job.reach(4);
            job.reach(5); // too soon after the last
            Thread.sleep(250);
            job.reach(3);
            Thread.sleep(250);
            job.reach(99);
            assertTrue(job.toString().startsWith("long 100 %, 1 s"), job.toString());
        }
        assertEquals(List.of(0.4, 0.5, 1.0), shown);
        assertEquals(1, ended);
    }
}
