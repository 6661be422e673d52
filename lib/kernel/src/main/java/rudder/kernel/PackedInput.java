package rudder.kernel;

/**
 * Vectors x that packed rows are multiplied by, one or several, in the forms that kernels read. Used again for one
 * product after another.
 *
 * <p>The numbers are a matrix [size, width]: a row holds one coordinate of all vectors. The width is the number of
 * vectors, and where there are more than {@value #FEW} of them, so many more that vector registers are full. What the
 * additional columns hold does not matter.
 */
public final class PackedInput {

    /** So few vectors are multiplied one after another: with more, it is faster to unpack a row for all of them. */
    private static final int FEW = 3;
    /**
     * So many vectors, or more, are multiplied together. A vector's products are then the same to the bit, however many
     * there are.
     */
    public static final int MANY = FEW + 1;

    /** With more columns than this, it is faster to copy them, a panel after the other, than to read them in place. */
    private static final int WIDE = 8 * Tile.PANEL;

    final float[] values;
    /**
     * The columns in panels of {@link Tile#PANEL}, [panel][size, PANEL], the last perhaps narrower; null unless wide.
     */
    final float[] panels;
    /** The columns, each as a vector of its own; null if there are many, and this alone if there is one. */
    final PackedInput[] each;
    /** Sums of x over {@value RowKernel#SUMMED} coordinates, if there is one vector. */
    final float[] sums;
    /**
     * The same numbers in the order in which {@link Lanes#quads} gives 32 bytes, if there is one vector: entry
     * {@code 32 g + 8 k + l} is coordinate {@code 32 g + 4 l + k}. Coordinates behind the last 32 are left out.
     */
    final float[] quads;
    /** Entry {@code 8 g + l} is the sum of the four coordinates of lane l. */
    final float[] quadSums;

    private final int size;
    private final int width;

    /** Creates one vector. */
    public PackedInput(int size) {
        this(size, 1);
    }

    /** Creates several vectors. */
    public PackedInput(int size, int vectors) {
        this.size = size;
        width = width(vectors);
        values = new float[size * width];
        panels = isWide() ? new float[size * panels() * Tile.PANEL] : null;
        sums = new float[vectors == 1 ? size / RowKernel.SUMMED : 0];
        quads = new float[sums.length * RowKernel.SUMMED];
        quadSums = new float[quads.length / 4];
        if (vectors == 1) {
            each = new PackedInput[] {this};
        } else if (vectors <= FEW) {
            each = new PackedInput[vectors];
            for (int i = 0; i < vectors; i++) {
                each[i] = new PackedInput(size);
            }
        } else {
            each = null;
        }
    }

    /** Returns the columns of the matrix that holds so many vectors, and of their products. */
    public static int width(int vectors) {
        return vectors <= FEW ? vectors : (vectors + Tile.LANES - 1) / Tile.LANES * Tile.LANES;
    }

    public int size() {
        return size;
    }

    public int width() {
        return width;
    }

    /** Returns how many rows of a matrix one core should take at a time: some ten microseconds, and whole tiles. */
    public int unit() {
        return each == null ? (isWide() ? 16 : 8) * Tile.ROWS : 64;
    }

    /** Returns whether there are very many vectors. */
    boolean isWide() {
        return width > WIDE;
    }

    /** Returns the numbers, [size, width], to be written; call {@link #ready} afterwards. */
    public float[] values() {
        return values;
    }

    /** Prepares the numbers that were written. */
    public void ready() {
        if (isWide()) {
            Cores.share(panels(), 1, size * Tile.PANEL, this::copyPanels, panels, 0);
        } else if (width == 1) {
            sum();
        } else if (each != null) {
            for (int column = 0; column < each.length; column++) {
                for (int i = 0; i < size; i++) {
                    each[column].values[i] = values[i * width + column];
                }
                each[column].sum();
            }
        }
    }

    private int panels() {
        return (width + Tile.PANEL - 1) / Tile.PANEL;
    }

    private void copyPanels(int first, int end, float[] to, int base) {
        for (int panel = first; panel < end; panel++) {
            int c = panel * Tile.PANEL;
            int own = Math.min(Tile.PANEL, width - c);
            for (int i = 0, at = base + c * size; i < size; i++, at += own) {
                System.arraycopy(values, i * width + c, to, at, own);
            }
        }
    }

    private void sum() {
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
