package rudder.checkpoint.format;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Computes SHA-256 checksums and remembers those of large files. A file is read again only if its size or modification
 * time changed.
 *
 * @param folder holds one small file with the remembered checksum for each path
 */
public record Checksums(Path folder) {

    /** Returns a new SHA-256 digest; {@link #hex} ends it. */
    public static MessageDigest sha256() {
        return digest("SHA-256");
    }

    /** Returns a new SHA-1 digest, which git uses; {@link #hex} ends it. */
    public static MessageDigest sha1() {
        return digest("SHA-1");
    }

    /** Returns the SHA-256 of a text's UTF-8 bytes, 64 lower-case hexadecimal digits. */
    public static String sha256(String text) {
        var digest = sha256();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return hex(digest);
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has " + algorithm, e);
        }
    }

    /** Returns a digest's result in lower-case hexadecimal digits and resets the digest. */
    public static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Returns the SHA-256 of a file, remembered or computed: 64 lower-case hexadecimal digits. */
    public String of(Path file) throws IOException {
        var known = known(file);
        if (known.isPresent()) {
            return known.get();
        }
        var sha256 = compute(file);
        remember(file, sha256);
        return sha256;
    }

    /** Returns the remembered checksum, if there is one of the file's present state and it is whole. */
    private Optional<String> known(Path file) throws IOException {
        var state = state(file);
        try {
            var text = new String(Files.readAllBytes(stamp(file)), StandardCharsets.ISO_8859_1);
            var sha256 = text.startsWith(state) ? text.substring(state.length()) : "";
            return sha256.matches("[0-9a-f]{64}\n") ? Optional.of(sha256.strip()) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // no stamp: the file is read
        }
    }

    /**
     * Remembers a checksum that was computed elsewhere. Does nothing if that is not possible, as in a shared cache that
     * is read-only, or on a full disk.
     */
    public void remember(Path file, String sha256) throws IOException {
        var text = state(file) + sha256 + "\n";
        try {
            WholeFile.write(stamp(file), text);
        } catch (IOException e) {
            return; // a stamp only saves time: without it, the file is read again
        }
    }

    private Path stamp(Path file) throws IOException {
        return folder.resolve(sha256(file.toRealPath().toString()).substring(0, 32));
    }

    private static String state(Path file) throws IOException {
        return Files.size(file) + " " + Files.getLastModifiedTime(file).toInstant() + " ";
    }

    private static String compute(Path file) throws IOException {
        var digest = sha256();
        var buffer = new byte[1 << 20];
        try (var in = Files.newInputStream(file);
                var job = Progress.of("checking " + file.getFileName(), Files.size(file))) {
            for (int n; (n = in.read(buffer)) > 0; job.advance(n)) {
                digest.update(buffer, 0, n);
            }
        }
        return hex(digest);
    }
}
