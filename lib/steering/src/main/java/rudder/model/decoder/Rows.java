package rudder.model.decoder;

import java.util.Optional;
import rudder.checkpoint.format.TensorSource;
import rudder.kernel.Cores;
import rudder.kernel.PackedInput;
import rudder.kernel.PackedMatrix;

/** Matrices that read the same vectors, queries, keys and values for instance. Their rows are one task of the cores. */
final class Rows {

    private final PackedMatrix[] matrices;
    private final int[] starts; // of each matrix's rows in the result, and the end

    Rows(PackedMatrix... matrices) {
        this.matrices = matrices;
        starts = new int[matrices.length + 1];
        for (int i = 0; i < matrices.length; i++) {
            starts[i + 1] = starts[i] + matrices[i].rows();
        }
    }

    /** Returns the number of all rows. */
    int rows() {
        return starts[matrices.length];
    }

    /** Returns a tensor [rows, columns] as it is stored; empty if no kernel reads it. */
    static Optional<PackedMatrix> packed(TensorSource source, String tensor) {
        return source.packed(tensor)
                .flatMap(found -> PackedMatrix.of(
                        found.type(),
                        found.bytes(),
                        Math.toIntExact(found.shape()[0]),
                        Math.toIntExact(found.shape()[1])));
    }

    /** @throws IllegalStateException if no kernel reads the tensor */
    static PackedMatrix of(TensorSource source, String name) {
        return packed(source, name + ".weight")
                .orElseThrow(() -> new IllegalStateException("no kernel reads " + name + ".weight"));
    }

    /** Writes all products, one behind the other, to the start of y, [rows, width of x]. */
    void times(PackedInput x, float[] y) {
        Cores.Rows rows = (first, end, out, base) -> {
            for (int i = 0; i < matrices.length; i++) {
                int from = Math.max(first, starts[i]);
                int to = Math.min(end, starts[i + 1]);
                if (from < to) {
                    matrices[i].times(x, from - starts[i], to - starts[i], out, base + starts[i] * x.width());
                }
            }
        };
        Cores.share(rows(), x.unit(), x.width(), rows, y, 0);
    }

    /** Writes one of all rows, unpacked, to the start of {@code out}. */
    void row(int row, float[] out) {
        int i = 0;
        while (row >= starts[i + 1]) {
            i++;
        }
        matrices[i].row(row - starts[i], out);
    }
}
