package rudder.study;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.SafetensorsWriter;
import rudder.steer.Provenance;

/**
 * The measurements of a study at one block or one prompt: tables by name. They are small, unlike the Jacobians that
 * they were taken on.
 */
record Measurements(Map<String, double[][]> tables) {

    /** Returns the table of that name. */
    double[][] table(String name) {
        return tables.get(name);
    }

    /** Returns a column of a table: one number for each row. */
    double[] column(String name, int column) {
        return Arrays.stream(tables.get(name)).mapToDouble(row -> row[column]).toArray();
    }

    /** Saves the tables. The file is written beside its place and renamed, so that it is whole or absent. */
    void keep(Path cache, Provenance provenance) throws IOException {
        var writer = new SafetensorsWriter();
        provenance.metadata().forEach(writer::metadata);
        new TreeMap<>(tables)
                .forEach((name, rows) -> writer.doubles(
                        name,
                        () -> Arrays.stream(rows)
                                .flatMapToDouble(Arrays::stream)
                                .toArray(),
                        rows.length,
                        rows[0].length));
        writer.write(provenance.file(cache));
    }

    /** Measures part i with a laboratory. */
    interface Measure<L> {
        Measurements of(L laboratory, int i);
    }

    /**
     * Returns the measurements of each part. Reads those that are saved; takes the others now, and saves each at once.
     *
     * @param parts the provenance of each part
     * @param laboratory sets up the instruments; called once, when the first part is missing, or never
     * @param reached is told the number of parts done so far
     */
    static <L> List<Measurements> kept(
            Path cache, List<Provenance> parts, Supplier<L> laboratory, Measure<L> measure, IntConsumer reached)
            throws IOException {
        var all = new ArrayList<Measurements>();
        L ready = null;
        for (var part : parts) {
            var found = kept(cache, part);
            if (found.isEmpty()) {
                ready = ready == null ? laboratory.get() : ready;
                found = Optional.of(measure.of(ready, all.size()));
                found.get().keep(cache, part);
            }
            all.add(found.get());
            reached.accept(all.size());
        }
        return all;
    }

    /**
     * Returns the saved measurements, if there are any.
     *
     * @throws IOException if the file is damaged, or has another provenance than its name says
     */
    static Optional<Measurements> kept(Path cache, Provenance provenance) throws IOException {
        var file = provenance.file(cache);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (var tensors = Safetensors.open(file)) {
            var found = Provenance.read(file, tensors.metadata());
            if (!found.equals(provenance)) {
                throw new IOException(
                        file + " holds " + found + ", wanted " + provenance + ": delete it, and it is measured again");
            }
            var tables = new TreeMap<String, double[][]>();
            for (var name : tensors.names()) {
                int columns = (int) tensors.shape(name)[1];
                var flat = tensors.doubles(name);
                var rows = new double[flat.length / columns][];
                Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * columns, (i + 1) * columns));
                tables.put(name, rows);
            }
            return Optional.of(new Measurements(tables));
        }
    }
}
