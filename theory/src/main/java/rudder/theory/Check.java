package rudder.theory;

import org.ejml.data.DMatrixRMaj;

/** Checks of arguments. Each failure names the argument, the value found and the value wanted. */
public final class Check {
    private Check() {}

    /** Throws an IllegalArgumentException with the formatted message unless the condition holds. */
    public static void that(boolean holds, String message, Object... values) {
        if (!holds) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }

    /** Throws unless the matrix is rows x columns. */
    public static void shape(String name, DMatrixRMaj matrix, int rows, int columns) {
        that(
                matrix.numRows == rows && matrix.numCols == columns,
                "%s is %d x %d, wanted %d x %d",
                name,
                matrix.numRows,
                matrix.numCols,
                rows,
                columns);
    }

    /** Throws unless both numbers are equal. */
    public static void length(String name, int found, int wanted) {
        that(found == wanted, "%s has length %d, wanted %d", name, found, wanted);
    }

    /** Throws, naming the index, unless the first {@code count} values are finite. */
    public static void finite(String name, double[] values, int count) {
        for (int i = 0; i < count; i++) {
            if (!Double.isFinite(values[i])) {
                throw new IllegalArgumentException(
                        name + " holds " + values[i] + " at index " + i + ", wanted finite numbers only");
            }
        }
    }

    /** Throws, naming the index, unless all values are finite. */
    public static void finite(String name, double[] values) {
        finite(name, values, values.length);
    }

    /** Throws, naming the index, unless all elements are finite. */
    public static void finite(String name, DMatrixRMaj matrix) {
        finite(name, matrix.data, matrix.getNumElements());
    }

    /** Throws unless k is a block index in 0..last. */
    public static void block(int k, int last) {
        that(0 <= k && k <= last, "block %d, wanted 0..%d", k, last);
    }
}
