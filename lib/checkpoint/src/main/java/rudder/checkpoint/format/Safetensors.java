package rudder.checkpoint.format;

import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tensors in the safetensors format: one file, or the files of a checkpoint in parts that an index names. Reads F64,
 * F32, F16 and BF16; tensors of integers or flags may be there and are left out of {@link #names()}.
 *
 * <p>Files are written by {@link SafetensorsWriter}.
 */
public final class Safetensors implements TensorSource {

    public static final String SINGLE = "model.safetensors";
    public static final String INDEX = "model.safetensors.index.json";

    private record Part(Path path, OpenFile file, SafetensorsHeader header) {}

    private final Path path;
    private final List<Part> parts = new ArrayList<>();
    private final Map<String, Part> partOf = new LinkedHashMap<>();

    private Safetensors(Path path) {
        this.path = path;
    }

    /**
     * Opens a file, an index ({@code *.index.json}: the files it names lie beside it), or a folder that has a
     * {@code model.safetensors} or {@code model.safetensors.index.json}, and checks all headers as the format asks.
     *
     * @throws IOException if there is no such file, or it is not sound; the message says what was found
     */
    public static Safetensors open(Path path) throws IOException {
        Safetensors opened = new Safetensors(path);
        try {
            Path file = Files.isDirectory(path) ? within(path) : path;
            if (file.getFileName().toString().endsWith(".json")) {
                opened.addIndexed(file);
            } else {
                Part only = opened.add(file);
                only.header.tensors.keySet().forEach(name -> opened.partOf.put(name, only));
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
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

    private Part add(Path path) throws IOException {
        OpenFile file = new OpenFile(path);
        try {
            Part part = new Part(path, file, new SafetensorsHeader(path, file.channel()));
            parts.add(part);
            return part;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private void addIndexed(Path index) throws IOException {
        Map<String, Part> byFile = new LinkedHashMap<>();
        for (Map.Entry<String, String> weight : fileOf(index).entrySet()) {
            String name = weight.getKey();
            String file = weight.getValue();
            Part part = byFile.get(file);
            if (part == null) {
                part = add(index.resolveSibling(file));
                byFile.put(file, part);
            }
            if (part.header.tensors.containsKey(name)) {
                partOf.put(name, part);
            } else if (!part.header.unreadable.containsKey(name)) {
                throw broken(index, "it puts tensor '" + name + "' into " + file + ", which has none of that name");
            }
        }
    }

    /** The names of the files beside an index that it puts tensors into. */
    public static List<String> filesOf(Path index) throws IOException {
        return fileOf(index).values().stream().distinct().sorted().toList();
    }

    /** Tensor to file. */
    private static Map<String, String> fileOf(Path index) throws IOException {
        Map<String, String> files = new LinkedHashMap<>();
        for (Map.Entry<?, ?> weight : weightMap(index).entrySet()) {
            // a plain name beside the index: an index must not reach elsewhere on the disk
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
        if (Files.size(index) > SafetensorsHeader.MAX_BYTES) {
            throw broken(
                    index, "it has " + Files.size(index) + " bytes, wanted at most " + SafetensorsHeader.MAX_BYTES);
        }
        try {
            if (StrictJson.object(Files.readString(index)).get("weight_map") instanceof Map<?, ?> map) {
                return map;
            }
            throw broken(index, "it has no object weight_map");
        } catch (MalformedJsonException | EOFException | CharacterCodingException e) {
            throw broken(index, "it is not the JSON it should be, " + e);
        }
    }

    private static IOException broken(Path index, String found) {
        return new IOException("cannot read the index " + index + ": " + found + "; fetch the model again");
    }

    /**
     * The strings a writer put beside the tensors, provenance for instance; of a model in parts, those of all parts.
     */
    public Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>();
        parts.forEach(part -> part.header.metadata.forEach(all::putIfAbsent));
        return Collections.unmodifiableMap(all);
    }

    /** The files that hold tensors, by name. */
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

    /**
     * All values of a tensor in double precision, row-major: exact for F64, as for every other type.
     *
     * @throws IllegalArgumentException if there is no such tensor, or it has 2^31 values or more
     * @throws UncheckedIOException if the file cannot be read, or was closed
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
        return new UncheckedIOException("cannot read the tensor '" + name + "' of " + path + ": " + e, e);
    }

    private TensorEntry entry(String name) {
        Part part = partOf.get(name);
        if (part == null) {
            String dtype = parts.stream()
                    .map(p -> p.header.unreadable.get(name))
                    .filter(t -> t != null)
                    .findFirst()
                    .orElse(null);
            throw new IllegalArgumentException(path.getFileName()
                    + (dtype == null
                            ? " has no tensor '" + name + "' among its " + partOf.size() + "; see names()"
                            : " holds '" + name + "' as " + dtype + ", wanted one of " + SafetensorsHeader.READABLE
                                    + ": it is no tensor of weights"));
        }
        return part.header.tensors.get(name);
    }

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
