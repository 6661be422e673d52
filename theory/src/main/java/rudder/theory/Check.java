package rudder.theory;

import org.ejml.data.DMatrixRMaj;

/** What arguments must be; each refusal names the argument, what was found and what was wanted. */
public final class Check {
    private Check() {}

    public static void that(boolean holds, String message, Object... values) {
        if (!holds) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }

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

    public static void length(String name, int found, int wanted) {
        that(found == wanted, "%s has length %d, wanted %d", name, found, wanted);
    }

    public static void finite(String name, double[] values, int count) {
        for (int i = 0; i < count; i++) {
            if (!Double.isFinite(values[i])) {
                throw new IllegalArgumentException(
                        name + " holds " + values[i] + " at index " + i + ", wanted finite numbers only");
            }
        }
    }

    public static void finite(String name, double[] values) {
        finite(name, values, values.length);
    }

    public static void finite(String name, DMatrixRMaj matrix) {
        finite(name, matrix.data, matrix.getNumElements());
    }

    /** A block index in 0..last. */
    public static void block(int k, int last) {
        that(0 <= k && k <= last, "block %d, wanted 0..%d", k, last);
    }
}
