package rudder.checkpoint.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.Progress;

/**
 * The download of a file from the hub. The file is {@code NAME.half} until its size and checksum agree with the
 * announced ones; then it gets its name. A broken download continues at the end of {@code NAME.half}, even on another
 * day. The bytes are the same, because the file is requested by commit.
 */
final class Download implements Hub.Attempt<Optional<String>> {

    private static final Pattern RANGE = Pattern.compile("bytes (?:(\\d{1,18})-\\d+|\\*)/(\\d{1,18})");
    private static final int BUFFER = 1 << 18;

    private final Hub hub;
    private final String repository;
    private final String commit;
    private final String name;
    private final Path target;
    private final Path half;
    private MessageDigest digest = Checksums.sha256(); // of the first {@code have} bytes of the half file
    private long have;
    private long furthest;
    private boolean differed;

    Download(Hub hub, String repository, String commit, String name, Path target) {
        this.hub = hub;
        this.repository = repository;
        this.commit = commit;
        this.name = name;
        this.target = target;
        half = half(target);
    }

    /** Returns the place of a file until it is whole. */
    static Path half(Path target) {
        return target.resolveSibling(target.getFileName() + ".half");
    }

    @Override
    public long progress() {
        return furthest;
    }

    /** Makes one try. Returns the SHA-256 of the finished file; empty if the repository has no such file. */
    @Override
    public Optional<String> run() throws IOException {
        look();
        Hub.Answer answer = hub.ask("GET", repository, commit, name, have);
        try (InputStream body = answer.body()) {
            int status = answer.status();
            if (status == 404
                    && !answer.headers()
                            .firstValue("x-error-code")
                            .orElse("")
                            .matches("RepoNotFound|RevisionNotFound")) {
                return Optional.empty();
            }
            Matcher range =
                    RANGE.matcher(answer.headers().firstValue("content-range").orElse(""));
            boolean ranged =
                    (status == 206 || status == 416) && range.matches() && (status == 416 || range.group(1) != null);
            if (status != 200 && !ranged) {
                throw status == 206 || status == 416
                        ? restart(status + " without a range")
                        : hub.refusal(answer, repository, commit, name);
            }
            if (answer.commit() != null && !answer.commit().equals(commit)) {
                throw new Hub.PermanentFailure(name + " of " + repository + " is of the commit " + answer.commit()
                        + ", wanted " + commit + ": try again later, or set HF_ENDPOINT to another hub");
            }
            long size = size(
                    answer, ranged ? Long.parseLong(range.group(2)) : hub.count(answer.headers(), "content-length"));
            if (status == 200) {
                restart(); // the server ignored the range
            } else if (status == 416 ? have != size : Long.parseLong(range.group(1)) != have) {
                throw restart("the range " + range.group());
            }
            if (status != 416) {
                receive(body, size);
            }
            return Optional.of(finish(answer.checksum()));
        }
    }

    /** Finds the size of the half file. Digests its bytes if this object did not write them. */
    private void look() throws IOException {
        long found = Files.exists(half) ? Files.size(half) : 0;
        if (found == have) {
            return;
        }
        digest = Checksums.sha256();
        have = 0;
        if (found > 0) {
            have = feed(digest);
        }
    }

    private long feed(MessageDigest sum) throws IOException {
        try (InputStream in = Files.newInputStream(half)) {
            long fed = 0;
            byte[] buffer = new byte[BUFFER];
            for (int n; (n = in.read(buffer)) > 0; fed += n) {
                sum.update(buffer, 0, n);
            }
            return fed;
        }
    }

    private void restart() throws IOException {
        Files.deleteIfExists(half);
        digest = Checksums.sha256();
        have = 0;
    }

    private IOException restart(String found) throws IOException {
        long wanted = have;
        restart();
        return new IOException(
                "the server answers " + found + ", wanted the bytes of " + name + " from " + wanted + " on");
    }

    private long size(Hub.Answer answer, long own) throws IOException {
        long linked = answer.size();
        if (linked >= 0 && own >= 0 && linked != own) {
            throw new Hub.PermanentFailure(
                    name + " of " + repository + ": the server announces " + linked + " bytes and sends " + own
                            + ", wanted the same number: try again later, or set HF_ENDPOINT to another hub");
        }
        if (linked < 0 && own < 0) {
            throw new Hub.PermanentFailure(name + " of " + repository
                    + ": the server does not announce its size, so it cannot be checked;"
                    + " set HF_ENDPOINT to another hub");
        }
        return Math.max(linked, own);
    }

