package rudder.demo;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The visitors' jobs, done one at a time in the order in which they came. A visitor has one job: a second one ends the
 * first.
 */
final class Line implements AutoCloseable {

    private final int most;
    private final Deque<Job> waiting = new ArrayDeque<>();
    private final Thread worker = new Thread(this::work, "rudder demo");
    private Job running;
    private boolean closed;

    /** @param most jobs that may wait beside the one that runs */
    Line(int most) {
        this.most = most;
        worker.setDaemon(true);
        worker.start();
    }

    /** Puts a job at the end of the line; returns false if the line is full or closed. */
    boolean join(Job job) {
        List<Job> earlier;
        synchronized (this) {
            earlier = all().filter(other -> other.visitor.equals(job.visitor)).toList();
            waiting.removeAll(earlier);
            if (closed || waiting.size() >= Math.max(1, most)) {
                return false;
            }
            waiting.add(job);
            notifyAll();
        }
        earlier.forEach(Job::cancel);
        return true;
    }

    private Stream<Job> all() {
        return Stream.concat(Stream.ofNullable(running), waiting.stream());
    }

    /** Returns the job of an id, if it waits or runs. */
    synchronized Optional<Job> find(String id) {
        return all().filter(job -> job.id.equals(id)).findFirst();
    }

    /** Returns how many jobs will end before this one begins; empty if it does not wait. */
    synchronized Optional<Integer> ahead(Job job) {
        int place = new ArrayList<>(waiting).indexOf(job);
        return place < 0 ? Optional.empty() : Optional.of(place + (running == null ? 0 : 1));
    }

    /** Ends a job, wherever it is. */
    void leave(Job job) {
        synchronized (this) {
            waiting.remove(job);
        }
        job.cancel();
    }

    private void work() {
        for (Job job; (job = take()) != null; ) {
            job.run();
            synchronized (this) {
                running = null;
                notifyAll();
            }
        }
    }

    private synchronized Job take() {
        while (waiting.isEmpty() && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                continue; // meant for a job that has just ended
            }
        }
        running = closed ? null : waiting.poll();
        return running;
    }

    /** Ends all jobs, and waits for the end of the one that runs. */
    @Override
    public void close() {
        List<Job> jobs;
        synchronized (this) {
            closed = true;
            jobs = all().toList();
            waiting.clear();
            notifyAll();
        }
        jobs.forEach(Job::cancel);
        boolean interrupted = false;
        while (worker.isAlive()) {
            try {
                worker.join();
            } catch (InterruptedException e) {
                interrupted = true; // the caller may free the model that a job computes with
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
