package rudder.sweep;

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
 * </pre>
 *
 * A file is written under a temporary name and renamed, so that a file under its own name is whole. Spark ignores names
 * that begin with an underscore: the folder is an ordinary Parquet data set, partitioned by model.
 */
final class Folder {

    private static final String PARTS = "_parts";
    private static final String TEMPORARY = "_temporary";
    private static final String UNIT = "unit-";
    private static final String FAILED = "failed-";
    private static final String END = ".parquet";

    /** Writes a file's content. */
    interface Content {
        void write(Path path) throws IOException;
    }

    final Configuration configuration;
    private final Path home;
    private final FileSystem files;

    /** @throws IOException if the file system is unknown or cannot be reached */
    Folder(String path, Configuration configuration) throws IOException {
        this.configuration = new Configuration(configuration);
        // without Hadoop's second file of checksums, which a kill could part from the first; Parquet has its own
        this.configuration.set("fs.file.impl", RawLocalFileSystem.class.getName());
        this.configuration.setBoolean("fs.file.impl.disable.cache", true);
        files = new Path(path).getFileSystem(this.configuration);
        home = files.makeQualified(new Path(path));
    }

    /** Keeps the descriptions of comparisons; those that are here already stay. */
    void keep(List<Part> parts) throws IOException {
        for (var part : parts) {
            commit(new Path(new Path(home, PARTS), part.id() + ".json"), path -> {
                try (var out = files.create(path)) {
                    out.write(part.json());
                }
            });
        }
    }

    /**
     * Returns the comparisons of this folder, in the order of their ids.
     *
     * @throws IOException if there is none, or one is damaged
     */
    List<Part> parts() throws IOException {
        var parts = new ArrayList<Part>();
        for (var name : new TreeSet<>(names(new Path(home, PARTS), "", ".json"))) {
            var path = new Path(new Path(home, PARTS), name + ".json");
            try (var in = files.open(path)) {
                parts.add(Part.read(name + ".json", in.readAllBytes()));
            }
        }
        if (parts.isEmpty()) {
            throw new IOException(home + " holds no sweep: wanted a folder that Sweep.run has written");
        }
        return parts;
    }

    /** Returns the ids of the units of a comparison's model that are here. */
    List<String> units(Part part) throws IOException {
        return names(new Path(home, part.folder()), UNIT, END);
    }

    /** Returns the ids of the units of a comparison's model that failed; some may be here by now. */
    List<String> failed(Part part) throws IOException {
        return names(new Path(home, part.folder()), FAILED, END);
    }

    Path unit(Part part, String id) {
        return new Path(new Path(home, part.folder()), UNIT + id + END);
    }

    Path failure(Part part, String id) {
        return new Path(new Path(home, part.folder()), FAILED + id + END);
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
    void commit(Path path, Content content) throws IOException {
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
    void remove(Path path) throws IOException {
        files.delete(path, false);
    }

    /** Removes what killed processes left behind a day ago; younger files may be another sweep's. */
    void removeAbandoned() throws IOException {
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