    private void receive(InputStream body, long size) throws IOException {
        long free = half.getParent().toFile().getUsableSpace(); // 0 if unknown; a FileStore would fail in a chroot
        if (free > 0 && free < size - have) {
            throw new Hub.PermanentFailure("the disk is too full for " + name + ": " + free / 1_000_000 + " MB free in "
                    + half.getParent() + ", " + (size - have) / 1_000_000
                    + " MB wanted; free some space, or set RUDDER_CACHE to another disk");
        }
        ExecutorService reader = Executors.newSingleThreadExecutor(task -> {
            var thread = new Thread(task, "rudder download");
            thread.setDaemon(true);
            return thread;
        });
        try (var out = open();
                var job = Progress.of("fetching " + repository + " " + name, size)) {
            byte[] buffer = new byte[BUFFER];
            long since = System.nanoTime();
            long then = have;
            for (int n; (n = read(reader, body, buffer)) >= 0; ) {
                if (have + n > size) {
                    restart();
                    throw new Hub.PermanentFailure(name + " of " + repository + ": the server sends more than the "
                            + size + " bytes that it announced; they were removed, try again later");
                }
                write(out, ByteBuffer.wrap(buffer, 0, n));
                digest.update(buffer, 0, n);
                have += n;
                furthest = Math.max(furthest, have);
                job.reach(have);
                if (System.nanoTime() - since > hub.patience.silence().toNanos()) {
                    requireRate(have - then, size);
                    since = System.nanoTime();
                    then = have;
                }
            }
            out.force(true);
        } finally {
            reader.shutdownNow();
        }
        if (have < size) {
            throw new IOException(name + " ended after " + have + " of " + size + " bytes");
        }
    }

    private FileChannel open() throws IOException {
        try {
            var out = FileChannel.open(half, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            return out.position(have);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private void write(FileChannel out, ByteBuffer bytes) throws IOException {
        try {
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Returns the failure of this machine's disk, which no other try mends. */
    private IOException unwritable(IOException e) {
        return e instanceof ClosedByInterruptException
                ? Hub.interrupted()
                : new Hub.PermanentFailure("cannot write " + half + ": " + e.getMessage()
                        + "; free some space or make the folder writable, or set RUDDER_CACHE to another folder."
                        + " What has arrived is kept");
    }

    private void requireRate(long bytes, long size) throws Hub.Silent {
        if (bytes < Hub.LEAST && have < size) {
            throw new Hub.Silent("only " + bytes + " bytes of " + name + " came in "
                    + hub.patience.silence().toSeconds() + " s, wanted at least " + Hub.LEAST);
        }
    }

    /** Reads with a time limit: Java's client has none between two parts of a body. */
    private int read(ExecutorService reader, InputStream body, byte[] buffer) throws IOException {
        var pending = reader.submit(() -> body.read(buffer));
        try {
            return pending.get(hub.patience.silence().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new Hub.Silent(
                    "nothing of " + name + " came for " + hub.patience.silence().toSeconds() + " s");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException broken ? broken : new IOException(e.getCause());
        } catch (InterruptedException e) {
            throw Hub.interrupted();
        }
    }

    private String finish(String checksum) throws IOException {
        long size = have;
        have = -1; // the digest is used up: another try reads the file again
        String sha256 = Checksums.hex(digest);
        String found =
                checksum == null ? "" : checksum.length() == 64 ? sha256 : checksum.length() == 40 ? gitSha1(size) : "";
        if (found.isEmpty()) {
            throw new Hub.PermanentFailure(name + " of " + repository
                    + ": the server gives no checksum, so it cannot be checked;" + " set HF_ENDPOINT to another hub");
        }
        if (!found.equals(checksum)) {
            String message = name + " of " + repository + " arrived with the checksum " + found + ", wanted " + checksum
                    + "; it was removed";
            restart();
            if (differed) {
                throw new Hub.PermanentFailure(message
                        + " twice. The server or a proxy changes files:"
                        + " try another network, or set HF_ENDPOINT to another hub");
            }
            differed = true;
            throw new IOException(message);
        }
        Files.move(half, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return sha256;
    }

    /** Returns git's SHA-1: that of "blob SIZE", a zero byte, and the bytes. */
    private String gitSha1(long size) throws IOException {
        MessageDigest sha1 = Checksums.sha1();
        sha1.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
        feed(sha1);
        return Checksums.hex(sha1);
    }
}
