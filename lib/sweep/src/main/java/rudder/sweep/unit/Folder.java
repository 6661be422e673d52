package rudder.sweep.unit;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * The folder of a sweep on any Hadoop file system:
 *
 * <pre>
 * _parts/ID.json                 what was compared, one file a comparison
 * _temporary/...                 files that are being written
 * model=NAME-SHA/unit-ID.parquet completions of a unit, whole
 * model=NAME-SHA/failed-ID.parquet why a unit failed
 * _surveys/model=NAME-SHA/...    the same of units of surveys
 * </pre>
 *
 * A file is written under a temporary name and renamed, so that a file under its own name is whole. Spark ignores names
 * that begin with an underscore: the folder is an ordinary Parquet data set, partitioned by model.
 */
public final class Folder {

    private static final String PARTS = "_parts";
    private static final String TEMPORARY = "_temporary";
    private static final String UNIT = "unit-";
    private static final String FAILED = "failed-";
    private static final String END = ".parquet";

    /** Writes a file's content. */
    public interface Content {
        void write(Path path) throws IOException;
    }

    /**
     * Reads a description.
     *
     * @param <P> what it describes
     */
    public interface Described<P> {
        P read(String name, byte[] json) throws IOException;
    }

    public final Configuration configuration;
    private final Path home;
    private final FileSystem files;

    /** @throws IOException if the file system is unknown or cannot be reached */
    public Folder(String path, Configuration configuration) throws IOException {
        this.configuration = new Configuration(configuration);
        // without Hadoop's second file of checksums, which a kill could part from the first; Parquet has its own
        this.configuration.set("fs.file.impl", RawLocalFileSystem.class.getName());
        this.configuration.setBoolean("fs.file.impl.disable.cache", true);
        files = new Path(path).getFileSystem(this.configuration);
        home = files.makeQualified(new Path(path));
    }

    /** Keeps the description of a comparison; one that is here already stays. */
    public void keep(String id, byte... json) throws IOException {
        commit(new Path(new Path(home, PARTS), id + ".json"), path -> {
            try (var out = files.create(path)) {
                out.write(json);
            }
        });
    }

    /**
     * Returns the comparisons of this folder, in the order of their ids.
     *
     * @throws IOException if there is none, or one is damaged
     */
    public <P> List<P> parts(Described<P> described) throws IOException {
        var parts = new ArrayList<P>();
        for (var name : new TreeSet<>(names(new Path(home, PARTS), "", ".json"))) {
            var path = new Path(new Path(home, PARTS), name + ".json");
            try (var in = files.open(path)) {
                parts.add(described.read(name + ".json", in.readAllBytes()));
            }
        }
        if (parts.isEmpty()) {
            throw new IOException(home + " holds no sweep: wanted a folder that Sweep.run has written");
        }
        return parts;
    }

    /** Returns the ids of the units that a model's folder has. */
    public List<String> units(String folder) throws IOException {
        return names(new Path(home, folder), UNIT, END);
    }

    /** Returns the ids of the units of a model's folder that failed; some may be here by now. */
    public List<String> failed(String folder) throws IOException {
        return names(new Path(home, folder), FAILED, END);
    }

    public Path unit(String folder, String id) {
        return new Path(new Path(home, folder), UNIT + id + END);
    }

    public Path failure(String folder, String id) {
        return new Path(new Path(home, folder), FAILED + id + END);
    }

    /** Returns whether a file is here. Sees a new file also where listings come late, as on network drives. */
    boolean exists(Path path) throws IOException {
        return files.exists(path);
    }

    private List<String> names(Path folder, String begin, String end) throws IOException {
        try {
            var names = new ArrayList<String>();
            for (var file : files.listStatus(folder)) {
                var name = file.getPath().getName();
                if (name.startsWith(begin) && name.endsWith(end)) {
                    names.add(name.substring(begin.length(), name.length() - end.length()));
                }
            }
            return names;
        } catch (FileNotFoundException e) {
            return List.of(); // nothing was committed yet
        }
    }

    /**
     * Writes a file, all or nothing. Leaves a file of that name as it is: names say what the content is.
     *
     * @throws IOException if it cannot be written; then no file of the name is left
     */
    public void commit(Path path, Content content) throws IOException {
        if (files.exists(path)) {
            return;
        }
        var temporary = new Path(new Path(home, TEMPORARY), UUID.randomUUID() + "-" + path.getName());
        try {
            files.mkdirs(temporary.getParent());
            content.write(temporary);
            files.mkdirs(path.getParent());
            if (!files.rename(temporary, path) && !files.exists(path)) { // a twin of the task may have been faster
                throw new IOException("cannot rename " + temporary + " to " + path
                        + ": check the right to write there, and the space left");
            }
        } finally {
            files.delete(temporary, false);
        }
    }

    /** Removes a file that may be missing. */
    public void remove(Path path) throws IOException {
        files.delete(path, false);
    }

    /** Removes what killed processes left behind a day ago; younger files may be another sweep's. */
    public void removeAbandoned() throws IOException {
        var temporary = new Path(home, TEMPORARY);
        if (files.exists(temporary)) {
            long old = System.currentTimeMillis() - TimeUnit.DAYS.toMillis(1);
            for (var file : files.listStatus(temporary)) {
                if (file.getModificationTime() < old) {
                    files.delete(file.getPath(), false);
                }
            }
        }
    }

    @Override
    public String toString() {
        return home.toString();
    }
}
