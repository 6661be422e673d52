package rudder.experiment;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import rudder.checkpoint.format.LockFile;
import rudder.checkpoint.text.LineFile;
import rudder.checkpoint.text.RecordJson;

/**
 * The units of a run, in files that grow by one line a unit. The first line of each is the plan. A file that is large
 * enough is followed by another: a repository takes files of such a size.
 */
final class Units implements Closeable {

    private static final String FILE = "units.jsonl";
    private static final long LARGE = 900_000; // bytes
    private static final Gson JSON = RecordJson.builder().create();

    private final Path folder;
    private final String header;
    private final long large;
    private final LockFile lock; // null for a reader
    private final Map<Unit.Key, Unit> units = new LinkedHashMap<>();
    private int number; // of the file that grows

    private Units(Path folder, String header, long large, LockFile lock) {
        this.folder = folder;
        this.header = header;
        this.large = large;
        this.lock = lock;
    }

    /** Opens a folder for a plan; nobody else may write there until this is closed. */
    static Units open(Path folder, List<String> plan) throws IOException {
        return open(folder, plan, LARGE);
    }

    static Units open(Path folder, List<String> plan, long large) throws IOException {
        var lock = LockFile.tryTake(folder.resolve("lock"))
                .orElseThrow(() ->
                        new IOException(folder + " is in use by another run: wait for it, or choose another folder"));
        try {
            var units = new Units(folder, JSON.toJson(plan), large, lock);
            units.goOn();
            return units;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Reads the units of a folder. Takes no lock and changes nothing, so that a run may go on meanwhile. */
    static List<Unit> read(Path folder, List<String> plan) throws IOException {
        var units = new Units(folder, JSON.toJson(plan), LARGE, null);
        while (units.hasNext()) {
            units.readNext();
        }
        if (units.number == 0) {
            throw new NoSuchFileException(
                    units.file(1).path().toString(), null, "found no such file, wanted the folder of a run");
        }
        return units.all();
    }

    private void goOn() throws IOException {
        while (hasNext()) {
            file(number + 1).keep(Integer.MAX_VALUE); // without a line that was cut off
            if (!readNext()) {
                begin(number);
            }
        }
        if (number == 0) {
            begin(1);
        }
    }

    private boolean hasNext() {
        return Files.exists(file(number + 1).path());
    }

    /** Reads the next file. Returns whether it has begun. */
    private boolean readNext() throws IOException {
        number++;
        var file = file(number);
        var lines = file.lines();
        if (lines.isEmpty()) {
            return false;
        }
        if (!lines.get(0).equals(header)) {
            throw new IOException(file.path() + ", line 1: found the plan " + lines.get(0) + ", wanted " + header
                    + "; choose another folder for another plan");
        }
        for (int i = 1; i < lines.size(); i++) {
            var unit = unit(lines.get(i), i + 1);
            units.put(unit.key(), unit);
        }
        return true;
    }

    /** units.jsonl, units-2.jsonl, units-3.jsonl, .. */
    private LineFile file(int n) {
        return new LineFile(folder.resolve(n == 1 ? FILE : FILE.replace(".", "-" + n + ".")));
    }

    private void begin(int n) throws IOException {
        number = n;
        file(n).keep(0);
        file(n).append(List.of(header));
    }

    private Unit unit(String line, int at) throws IOException {
        Unit unit;
        try {
            unit = JSON.fromJson(line, Unit.class);
        } catch (JsonParseException e) {
            throw damaged(at, e);
        }
        if (unit == null || !unit.isWhole()) {
            throw damaged(at, null);
        }
        return unit;
    }

    private IOException damaged(int line, Exception cause) {
        return new IOException(
                file(number).path() + ", line " + line
                        + ": found no whole unit, wanted one; remove the line, and the run will"
                        + " compute the unit again",
                cause);
    }

    Optional<Unit> find(Unit.Key key) {
        return Optional.ofNullable(units.get(key));
    }

    Unit add(Unit unit) throws IOException {
        var line = JSON.toJson(unit);
        long size = Files.size(file(number).path());
        if (size + line.length() > large && size > header.length() + 1) {
            begin(number + 1);
        }
        file(number).append(List.of(line));
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
