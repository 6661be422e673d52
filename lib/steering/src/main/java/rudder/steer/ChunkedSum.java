package rudder.steer;

import rudder.theory.Vectors;

/**
 * A sum of tables, in chunks of {@link FeatureSums#CHUNK}: each chunk is summed, then the sums are added in order. So
 * chunks that were summed apart give the same bits.
 */
final class ChunkedSum {

    private double[][] closed; // null before the first chunk is whole
    private double[][] open; // null between chunks
    private int count;

    /** Adds one table; all have the same shape. */
    void add(double[][] table) {
        if (open == null) {
            open = new double[table.length][table[0].length];
        }
        plus(open, table);
        if (++count % FeatureSums.CHUNK == 0) {
            close();
        }
    }

    private void close() {
        if (closed == null) {
            closed = open;
        } else {
            plus(closed, open);
        }
        open = null;
    }

    /** Adds a whole chunk that was summed elsewhere; only the last one may have fewer tables. */
    void addChunk(double[][] sum, int tables) {
        open = Vectors.copy(sum); // later chunks are added to it
        close();
        count += tables;
    }

    private static void plus(double[][] sum, double[][] table) {
        for (int k = 0; k < sum.length; k++) {
            for (int j = 0; j < sum[k].length; j++) {
                sum[k][j] += table[k][j];
            }
        }
    }

    /** Returns the number of tables. */
    int count() {
        return count;
    }

    /** Returns the sum; nothing may be added behind a chunk that is not whole. */
    double[][] total() {
        if (open != null) {
            close();
        }
        return closed;
    }
}
