package rudder.kernel;

/**
 * A vector x that packed rows are multiplied by, in the forms that kernels read. Used again for one product after
 * another.
 */
public final class PackedInput {

    final float[] values;
    /** Sums of x over {@value RowKernel#SUMMED} coordinates. */
    final float[] sums;
    /**
     * The same numbers in the order in which {@link Lanes#quads} gives 32 bytes: entry {@code 32 g + 8 k + l} is
     * coordinate {@code 32 g + 4 l + k}. Coordinates behind the last 32 are left out.
     */
    final float[] quads;
    /** Entry {@code 8 g + l} is the sum of the four coordinates of lane l. */
    final float[] quadSums;

    public PackedInput(int size) {
        values = new float[size];
        sums = new float[size / RowKernel.SUMMED];
        quads = new float[sums.length * RowKernel.SUMMED];
        quadSums = new float[quads.length / 4];
    }

    /** Returns the numbers, to be written; call {@link #ready} afterwards. */
    public float[] values() {
        return values;
    }

    /** Prepares the numbers that were written. */
    public void ready() {
        for (int g = 0, i = 0; g < sums.length; g++) {
            float sum = 0;
            for (int lane = 0; lane < 8; lane++, i += 4) {
                float four = 0;
                for (int k = 0; k < 4; k++) {
                    float value = values[i + k];
                    quads[RowKernel.SUMMED * g + 8 * k + lane] = value;
                    four += value;
                }
                quadSums[8 * g + lane] = four;
                sum += four;
            }
            sums[g] = sum;
        }
    }
}
