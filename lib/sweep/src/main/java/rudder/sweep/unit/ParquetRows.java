package rudder.sweep.unit;

import java.io.IOException;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.MessageType;

/** Parquet files whose rows say to which unit they belong, with checksums that are verified. */
public final class ParquetRows {

    /** Receives a row. */
    public interface Reader {
        void accept(Group row) throws IOException;
    }

    private ParquetRows() {}

    /** Writes rows as they come, so that one is in memory at a time. */
    public static void write(Path path, Configuration configuration, MessageType schema, Iterator<Group> rows)
            throws IOException {
        try (var writer = ExampleParquetWriter.builder(HadoopOutputFile.fromPath(path, configuration))
                .withConf(configuration)
                .withType(schema)
                .withPageWriteChecksumEnabled(true)
                .withCompressionCodec(CompressionCodecName.SNAPPY)
                .build()) {
            while (rows.hasNext()) {
                writer.write(rows.next());
            }
        }
    }

    /**
     * Reads the rows of a unit, one after the other.
     *
     * @throws IOException if the file is damaged, or holds another unit
     */
    public static void read(Path path, Configuration configuration, String unit, Reader rows) throws IOException {
        try (var reader = ParquetReader.builder(new GroupReadSupport(), path)
                .withConf(configuration)
                .usePageChecksumVerification(true)
                .build()) {
            for (Group row; (row = reader.read()) != null; ) {
                var found = row.getString("unit", 0);
                if (!found.equals(unit)) {
                    throw damaged(path, "it holds the unit " + found, null);
                }
                rows.accept(row);
            }
        } catch (RuntimeException e) { // Parquet throws many kinds for a file that is none, or is cut off
            throw damaged(path, e.getMessage(), e);
        }
    }

    /**
     * Returns why a unit failed: the column {@code error} of the first row.
     *
     * @throws IOException if the file is damaged, or holds another unit
     */
    public static String readFailure(Path path, Configuration configuration, String unit) throws IOException {
        var error = new String[1];
        read(path, configuration, unit, row -> {
            if (error[0] == null && row.getFieldRepetitionCount("error") > 0) {
                error[0] = row.getString("error", 0);
            }
        });
        if (error[0] == null) {
            throw damaged(path, "it has no error", null);
        }
        return error[0];
    }

    public static IOException damaged(Path path, String found, Exception cause) {
        return new IOException(
                path + " is damaged: " + found + "; remove it and run the sweep again, which computes this unit alone",
                cause);
    }
}
