package rudder.model.decoder;

import rudder.checkpoint.format.TensorSource;
import rudder.kernel.Cores;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;

/** Matrices that read the same vector, queries, keys and values for instance. Their rows are one task of the cores. */
final class Rows {

    /** Rows that one core computes at a time: some ten microseconds. */
    static final int UNIT = 64;

    private final PackedMatrix[] matrices;
    private final int[] starts; // of each matrix's rows in the result, and the end

    Rows(PackedMatrix... matrices) {
        this.matrices = matrices;
        starts = new int[matrices.length + 1];
        for (int i = 0; i < matrices.length; i++) {
            starts[i + 1] = starts[i] + matrices[i].rows();
        }
    }

    /**
     * Returns a tensor [rows, columns] as it is stored.
     *
     * @throws Unpackable if no kernel multiplies its encoding
     */
    static PackedMatrix of(TensorSource source, String name) {
        return source.packed(name + ".weight")
                .flatMap(tensor -> PackedMatrix.of(
                        tensor.type(),
                        tensor.bytes(),
                        Math.toIntExact(tensor.shape()[0]),
                        Math.toIntExact(tensor.shape()[1])))
                .orElseThrow(() -> new Unpackable(name));
    }

    /** Says that a tensor's encoding has no kernel, or its source no file. */
    static final class Unpackable extends RuntimeException {
        private static final long serialVersionUID = 1;

        Unpackable(String tensor) {
            super(tensor);
        }
    }

    /** Writes all products, one behind the other, to the start of y. */
    void times(PackedInput x, float[] y) {
        Cores.share(starts[matrices.length], UNIT, (first, end) -> {
            for (int i = 0; i < matrices.length; i++) {
                int from = Math.max(first, starts[i]);
                int to = Math.min(end, starts[i + 1]);
                if (from < to) {
                    matrices[i].times(x, from - starts[i], to - starts[i], y, starts[i]);
                }
            }
        });
    }
}
