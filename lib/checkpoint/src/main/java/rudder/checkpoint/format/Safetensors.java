package rudder.checkpoint.format;

import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import rudder.checkpoint.text.StrictJson;
import rudder.checkpoint.text.TextFile;

/**
 * Tensors in the safetensors format: one file, or the files of a checkpoint in parts, named by an index. Reads F64,
 * F32, F16 and BF16. {@link #names()} leaves out tensors of other types, integers for instance.
 *
 * <p>Close a source that you opened; one inside a {@code Checkpoint} or a {@code LanguageModel} is closed with it.
 * {@link SafetensorsWriter} writes such files.
 */
public final class Safetensors implements TensorSource {

    /** The name of the file of a checkpoint in one part. */
    public static final String SINGLE = "model.safetensors";
    /** The name of the index of a checkpoint in several parts. */
    public static final String INDEX = "model.safetensors.index.json";

    private record Part(Path path, OpenFile file, SafetensorsHeader header) {}

    private final Path path;
    private final List<Part> parts = new ArrayList<>();
    private final Map<String, Part> partOf = new LinkedHashMap<>();

    private Safetensors(Path path) {
        this.path = path;
    }

    /**
     * Opens a file, an index ({@code *.json}, with its files beside it), or a folder with a {@code model.safetensors}
     * or a {@code model.safetensors.index.json}. Checks all headers.
     *
     * @throws IOException if a file does not exist or is malformed; the message says what was found
     */
    public static Safetensors open(Path path) throws IOException {
        Safetensors opened = new Safetensors(path);
        try {
            Path file = Files.isDirectory(path) ? within(path) : path;
            if (file.getFileName().toString().endsWith(".json")) {
                opened.addIndexed(file);
            } else {
                opened.addAll(file, new OpenFile(file));
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Reads a file that lies in memory, such as one inside a jar. Checks its header.
     *
     * @param name named in messages
     * @throws IOException if the bytes are malformed; the message says what was found
     */
    public static Safetensors of(String name, byte[] bytes) throws IOException {
        var opened = new Safetensors(Path.of(name));
        opened.addAll(opened.path, new OpenFile(bytes));
        return opened;
    }

    private void addAll(Path path, OpenFile file) throws IOException {
        Part only = add(path, file);
        only.header.tensors.keySet().forEach(name -> partOf.put(name, only));
    }

    private static Path within(Path folder) throws IOException {
        for (String name : List.of(SINGLE, INDEX)) {
            if (Files.exists(folder.resolve(name))) {
                return folder.resolve(name);
            }
        }
        throw new IOException("cannot read " + folder + " as safetensors: it has neither " + SINGLE + " nor " + INDEX
                + "; give the folder of a model in Hugging Face's layout, or a file");
    }

    private Part add(Path path, OpenFile file) throws IOException {
        try {
            Part part = new Part(path, file, new SafetensorsHeader(path, file));
            parts.add(part);
            return part;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private void addIndexed(Path index) throws IOException {
        Map<String, Part> byFile = new LinkedHashMap<>();
        Map<String, String> fileOf = fileOf(index);
        List<String> missing = fileOf.values().stream()
                .distinct()
                .filter(file -> !Files.exists(index.resolveSibling(file)))
                .toList();
        if (!missing.isEmpty()) {
            throw broken(index, "it lists " + missing + ", found no such files beside it, wanted all parts");
        }
        for (Map.Entry<String, String> weight : fileOf.entrySet()) {
            String name = weight.getKey();
            String file = weight.getValue();
            Part part = byFile.get(file);
            if (part == null) {
                Path path = index.resolveSibling(file);
                part = add(path, new OpenFile(path));
                byFile.put(file, part);
            }
            if (part.header.tensors.containsKey(name)) {
                partOf.put(name, part);
            } else if (!part.header.unreadable.containsKey(name)) {
                throw broken(
                        index, "it puts tensor '" + name + "' into " + file + ", which has no tensor of this name");
            }
        }
    }

    /**
     * Returns the names of the files that an index lists, sorted; all lie beside the index.
     *
     * @throws IOException if the index cannot be read or is malformed
     */
    public static List<String> filesOf(Path index) throws IOException {
        return fileOf(index).values().stream().distinct().sorted().toList();
    }

    /** Returns the file of each tensor. */
    private static Map<String, String> fileOf(Path index) throws IOException {
        Map<String, String> files = new LinkedHashMap<>();
        for (Map.Entry<?, ?> weight : weightMap(index).entrySet()) {
            // a plain file name: an index must not reach elsewhere on the disk
            if (!(weight.getValue() instanceof String file)
                    || !file.matches("[A-Za-z0-9_][A-Za-z0-9._-]*\\.safetensors")) {
                throw broken(
                        index,
                        "it puts tensor '" + weight.getKey() + "' into " + weight.getValue()
                                + ", wanted the name of a .safetensors file beside it");
            }
            files.put((String) weight.getKey(), file);
        }
        return files;
    }

    private static Map<?, ?> weightMap(Path index) throws IOException {
        try {
            if (StrictJson.object(TextFile.read(index, SafetensorsHeader.MAX_BYTES))
                            .get("weight_map")
                    instanceof Map<?, ?> map) {
                return map;
            }
            throw broken(index, "found no object weight_map, wanted one");
        } catch (MalformedJsonException | EOFException e) {
            throw broken(index, "found malformed JSON (" + e.getMessage() + "), wanted an index");
        }
    }

    private static IOException broken(Path index, String found) {
        return new IOException("cannot read the index " + index + ": " + found + "; fetch the model again");
    }

    /**
     * Returns the strings stored beside the tensors, provenance for instance; for a model in parts, those of all parts.
     */
    public Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>();
        parts.forEach(part -> part.header.metadata.forEach(all::putIfAbsent));
        return Collections.unmodifiableMap(all);
    }

    /**
     * Reads all bytes and compares them with the checksum that {@link SafetensorsWriter} wrote. Files of other programs
     * and of Rudder before 0.1.0 have none and are not checked.
     *
     * @throws IOException if the file was changed since it was written
     */
    public void verify() throws IOException {
        for (Part part : parts) {
            if (part.header.sum != null) {
                var found = sum(part);
                if (!found.equals(part.header.sum)) {
                    throw new IOException("cannot read " + part.path + ": found the checksum " + found + ", wanted "
                            + part.header.sum + ": it is damaged; remove it and make it again");
                }
            }
        }
    }

    private static String sum(Part part) throws IOException {
        var digest = Checksums.sha256();
        long size = part.file.size();
        try (var job = Progress.of("checking " + part.path.getFileName(), size)) {
            for (long at = 0; at < size; ) {
                byte[] bytes = new byte[(int) Math.min(1 << 20, size - at)];
                part.file.read(at, bytes);
                if (at == 0) {
                    System.arraycopy(
                            SafetensorsHeader.NO_SUM.getBytes(StandardCharsets.US_ASCII),
                            0,
                            bytes,
                            SafetensorsHeader.SUM_AT,
                            SafetensorsHeader.NO_SUM.length());
                }
                digest.update(bytes);
                at += bytes.length;
                job.reach(at);
            }
        }
        return Checksums.hex(digest);
    }

    /** Returns the files that hold tensors, sorted by name. */
    public List<Path> files() {
        return parts.stream().map(Part::path).sorted().toList();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(partOf.keySet());
    }

    @Override
    public long[] shape(String name) {
        return entry(name).shape().clone();
    }

    @Override
    public void read(String name, long first, long count, FloatBuffer into) {
        TensorEntry entry = entry(name);
        try {
            entry.read(partOf.get(name).file, first, count, into);
        } catch (IOException e) {
            throw unread(name, e);
        }
    }

    @Override
    public Optional<PackedTensor> packed(String name) {
        TensorEntry entry = entry(name);
        try {
            return entry.map(partOf.get(name).file);
        } catch (IOException e) {
            throw unread(name, e);
        }
    }

    /**
     * Returns all values of a tensor in double precision, row-major and exact for every type.
     *
     * @throws IllegalArgumentException if there is no such tensor, or it has 2^31 values or more
     * @throws UncheckedIOException if the file cannot be read, or is closed
     */
    public double[] doubles(String name) {
        TensorEntry entry = entry(name);
        try {
            return entry.doubles(partOf.get(name).file);
        } catch (IOException e) {
            throw unread(name, e);
        }
    }

    private UncheckedIOException unread(String name, IOException e) {
        return new UncheckedIOException(
                "cannot read the tensor '" + name + "' of " + path + ": " + OpenFile.reason(e), e);
    }

    private TensorEntry entry(String name) {
        Part part = partOf.get(name);
        if (part == null) {
            String dtype = parts.stream()
                    .map(p -> p.header.unreadable.get(name))
                    .filter(t -> t != null)
                    .findFirst()
                    .orElse(null);
            throw new IllegalArgumentException(path
                    + (dtype == null
                            ? " has no tensor '" + name + "' among its " + partOf.size() + "; names() lists them"
                            : " holds '" + name + "' as " + dtype + ", wanted one of " + SafetensorsHeader.READABLE
                                    + ": it is not a tensor of weights"));
        }
        return part.header.tensors.get(name);
    }

    /** Closes all files; later reads throw an UncheckedIOException. */
    @Override
    public void close() throws IOException {
        for (Part part : parts) {
            part.file.close();
        }
    }

    @Override
    public String toString() {
        long bytes =
                partOf.keySet().stream().mapToLong(name -> entry(name).bytes()).sum();
        return "Safetensors[" + path.getFileName() + ", " + partOf.size() + " tensors"
                + (parts.size() == 1 ? "" : " in " + parts.size() + " files") + ", " + bytes / 1_000_000 + " MB]";
    }
}
