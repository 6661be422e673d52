package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import rudder.sweep.unit.ParquetRows;

/**
 * A survey's unit as Parquet, one row a row of its tables; or its failure, one row with an error. Numbers that single
 * precision holds exactly are written in single precision.
 */
final class MeasurementFile {

    private static final MessageType SCHEMA = MessageTypeParser.parseMessageType("""
            message measurement {
              required binary unit (STRING);
              required binary kind (STRING);
              required int32 first_prompt;
              required int32 prompts;
              optional binary error (STRING);
              optional binary name (STRING);
              optional int32 row;
              repeated float singles;
              repeated double doubles;
              optional double seconds;
            }
            """);
    private static final SimpleGroupFactory ROWS = new SimpleGroupFactory(SCHEMA);

    private MeasurementFile() {}

    static void write(
            Path path,
            Configuration configuration,
            String unit,
            Measurement what,
            Map<String, double[][]> tables,
            double seconds)
            throws IOException {
        ParquetRows.write(
                path,
                configuration,
                SCHEMA,
                tables.entrySet().stream()
                        .flatMap(table -> IntStream.range(0, table.getValue().length)
                                .mapToObj(i -> row(unit, what, table.getKey(), i, table.getValue()[i])
                                        .append("seconds", seconds)))
                        .iterator());
    }

    private static Group head(String unit, Measurement what) {
        return ROWS.newGroup()
                .append("unit", unit)
                .append("kind", what.kind())
                .append("first_prompt", what.first())
                .append("prompts", what.prompts());
    }

    private static Group row(String unit, Measurement what, String name, int index, double... values) {
        var row = head(unit, what).append("name", name).append("row", index);
        boolean single = true;
        for (double value : values) {
            single &= Double.compare((float) value, value) == 0;
        }
        for (double value : values) {
            if (single) {
                row.append("singles", (float) value);
            } else {
                row.append("doubles", value);
            }
        }
        return row;
    }

    static void writeFailure(Path path, Configuration configuration, String unit, Measurement what, String error)
            throws IOException {
        ParquetRows.write(
                path,
                configuration,
                SCHEMA,
                Stream.of(head(unit, what).append("error", error)).iterator());
    }

    /**
     * Reads a unit's tables.
     *
     * @throws IOException if the file is damaged, or holds another unit
     */
    static Map<String, double[][]> read(Path path, Configuration configuration, String unit) throws IOException {
        var tables = new TreeMap<String, List<double[]>>();
        ParquetRows.read(path, configuration, unit, row -> {
            var table = tables.computeIfAbsent(row.getString("name", 0), name -> new ArrayList<>());
            if (row.getInteger("row", 0) != table.size()) {
                throw ParquetRows.damaged(path, "row " + table.size() + " is missing", null);
            }
            table.add(values(row));
        });
        var read = new TreeMap<String, double[][]>();
        tables.forEach((name, rows) -> read.put(name, rows.toArray(double[][]::new)));
        return read;
    }

    private static double[] values(Group row) {
        int singles = row.getFieldRepetitionCount("singles");
        return singles > 0
                ? IntStream.range(0, singles)
                        .mapToDouble(i -> row.getFloat("singles", i))
                        .toArray()
                : IntStream.range(0, row.getFieldRepetitionCount("doubles"))
                        .mapToDouble(i -> row.getDouble("doubles", i))
                        .toArray();
    }
}
