package rudder.checkpoint.store;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import rudder.checkpoint.Checkpoint;
import rudder.checkpoint.HfConfig;
import rudder.checkpoint.ModelPath;
import rudder.checkpoint.format.Checksums;
import rudder.checkpoint.format.Safetensors;
import rudder.checkpoint.format.WholeFile;
import rudder.checkpoint.text.FolderAdvice;

/**
 * Checkpoints from the hub, {@code OWNER/NAME} or {@code OWNER/NAME@REVISION}, with one folder each in the cache:
 *
 * <pre>
 *   OWNER--NAME.lock                held while one process fetches
 *   OWNER--NAME/refs/main           the commit of the revision main at the first fetch
 *   OWNER--NAME/COMMIT/...          the checkpoint's files; *.half are incomplete
 *   OWNER--NAME/COMMIT/SHA256SUMS   every file's SHA-256, written last, readable by sha256sum -c
 * </pre>
 *
 * Later loads take the commit in {@code refs} without asking the server. To get the newest commit of a branch, remove
 * its file in {@code refs}.
 */
final class HubModels {

    private static final String PART = "[A-Za-z0-9](?:[A-Za-z0-9_-]|\\.(?!\\.))*";
    private static final Pattern NAME =
            Pattern.compile("(?:hf:)?(" + PART + "/" + PART + ")(?:@(" + PART + "(?:/" + PART + ")*))?");
    private static final Pattern IN_ADDRESS =
            Pattern.compile("(" + PART + "/" + PART + ")(?:/tree/(" + PART + "(?:/" + PART + ")*))?/?");
    private static final Pattern SINGLE_FILE = Pattern.compile(PART + "/" + PART + "/.+\\.gguf");
    private static final String SUMS = "SHA256SUMS";
    private static final Pattern SUM = Pattern.compile("([0-9a-f]{64})  ([A-Za-z0-9_][A-Za-z0-9._-]*)");
    /**
     * The files of a checkpoint, beside its configuration and its tensors, that change the texts it reads and writes.
     */
    static final List<String> BESIDE = List.of(
            Checkpoint.GENERATION,
            Checkpoint.TOKENIZER,
            Checkpoint.TOKENIZER_CONFIG,
            Checkpoint.SPECIAL_TOKENS,
            Checkpoint.ADDED_TOKENS,
            Checkpoint.CHAT_TEMPLATE,
            Checkpoint.CHAT_TEMPLATE_JSON);

    private static final String BY_HAND =
            "Download a GGUF file by hand (hf download OWNER/NAME FILE.gguf), and give its path.";

    private final Path cache;
    private final Checksums checksums;
    private final Supplier<Hub> hub;

    /** @param hub makes the client; called only if something must be fetched */
    HubModels(Path cache, Checksums checksums, Supplier<Hub> hub) {
        this.cache = cache;
        this.checksums = checksums;
        this.hub = hub;
    }

    /** Returns whether a name has the form of a checkpoint on the hub. */
    static boolean isName(String name) {
        return NAME.matcher(name).matches() && !name.endsWith(".gguf");
    }

    /**
     * Returns the name of the checkpoint whose page on a hub has this address; empty if it is no hub's address.
     *
     * @param endpoint the hub of this environment; addresses on {@link Hub#DEFAULT_ENDPOINT} count, too
     * @throws IllegalArgumentException if it is another address on a hub
     */
    static Optional<String> atAddress(String given, String endpoint) {
        for (String hub : List.of(Hub.DEFAULT_ENDPOINT, endpoint)) {
            if (given.startsWith(hub + "/")) {
                var match = IN_ADDRESS.matcher(given.substring(hub.length() + 1));
                if (!match.matches()) {
                    throw new IllegalArgumentException("\"" + given + "\" is no address of a model, wanted " + hub
                            + "/OWNER/NAME or " + hub + "/OWNER/NAME/tree/REVISION. " + BY_HAND);
                }
                return Optional.of(match.group(1) + (match.group(2) == null ? "" : "@" + match.group(2)));
            }
        }
        return Optional.empty();
    }

