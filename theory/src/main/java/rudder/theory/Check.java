package rudder.theory;

import java.util.List;
import java.util.Locale;
import org.ejml.data.DMatrixRMaj;

/** Checks of arguments. Each failure names the argument, the value found and the value wanted. */
public final class Check {
    private Check() {}

    /** Throws an IllegalArgumentException with the formatted message unless the condition holds. */
    public static void that(boolean holds, String message, Object... values) {
        if (!holds) {
            throw new IllegalArgumentException(String.format(Locale.ROOT, message, values));
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

    /** Returns the argument; throws if it is null. */
    public static <T> T given(String what, T argument) {
        if (argument == null) {
            throw new IllegalArgumentException(what + " is null: give one");
        }
        return argument;
    }

    /** Returns the list; throws if it or one of its elements is null. */
    public static <T> List<T> each(String what, List<T> arguments) {
        if (arguments == null) {
            throw new IllegalArgumentException("the list of " + what + "s is null: give a list");
        }
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i) == null) {
                throw new IllegalArgumentException(what + " " + (i + 1) + " of " + arguments.size()
                        + " is null: give one, or leave it out of the list");
            }
        }
        return arguments;
    }

    /** Returns the list; throws if it is empty, or if it or one of its elements is null. */
    public static <T> List<T> some(String what, List<T> arguments) {
        if (each(what, arguments).isEmpty()) {
            throw new IllegalArgumentException("the list of " + what + "s is empty: give at least one " + what);
        }
        return arguments;
    }
}
