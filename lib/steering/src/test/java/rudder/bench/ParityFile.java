package rudder.bench;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** The quantities of a run, for another run to compare with: their number, then name, length and doubles of each. */
final class ParityFile {

    private ParityFile() {}

    static void write(Path file, Map<String, double[]> quantities) throws IOException {
        try (var out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            out.writeInt(quantities.size());
            for (var quantity : quantities.entrySet()) {
                out.writeUTF(quantity.getKey());
                out.writeInt(quantity.getValue().length);
                var bytes = ByteBuffer.allocate(Math.multiplyExact(quantity.getValue().length, Double.BYTES));
                bytes.asDoubleBuffer().put(quantity.getValue());
                out.write(bytes.array());
            }
        }
    }

    static Map<String, double[]> read(Path file) throws IOException {
        var quantities = new LinkedHashMap<String, double[]>();
        try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                var name = in.readUTF();
                var values = new double[in.readInt()];
                var bytes = new byte[Math.multiplyExact(values.length, Double.BYTES)];
                in.readFully(bytes);
                ByteBuffer.wrap(bytes).asDoubleBuffer().get(values);
                quantities.put(name, values);
            }
        }
        return quantities;
    }

    /** Returns |x - y| / |y| in the Euclidean norm over the first n numbers. */
    static double relative(double[] x, double[] y, int n) {
        double difference = IntStream.range(0, n)
                .mapToDouble(i -> (x[i] - y[i]) * (x[i] - y[i]))
                .sum();
        double norm = IntStream.range(0, n).mapToDouble(i -> y[i] * y[i]).sum();
        return norm > 0 ? Math.sqrt(difference / norm) : Math.sqrt(difference);
    }
}
