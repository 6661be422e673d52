package rudder.kernel;

/**
 * A vector that packed rows are multiplied by, with its sums over 32 coordinates. Used again for one product after
 * another.
 */
public final class PackedInput {

    final float[] values;
    final float[] sums;

    public PackedInput(int size) {
        values = new float[size];
        sums = new float[size / RowKernel.SUMMED];
    }

    /** Returns the numbers, to be written; call {@link #ready} afterwards. */
    public float[] values() {
        return values;
    }

    /** Sums the numbers that were written. */
    public void ready() {
        for (int b = 0, i = 0; b < sums.length; b++) {
            float sum = 0;
            for (int end = i + RowKernel.SUMMED; i < end; i++) {
                sum += values[i];
            }
            sums[b] = sum;
        }
    }
}
