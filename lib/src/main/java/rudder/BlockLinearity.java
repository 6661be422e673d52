package rudder;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import rudder.LinearityStudy.Along;
import rudder.LinearityStudy.With;
import rudder.model.LanguageModel;
import rudder.model.Safetensors;
import rudder.model.SafetensorsWriter;

/** What was measured of one block, as tables by name; rows belong to prompts. Small, unlike the Jacobians it was measured on. */
record BlockLinearity(int block, Map<String, double[][]> tables) {
    static final String ALIGNMENT = "alignment";
    static final String CONTROL = "control";
    static final String VALUES = "values";
    static final String DEVIATION = "deviation";
    static final String NORM = "norm";
    static final String LARGEST_TWO = "largest_two";

    static String errors(Along along, With with) {
        return "errors." + along + "." + with;
    }

    double[][] table(String name) {
        return tables.get(name);
    }

    /** One number a prompt: a column of a table. */
    double[] column(String name, int column) {
        return Arrays.stream(tables.get(name)).mapToDouble(row -> row[column]).toArray();
    }

    /** Written beside and renamed: there is a whole file or none. */
    void save(Path file, Provenance provenance) throws IOException {
        var writer = new SafetensorsWriter();
        provenance.metadata().forEach(writer::metadata);
        new TreeMap<>(tables).forEach((name, rows) -> writer.doubles(name, () -> Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray(),
                rows.length, rows[0].length));
        writer.write(file);
    }

    static BlockLinearity load(int block, Path file, LanguageModel model) throws IOException {
        try (var tensors = Safetensors.open(file)) {
            Provenance.read(file, tensors.metadata()).require(file, kind(block), model);
            var tables = new TreeMap<String, double[][]>();
            for (var name : tensors.names()) {
                int columns = (int) tensors.shape(name)[1];
                var flat = tensors.doubles(name);
                var rows = new double[flat.length / columns][];
                Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * columns, (i + 1) * columns));
                tables.put(name, rows);
            }
            return new BlockLinearity(block, tables);
        }
    }

    static String kind(int block) {
        return "local linearity of block " + block;
    }
}
