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
 * What a study measured in one go, at a block or a prompt, as tables by name. Small, unlike the Jacobians it was
 * measured on.
 */
record Measurements(Map<String, double[][]> tables) {

    /** A table that was measured. */
    double[][] table(String name) {
        return tables.get(name);
    }

    /** A column of a table: one number a row. */
    double[] column(String name, int column) {
        return Arrays.stream(tables.get(name)).mapToDouble(row -> row[column]).toArray();
    }

    /** Written beside and renamed: there is a whole file or none. */
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

    /** What a laboratory measures of part i. */
    interface Measure<L> {
        Measurements of(L laboratory, int i);
    }

    /**
     * What was kept of each part, or else what is measured now, and kept as soon as it is known.
     *
     * @param parts what is measured, and from what
     * @param laboratory what it is measured with: set up when the first part is missing, and once
     * @param reached hears how many parts there are by now
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
     * What was kept, if it was.
     *
     * @throws IOException if the file is damaged, or holds something else than its name says
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
