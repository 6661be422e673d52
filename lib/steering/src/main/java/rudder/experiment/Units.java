package rudder.experiment;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import rudder.checkpoint.format.LockFile;
import rudder.checkpoint.text.LineFile;
import rudder.checkpoint.text.RecordJson;

/** The units of a run, in a file that grows by one line a unit. The first line is the plan. */
final class Units implements Closeable {

    static final String FILE = "units.jsonl";
    private static final Gson JSON = RecordJson.builder().create();

    private final LineFile file;
    private final LockFile lock;
    private final Map<Unit.Key, Unit> units = new LinkedHashMap<>();

    private Units(LineFile file, LockFile lock) {
        this.file = file;
        this.lock = lock;
    }

    /** Opens a folder for a plan; nobody else may write there until this is closed. */
    static Units open(Path folder, List<String> plan) throws IOException {
        var lock = LockFile.tryTake(folder.resolve("lock"))
                .orElseThrow(() ->
                        new IOException(folder + " is in use by another run: wait for it, or choose another folder"));
        try {
            var units = new Units(new LineFile(folder.resolve(FILE)), lock);
            units.read(plan);
            return units;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private void read(List<String> plan) throws IOException {
        String header = JSON.toJson(plan);
        if (!Files.exists(file.path())) {
            file.keep(0);
            file.append(List.of(header));
            return;
        }
        file.keep(Integer.MAX_VALUE); // without a line that was cut off
        var lines = file.lines();
        if (lines.isEmpty()) {
            file.append(List.of(header));
            return;
        }
        if (!lines.get(0).equals(header)) {
            throw new IOException(file.path() + ", line 1: found the plan " + lines.get(0) + ", wanted " + header
                    + "; choose another folder for another plan");
        }
        for (int i = 1; i < lines.size(); i++) {
            var unit = unit(lines.get(i), i + 1);
            units.put(unit.key(), unit);
        }
    }

    private Unit unit(String line, int number) throws IOException {
        Unit unit;
        try {
            unit = JSON.fromJson(line, Unit.class);
        } catch (JsonParseException e) {
            throw damaged(number, e);
        }
        if (unit == null || !unit.isWhole()) {
            throw damaged(number, null);
        }
        return unit;
    }

    private IOException damaged(int line, Exception cause) {
        return new IOException(
                file.path() + ", line " + line + ": found no whole unit, wanted one; remove the line, and the run will"
                        + " compute the unit again",
                cause);
    }

    Optional<Unit> find(Unit.Key key) {
        return Optional.ofNullable(units.get(key));
    }

    Unit add(Unit unit) throws IOException {
        file.append(List.of(JSON.toJson(unit)));
        units.put(unit.key(), unit);
        return unit;
    }

    List<Unit> all() {
        return new ArrayList<>(units.values());
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
