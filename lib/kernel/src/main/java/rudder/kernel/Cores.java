package rudder.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shares the rows of a product over the machine's cores. The calling thread works too. Helpers look for work for some
 * microseconds after a product, since the next one of a token follows at once, and then sleep.
 *
 * <p>One product at a time is shared. A thread that finds the helpers at work computes its rows alone.
 */
public final class Cores {

    /** The rows {@code first..end-1} of a product. */
    @FunctionalInterface
    public interface Rows {
        void compute(int first, int end);
    }

    private static final int CORES = Runtime.getRuntime().availableProcessors();
    /** How long a helper looks for work before it sleeps: longer than the gap between two products of a token. */
    private static final long PATIENCE = 50_000; // ns

    private static final ThreadLocal<byte[]> PIECE = ThreadLocal.withInitial(() -> new byte[0]);
    private static final ReentrantLock TURN = new ReentrantLock();
    private static final Helper[] HELPERS = new Helper[CORES - 1];

    static {
        for (int i = 0; i < HELPERS.length; i++) {
            HELPERS[i] = new Helper(i + 1);
        }
    }

    private Cores() {}

    /** Returns this thread's buffer for packed bytes, of at least this size. */
    static byte[] piece(int size) {
        byte[] piece = PIECE.get();
        if (piece.length < size) {
            piece = new byte[size];
            PIECE.set(piece);
        }
        return piece;
    }

    /**
     * Computes rows 0..n-1, each once. Returns when all are done; a helper's exception is thrown here.
     *
     * @param unit rows that a core takes at a time
     */
    public static void share(int n, int unit, Rows rows) {
        if (n <= unit || HELPERS.length == 0 || !TURN.tryLock()) {
            rows.compute(0, n);
            return;
        }
        var job = new Job(n, unit, rows);
        try {
            for (Helper helper : HELPERS) {
                helper.take(job);
            }
            job.work();
            job.await();
        } finally {
            job.rows = null;
            TURN.unlock();
        }
    }

    private static final class Job {
        private final int n;
        private final int unit;
        private volatile Rows rows; // null afterwards: a helper keeps its last job, and must not keep a model
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger(); // rows
        private volatile Throwable failure;

        Job(int n, int unit, Rows rows) {
            this.n = n;
            this.unit = unit;
            this.rows = rows;
        }

        void work() {
            Rows own = rows;
            for (int first; own != null && (first = next.getAndAdd(unit)) < n; ) {
                int end = Math.min(n, first + unit);
                try {
                    own.compute(first, end);
                } catch (RuntimeException | Error e) {
                    failure = e;
                }
                done.addAndGet(end - first);
            }
        }

        void await() {
            while (done.get() < n) {
                Thread.onSpinWait();
                if (next.get() >= n) {
                    Thread.yield(); // a helper that lost its core finishes its last rows
                }
            }
            if (failure instanceof RuntimeException e) {
                throw e;
            }
            if (failure instanceof Error e) {
                throw e;
            }
        }
    }

    private static final class Helper implements Runnable {
        private final Thread thread;
        private volatile Job job;
        private volatile boolean asleep;

        Helper(int number) {
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
                last.work();
            }
        }
    }
}
