package rudder.demo;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Work for one visitor, and the events that it sends. The last event has the type done, stopped or error. */
final class Job {

    private static final System.Logger LOG = System.getLogger(Job.class.getName());

    /** What a job does in the thread of its {@link Line}. */
    @FunctionalInterface
    interface Work {
        /** Does the work and sends events on the way; the result, sent last, is the event done. */
        JsonObject run(Job job) throws IOException;
    }

    final String id = UUID.randomUUID().toString();
    final String visitor;
    private final Work work;
    private final BlockingQueue<JsonObject> events = new LinkedBlockingQueue<>();
    private Thread thread; // while it runs
    private boolean cancelled;
    private Scribe scribe; // while it writes

    Job(String visitor, Work work) {
        this.visitor = visitor;
        this.work = work;
    }

    static JsonObject event(String type) {
        var event = new JsonObject();
        event.addProperty("type", type);
        return event;
    }

    static JsonObject error(String message) {
        var event = event("error");
        event.addProperty("message", message);
        return event;
    }

    static boolean isLast(JsonObject event) {
        return switch (event.get("type").getAsString()) {
            case "done", "stopped", "error" -> true;
            default -> false;
        };
    }

    void send(JsonObject event) {
        events.add(event);
    }

    /** Waits for the next event; returns null if none comes in time. */
    JsonObject next(long milliseconds) throws InterruptedException {
        return events.poll(milliseconds, TimeUnit.MILLISECONDS);
    }

    /** Makes the texts being written open to the visitor's hand. */
    synchronized void writes(Scribe scribe) {
        this.scribe = scribe;
    }

    /** Returns what writes at the moment; null before and afterwards. */
    synchronized Scribe scribe() {
        return scribe;
    }

    synchronized boolean isCancelled() {
        return cancelled;
    }

    /** Ends the work, or keeps it from beginning. */
    synchronized void cancel() {
        if (!cancelled) {
            cancelled = true;
            if (thread != null) {
                thread.interrupt();
            } else {
                send(event("stopped"));
            }
        }
    }

    /** Runs the work in this thread, unless it was cancelled. */
    void run() {
        synchronized (this) {
            if (cancelled) {
                return;
            }
            thread = Thread.currentThread();
        }
        JsonObject last;
        try {
            last = work.run(this);
        } catch (CancellationException e) {
            last = event("stopped");
        } catch (IllegalArgumentException | IllegalStateException | IOException e) {
            last = isCancelled() ? event("stopped") : error(e.getMessage());
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "a job of the demo failed", e);
            last = error("this failed inside Rudder; the log of the server says how");
        }
        synchronized (this) {
            thread = null;
            scribe = null;
            cancelled = true; // nothing is left to cancel
            Thread.interrupted(); // was meant for this work
        }
        send(last);
    }
}
