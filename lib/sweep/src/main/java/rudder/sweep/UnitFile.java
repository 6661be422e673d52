package rudder.sweep;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import rudder.compare.Batch;
import rudder.compare.ScoredCompletion;
import rudder.model.Completion;
import rudder.model.Positions;
import rudder.sweep.unit.ParquetRows;

/** A unit's completions as Parquet, one row a completion; or its failure, one row with an error. */
final class UnitFile {

    private static final MessageType SCHEMA = MessageTypeParser.parseMessageType("""
            message completion {
              required binary unit (STRING);
              required binary arm (STRING);
              required int32 prompt_index;
              optional binary error (STRING);
              optional binary controller (STRING);
              optional binary prompt (STRING);
              optional binary text (STRING);
              optional group prompt_tokens (LIST) { repeated group list { required int32 element; } }
              optional group tokens (LIST) { repeated group list { required int32 element; } }
              optional boolean ended;
              optional binary positions (STRING);
              optional group strengths (LIST) { repeated group list {
                required group element (LIST) { repeated group list { required double element; } } } }
              optional group energies (LIST) { repeated group list {
                required group element (LIST) { repeated group list { required double element; } } } }
              optional double perplexity;
              optional double divergence;
              optional double seconds;
            }
            """);
    private static final SimpleGroupFactory ROWS = new SimpleGroupFactory(SCHEMA);
    private static final String LIST = "list";
    private static final String ELEMENT = "element";

    private UnitFile() {}

    /** Writes a unit's completions, [arm][prompt]. */
    static void write(
            Path path,
            Configuration configuration,
            String unit,
            Part part,
            Batch batch,
            List<List<ScoredCompletion>> scored,
            double seconds)
            throws IOException {
        var rows = new ArrayList<Group>();
        for (int arm = 0; arm < scored.size(); arm++) {
            for (int i = 0; i < scored.get(arm).size(); i++) {
                var name = part.arms().get(batch.firstArm() + arm).name();
                rows.add(row(unit, name, batch.first() + i, scored.get(arm).get(i), seconds));
            }
        }
        ParquetRows.write(path, configuration, SCHEMA, rows.iterator());
    }

    private static Group row(String unit, String arm, int prompt, ScoredCompletion scored, double seconds) {
        var completion = scored.completion();
        var row = ROWS.newGroup()
                .append("unit", unit)
                .append("arm", arm)
                .append("prompt_index", prompt)
                .append("controller", completion.controller())
                .append("prompt", completion.prompt())
                .append("text", completion.text());
        ints(row.addGroup("prompt_tokens"), completion.promptTokens());
        ints(row.addGroup("tokens"), completion.tokens());
        row.append("ended", completion.ended())
                .append("positions", completion.positions().name());
        rows(row.addGroup("strengths"), completion.strengths());
        rows(row.addGroup("energies"), completion.energies());
        return row.append("perplexity", scored.perplexity())
                .append("divergence", scored.divergence())
                .append("seconds", seconds);
    }

    private static void ints(Group list, int... values) {
        for (int value : values) {
            list.addGroup(LIST).append(ELEMENT, value);
        }
    }

    private static void rows(Group list, double[]... rows) {
        for (double[] values : rows) {
            var inner = list.addGroup(LIST).addGroup(ELEMENT);
            for (double value : values) {
                inner.addGroup(LIST).append(ELEMENT, value);
            }
        }
    }

    /** Writes why a unit failed: one row for each of its arms, at its first prompt. */
    static void writeFailure(Path path, Configuration configuration, String unit, Part part, Batch batch, String error)
            throws IOException {
        ParquetRows.write(
                path,
                configuration,
                SCHEMA,
                part.arms().subList(batch.firstArm(), batch.endArm()).stream()
                        .map(arm -> ROWS.newGroup()
                                .append("unit", unit)
                                .append("arm", arm.name())
                                .append("prompt_index", batch.first())
                                .append("error", error))
                        .iterator());
    }

    /** A row that was read. */
    record Row(String arm, int prompt, ScoredCompletion scored, double seconds) {}

    /**
     * Reads a unit's completions.
     *
     * @throws IOException if the file is damaged, or holds another unit
     */
    static List<Row> read(Path path, Configuration configuration, String unit) throws IOException {
        var rows = new ArrayList<Row>();
        ParquetRows.read(path, configuration, unit, row -> {
            if (row.getFieldRepetitionCount("tokens") == 0) {
                throw ParquetRows.damaged(path, "a row lacks its completion", null);
            }
            rows.add(new Row(
                    row.getString("arm", 0),
                    row.getInteger("prompt_index", 0),
                    new ScoredCompletion(
                            new Completion(
                                    row.getString("prompt", 0),
                                    row.getString("text", 0),
                                    ints(row.getGroup("prompt_tokens", 0)),
                                    ints(row.getGroup("tokens", 0)),
                                    row.getBoolean("ended", 0),
                                    row.getString("controller", 0),
                                    Positions.named(row.getString("positions", 0)),
                                    rows(row.getGroup("strengths", 0)),
                                    rows(row.getGroup("energies", 0))),
                            row.getDouble("perplexity", 0),
                            row.getDouble("divergence", 0)),
                    row.getDouble("seconds", 0)));
        });
        return rows;
    }

    private static int[] ints(Group list) {
        return IntStream.range(0, list.getFieldRepetitionCount(LIST))
                .map(i -> list.getGroup(LIST, i).getInteger(ELEMENT, 0))
                .toArray();
    }

    private static double[][] rows(Group list) {
        return IntStream.range(0, list.getFieldRepetitionCount(LIST))
                .mapToObj(i -> list.getGroup(LIST, i).getGroup(ELEMENT, 0))
                .map(inner -> IntStream.range(0, inner.getFieldRepetitionCount(LIST))
                        .mapToDouble(k -> inner.getGroup(LIST, k).getDouble(ELEMENT, 0))
                        .toArray())
                .toArray(double[][]::new);
    }
}
