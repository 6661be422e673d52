package rudder.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shares the rows of a product over the machine's cores. The calling thread works too. Helpers look for work for some
 * microseconds after a product, since the next one of a token follows at once, and then sleep.
 *
 * <p>A helper that loses its core to another process holds nobody up: it writes to memory of its own, and rows that it
 * does not deliver in time are computed again by the caller. One product at a time is shared. A thread that finds the
 * helpers at work computes its rows alone, also within rows that it shares.
 */
public final class Cores {

    /** The rows {@code first..end-1} of a product. */
    @FunctionalInterface
    public interface Rows {
        /**
         * Writes row r to {@code out[base + r width ..]}. The rows depend on nothing that this writes, and may be
         * computed twice.
         */
        void compute(int first, int end, float[] out, int base);
    }

    private static final int CORES = Runtime.getRuntime().availableProcessors();
    /** How long a helper looks for work before it sleeps: longer than the gap between two products of a token. */
    private static final long PATIENCE = 50_000; // ns
    /** The least time that the caller waits for rows of a helper. */
    private static final long GRACE = 5_000; // ns
    /** The most numbers that a helper holds, 16 MB: larger products are shared part by part. */
    private static final int MOST = 1 << 22;

    private static final ReentrantLock TURN = new ReentrantLock();
    private static final Helper[] HELPERS = new Helper[CORES - 1];

    static {
        for (int i = 0; i < HELPERS.length; i++) {
            HELPERS[i] = new Helper(i + 1);
        }
    }

    private Cores() {}

    /**
     * Writes rows 0..n-1, of {@code width} numbers each, to {@code y[at ..]}. Returns when all are there.
     *
     * @param unit rows that a core takes at a time
     */
    public static void share(int n, int unit, int width, Rows rows, float[] y, int at) {
        if (n <= unit || HELPERS.length == 0 || TURN.isHeldByCurrentThread() || !TURN.tryLock()) {
            rows.compute(0, n, y, at);
            return;
        }
        try {
            int part = Math.max(1, MOST / width / unit) * unit;
            for (int first = 0; first < n; first += part) {
                share(new Job(first, Math.min(n, first + part), unit, width, rows), y, at);
            }
        } finally {
            TURN.unlock();
        }
    }

    private static void share(Job job, float[] y, int at) {
        try {
            for (Helper helper : HELPERS) {
                helper.take(job);
            }
            job.run(y, at);
        } finally {
            job.rows = null;
        }
    }

    private static final class Job {
        private final int from;
        private final int to;
        private final int unit;
        private final int width;
        private volatile Rows rows; // null afterwards: a helper keeps its last job, and must not keep a model
        private final AtomicInteger next = new AtomicInteger(); // unit
        private final AtomicIntegerArray delivered; // by unit: the helper's number

        Job(int from, int to, int unit, int width, Rows rows) {
            this.from = from;
            this.to = to;
            this.unit = unit;
            this.width = width;
            this.rows = rows;
            delivered = new AtomicIntegerArray((to - from + unit - 1) / unit);
        }

        private int first(int u) {
            return from + u * unit;
        }

        private int end(int u) {
            return Math.min(to, first(u) + unit);
        }

        /** Returns the numbers before those of a unit. */
        private int before(int u) {
            return u * unit * width;
        }

        /** The caller's part: its own units, and then those of the helpers. */
        void run(float[] y, int at) {
            int units = delivered.length();
            boolean[] own = new boolean[units];
            long took = 0;
            for (int u; (u = next.getAndIncrement()) < units; ) {
                long since = System.nanoTime();
                rows.compute(first(u), end(u), y, at);
                took = System.nanoTime() - since;
                own[u] = true;
            }
            long until = System.nanoTime() + Math.max(GRACE, 2 * took);
            for (int u = 0; u < units; u++) {
                if (!own[u]) {
                    collect(u, until, y, at);
                }
            }
        }

        private void collect(int u, long until, float[] y, int at) {
            int first = first(u);
            int helper;
            while ((helper = delivered.get(u)) == 0) {
                if (System.nanoTime() > until) {
                    rows.compute(first, end(u), y, at);
                    return;
                }
                Thread.onSpinWait();
            }
            System.arraycopy(HELPERS[helper - 1].buffer, before(u), y, at + first * width, (end(u) - first) * width);
        }
    }

    private static final class Helper implements Runnable {
        private final int number;
        private final Thread thread;
        private volatile Job job;
        private volatile boolean asleep;
        private float[] buffer = new float[0]; // the caller reads units that are delivered

        Helper(int number) {
            this.number = number;
            thread = new Thread(this, "rudder core " + number);
            thread.setDaemon(true);
            thread.start();
        }

        void take(Job next) {
            job = next;
            if (asleep) {
                LockSupport.unpark(thread);
            }
        }

        @Override
        public void run() {
            Job last = null;
            while (true) {
                long since = System.nanoTime();
                while (job == last && System.nanoTime() - since < PATIENCE) {
                    Thread.onSpinWait();
                }
                asleep = true;
                while (job == last) {
                    LockSupport.park(this);
                }
                asleep = false;
                last = job;
                work(last);
            }
        }

        private void work(Job own) {
            Cores.Rows rows = own.rows;
            if (rows == null) {
                return;
            }
            try {
                int size = (own.to - own.from) * own.width;
                if (buffer.length < size) {
                    buffer = new float[size];
                }
                int units = own.delivered.length();
                for (int u; (u = own.next.getAndIncrement()) < units; ) {
                    rows.compute(own.first(u), own.end(u), buffer, -own.from * own.width);
                    own.delivered.set(u, number);
                }
            } catch (RuntimeException | Error e) {
                // The caller computes these rows again, and meets what the rows threw. If the buffer found no memory,
                // the caller, which needs none, computes all. The thread must live: nobody starts another.
            }
        }
    }
}
