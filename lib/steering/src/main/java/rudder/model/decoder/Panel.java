package rudder.model.decoder;

import rudder.kernel.PackedMatrix;

/**
 * A matrix of the laws' arithmetic on the heap, which lies on its side: a column is one text. So the laws' rows, which
 * are states, are the columns here, as in {@link rudder.kernel.PackedInput}.
 *
 * @param rows coordinates
 * @param columns texts, and those that fill vector registers; 1 for what all texts share
 * @param values [rows, columns]; null for a law's large constant matrix
 * @param matrix a law's large constant matrix; null for all else
 */
record Panel(int rows, int columns, float[] values, PackedMatrix matrix) {

    Panel(int rows, int columns, float[] values) {
        this(rows, columns, values, null);
    }

    Panel(int rows, int columns) {
        this(rows, columns, new float[rows * columns]);
    }
}