    /**
     * Refuses the name of a file in a repository.
     *
     * @throws IllegalArgumentException if the name has the form OWNER/NAME/FILE.gguf; the message says what to do
     */
    static void refuseSingleFile(String name) {
        if (SINGLE_FILE.matcher(name).matches()) {
            throw new IllegalArgumentException("\"" + name + "\" is no file in "
                    + Path.of("").toAbsolutePath() + ", and Rudder fetches no single files from a hub. " + BY_HAND);
        }
    }

    /**
     * Returns a checkpoint's folder and fetches it if necessary.
     *
     * @throws IOException if it cannot be fetched; the next try continues incomplete files. Also if its folder has a
     *     tokenizer's file, template or settings that are not the hub's; the message names the file, which stays
     * @throws IllegalArgumentException if the name is malformed, or the configuration is not supported; the weights are
     *     then not fetched
     */
    Path get(String name) throws IOException {
        var matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("\"" + name + "\" is not of the form OWNER/NAME or OWNER/NAME@REVISION");
        }
        String repository = matcher.group(1);
        String revision = matcher.group(2) == null ? "main" : matcher.group(2);
        Path home = cache.resolve(repository.replace("/", "--"));
        Path ref = home.resolve("refs").resolve(URLEncoder.encode(revision, StandardCharsets.UTF_8));
        return FetchLock.fetchOnce(
                home.resolveSibling(home.getFileName() + ".lock"),
                repository,
                () -> whole(home, ref),
                () -> fetch(repository, revision, home, ref));
    }

    private Path fetch(String repository, String revision, Path home, Path ref) throws IOException {
        Hub from = hub.get();
        var pinned = pinned(ref);
        String commit = pinned.isPresent() ? pinned.get() : from.commit(repository, revision);
        Path folder = Files.createDirectories(home.resolve(commit));
        var sums = new Fetching(from, repository, commit, folder, ref).all();
        WholeFile.write(
                folder.resolve(SUMS),
                sums.entrySet().stream()
                        .map(file -> file.getValue() + "  " + file.getKey() + "\n")
                        .collect(Collectors.joining()));
        return folder;
    }

    /** Returns the commit that a file in refs names; empty if the file is missing or damaged. */
    private static Optional<String> pinned(Path ref) throws IOException {
        return Files.exists(ref)
                ? Optional.of(ascii(ref).strip())
                        .filter(commit -> Hub.COMMIT.matcher(commit).matches())
                : Optional.empty();
    }

    private static String ascii(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1); // damaged bytes match no pattern
    }

    /**
     * Returns the folder of the commit that a revision is pinned to, if all its files are listed and unchanged. Removes
     * those that have changed since they were fetched.
     */
    private Optional<Path> whole(Path home, Path ref) throws IOException {
        var commit = pinned(ref);
        if (commit.isEmpty() || !Files.exists(home.resolve(commit.get()).resolve(SUMS))) {
            return Optional.empty();
        }
        Path folder = home.resolve(commit.get());
        var sums = sums(folder);
        boolean whole = sums.keySet().equals(names(folder));
        for (var file : sums.entrySet()) {
            Path path = folder.resolve(file.getKey());
            if (Files.exists(path) && !checksums.of(path).equals(file.getValue())) {
                Files.delete(path);
                whole = false;
            }
        }
        return whole ? Optional.of(folder) : Optional.empty();
    }

    /** Returns the names of the complete files of a checkpoint in a folder. */
    private static Set<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(path -> path.getFileName().toString())
                    .filter(name -> name.equals(Checkpoint.CONFIG)
                            || BESIDE.contains(name)
                            || name.equals(Safetensors.INDEX)
                            || name.endsWith(".safetensors"))
                    .collect(Collectors.toSet());
        }
    }

    /** Returns the checksum of each file that SHA256SUMS lists; leaves out damaged lines. */
    private static Map<String, String> sums(Path folder) throws IOException {
        var sums = new LinkedHashMap<String, String>();
        for (String line : ascii(folder.resolve(SUMS)).split("\n")) {
            var match = SUM.matcher(line);
            if (match.matches()) {
                sums.put(match.group(2), match.group(1));
            }
        }
        return sums;
    }

    /** Fetches the files of a checkpoint one after another. */
    private final class Fetching {
        private final Hub from;
        private final String repository;
        private final String commit;
        private final Path folder;
        private final Path ref;
        private final boolean ended;
        private final Set<String> listed;
        private final Map<String, String> sums = new LinkedHashMap<>();

        Fetching(Hub from, String repository, String commit, Path folder, Path ref) throws IOException {
            this.from = from;
            this.repository = repository;
            this.commit = commit;
            this.folder = folder;
            this.ref = ref;
            ended = Files.exists(folder.resolve(SUMS));
            listed = ended ? new HashSet<>(sums(folder).keySet()) : Set.of();
        }

        /** Returns the checksum of each file. */
        Map<String, String> all() throws IOException {
            require(Checkpoint.CONFIG);
            HfConfig.parse(
                    Checkpoint.json(folder.resolve(Checkpoint.CONFIG)),
                    repository + "/" + Checkpoint.CONFIG); // fails before gigabytes are fetched
            if (get(ModelPath.ADAPTER)) {
                ModelPath.require(folder);
            }
            WholeFile.write(ref, commit + "\n"); // a fetch that is interrupted goes on with this commit
            for (String name : BESIDE) {
                if (Files.exists(folder.resolve(name)) && !isSound(name)) {
                    requireOfHub(name);
                }
            }
            for (String name : BESIDE) {
                get(name);
            }
            if (get(Safetensors.INDEX)) {
                for (String part : Safetensors.filesOf(folder.resolve(Safetensors.INDEX))) {
                    require(part);
                }
            } else {
                require(Safetensors.SINGLE);
            }
            return sums;
        }

        private void require(String name) throws IOException {
            if (!get(name)) {
                throw new NoSuchFileException(repository + " at " + commit + " has no " + name
                        + ": wanted a checkpoint in Hugging Face's layout with its weights in safetensors files;"
                        + " choose another model");
            }
        }

        /** Refuses a file that a user put here. SHA256SUMS may have lost the line of one that the hub has. */
        private void requireOfHub(String name) throws IOException {
            Path file = folder.resolve(name);
            Path half = Files.copy(file, Download.half(file), StandardCopyOption.REPLACE_EXISTING);
            try {
                if (from.fetch(repository, commit, name, file).isPresent()) {
                    listed.add(name);
                    return;
                }
            } catch (IOException e) {
                throw foreign(file, ". To ask the hub for a file of this name failed: " + e.getMessage(), e);
            } finally {
                Files.deleteIfExists(half);
            }
            throw foreign(file, "", null);
        }

        private IOException foreign(Path file, String more, IOException cause) {
            return new IOException(
                    file + " does not belong to " + repository + " at " + commit + ": move it away" + FolderAdvice.COPY
                            + more,
                    cause);
        }

        private boolean get(String name) throws IOException {
            Path file = folder.resolve(name);
            if (Files.exists(file) && isSound(name)) {
                sums.put(name, checksums.of(file));
                return true;
            }
            if (Files.exists(file)) { // compared with the hub's checksum, as if its last byte had just arrived
                Files.move(file, Download.half(file), StandardCopyOption.REPLACE_EXISTING);
            }
            var sha256 = from.fetch(repository, commit, name, file);
            if (sha256.isPresent()) {
                checksums.remember(file, sha256.get());
                sums.put(name, sha256.get());
            }
            return sha256.isPresent();
        }

        /**
         * Returns whether a file with its final name is complete and unchanged. In a fetch that was interrupted it is.
         * After one that ended, SHA256SUMS must list the file; {@link #whole} has then compared the two.
         */
        private boolean isSound(String name) {
            return !ended || listed.contains(name);
        }
    }
}
