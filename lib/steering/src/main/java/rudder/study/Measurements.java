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
import rudder.checkpoint.store.ModelStore;
import rudder.steer.Provenance;

/**
 * The measurements of a study at one block or one prompt: tables by name. They are small, unlike the Jacobians that
 * they were taken on.
 */
record Measurements(Map<String, double[][]> tables) {

    /**
     * Returns the table of that name.
     *
     * @throws IllegalArgumentException if there is none
     */
    double[][] table(String name) {
        var table = tables.get(name);
        if (table == null) {
            throw damaged("the tables " + tables.keySet(), "one named " + name);
        }
        return table;
    }

    /**
     * Returns a column of a table: one number for each row.
     *
     * @throws IllegalArgumentException if there is no such table or column
     */
    double[] column(String name, int column) {
        var table = table(name);
        if (column >= table[0].length) {
            throw damaged(table[0].length + " columns in " + name, "more than " + column);
        }
        return Arrays.stream(table).mapToDouble(row -> row[column]).toArray();
    }

    private static IllegalArgumentException damaged(String found, String wanted) {
        return new IllegalArgumentException("kept measurements: found " + found + ", wanted " + wanted
                + ": their file is damaged; remove the folder artefacts in " + ModelStore.cache()
                + ", and they are measured again");
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
                ModelStore.requireWritable(part.file(cache).getParent());
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
     * @throws IOException if the file is damaged (its checksum differs), or has another provenance than its name says
     */
    static Optional<Measurements> kept(Path cache, Provenance provenance) throws IOException {
        var file = provenance.file(cache);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (var tensors = Safetensors.open(file)) {
            tensors.verify();
            var found = Provenance.read(file, tensors.metadata());
            if (!found.equals(provenance)) {
                throw new IOException(
                        file + " holds " + found + ", wanted " + provenance + ": delete it, and it is measured again");
            }
            var tables = new TreeMap<String, double[][]>();
            for (var name : tensors.names()) {
                long[] shape = tensors.shape(name);
                if (shape.length != 2 || shape[0] < 1 || shape[1] < 1) {
                    throw new IOException(file + " has the table " + name + " of shape " + Arrays.toString(shape)
                            + ", wanted rows and columns: it is damaged; delete it, and it is measured again");
                }
                int columns = (int) shape[1];
                var flat = tensors.doubles(name);
                var rows = new double[flat.length / columns][];
                Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * columns, (i + 1) * columns));
                tables.put(name, rows);
            }
            return Optional.of(new Measurements(tables));
        }
    }
}
