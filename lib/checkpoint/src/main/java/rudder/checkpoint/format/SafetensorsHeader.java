package rudder.checkpoint.format;

import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import rudder.checkpoint.text.LfsPointer;
import rudder.checkpoint.text.StrictJson;

/**
 * The header of a safetensors file: a uint64 length, then so many bytes of JSON,
 *
 * <pre>{"__metadata__": {"key": "string"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}</pre>
 *
 * with offsets into the data that follow. The reader checks the rules of the format:
 *
 * <ul>
 *   <li>the header has at most 16 MB (the format allows 100) and begins with a brace; no name occurs twice;
 *   <li>the bytes of each tensor agree with its type and shape;
 *   <li>the tensors cover the data without hole or overlap.
 * </ul>
 *
 * Source: the format's description in huggingface/safetensors.
 */
final class SafetensorsHeader {

    /** The format allows 100 MB; a model of 100,000 tensors needs 12 MB, and parsed JSON takes 20 times its size. */
    static final int MAX_BYTES = 16 << 20;

    static final String METADATA = "__metadata__";
    /** Key of the SHA-256 of all bytes, in which its own digits count as zeros. */
    static final String SUM = "rudder.sha256";

    static final String NO_SUM = "0".repeat(64);
    private static final byte[] BEFORE_SUM =
            ("{\"" + METADATA + "\":{\"" + SUM + "\":\"").getBytes(StandardCharsets.US_ASCII);
    /** Place of the checksum in the file. */
    static final int SUM_AT = 8 + BEFORE_SUM.length;

    static final Set<String> READABLE = Set.of("F64", "F32", "F16", "BF16");
    /** Bytes of the format's element types. */
    private static final Map<String, Integer> WIDTHS = Map.ofEntries(
            Map.entry("F64", 8),
            Map.entry("F32", 4),
            Map.entry("F16", 2),
            Map.entry("BF16", 2),
            Map.entry("I64", 8),
            Map.entry("U64", 8),
            Map.entry("I32", 4),
            Map.entry("U32", 4),
            Map.entry("I16", 2),
            Map.entry("U16", 2),
            Map.entry("I8", 1),
            Map.entry("U8", 1),
            Map.entry("BOOL", 1),
            Map.entry("F8_E4M3", 1),
            Map.entry("F8_E5M2", 1),
            Map.entry("F8_E8M0", 1),
            Map.entry("C64", 8));

    private record Extent(String name, String dtype, long[] shape, long begin, long end) {}

    private final Path file;

    /** The checksum; null if the file has none. */
    final String sum;

    final Map<String, String> metadata = new LinkedHashMap<>();
    final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
    /** Name and dtype of the tensors that are not read: integers, flags and such. */
    final Map<String, String> unreadable = new LinkedHashMap<>();

    /** @param file named in messages */
    SafetensorsHeader(Path file, OpenFile open) throws IOException {
        this.file = file;
        long size = open.size();
        if (size < 8) {
            throw broken("found " + size + " bytes, wanted at least 8 and a header");
        }
        long length = bytes(open, 0, 8).getLong();
        if (length < 2 || length > MAX_BYTES || length > size - 8) {
            LfsPointer.refuse(file, bytes(open, 0, (int) Math.min(size, LfsPointer.BYTES)));
            throw broken("it announces a header of " + Long.toUnsignedString(length) + " bytes, wanted 2 to "
                    + Math.min(MAX_BYTES, size - 8));
        }
        ByteBuffer json = bytes(open, 8, (int) length);
        List<Extent> extents = parse(json);
        boolean summed = length > BEFORE_SUM.length
                && Arrays.equals(json.array(), 0, BEFORE_SUM.length, BEFORE_SUM, 0, BEFORE_SUM.length);
        sum = summed ? metadata.remove(SUM) : null;
        if (sum != null && !sum.matches("[0-9a-f]{64}")) {
            throw broken(SUM + " is '" + sum + "', wanted 64 hexadecimal digits");
        }
        refuseHolesAndOverlaps(extents, size - 8 - length);
        for (Extent e : extents) {
            if (READABLE.contains(e.dtype)) {
                tensors.put(
                        e.name, new TensorEntry(e.name, TensorType.valueOf(e.dtype), e.shape, 8 + length + e.begin));
            } else {
                unreadable.put(e.name, e.dtype);
            }
        }
    }

    private ByteBuffer bytes(OpenFile open, long from, int count) throws IOException {
        byte[] bytes = new byte[count];
        try {
            open.read(from, bytes);
        } catch (EOFException e) {
            throw broken("the file became shorter while it was read");
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private List<Extent> parse(ByteBuffer utf8) throws IOException {
        if (utf8.get(0) != '{') {
            throw broken("its header does not begin with a brace, as the format wants");
        }
        List<Extent> extents = new ArrayList<>();
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(utf8).toString(); // throws if it is not UTF-8
            for (Map.Entry<String, Object> member : StrictJson.object(text).entrySet()) {
                if (!(member.getValue() instanceof Map<?, ?> value)) {
                    throw broken("'" + member.getKey() + "' is " + member.getValue() + ", wanted an object");
                }
                if (member.getKey().equals(METADATA)) {
                    metadata(value);
                } else {
                    extents.add(extent(member.getKey(), value));
                }
            }
        } catch (CharacterCodingException e) {
            throw broken("found malformed JSON (bytes that are not UTF-8) in its header");
        } catch (MalformedJsonException | EOFException e) {
            throw broken("found malformed JSON (" + e.getMessage() + ") in its header");
        }
        return extents;
    }

    private void metadata(Map<?, ?> members) throws IOException {
        for (Map.Entry<?, ?> m : members.entrySet()) {
            if (!(m.getValue() instanceof String value)) {
                throw broken(METADATA + " has '" + m.getKey() + "': " + m.getValue() + ", wanted a string");
            }
            metadata.put((String) m.getKey(), value);
        }
    }

    private Extent extent(String name, Map<?, ?> members) throws IOException {
        Object dtype = members.get("dtype");
        if (!(dtype instanceof String type) || !WIDTHS.containsKey(type)) {
            throw broken("tensor '" + name + "' has the dtype " + dtype + ", wanted one of " + WIDTHS.keySet());
        }
        long[] shape = naturals(members.get("shape"));
        long[] offsets = naturals(members.get("data_offsets"));
        if (members.size() != 3 || shape == null || offsets == null || offsets.length != 2) {
            throw broken("tensor '" + name + "' is described by " + members
                    + ", wanted dtype, shape and a pair of data_offsets, all counts natural numbers");
        }
        long bytes = WIDTHS.get(type);
        for (long n : shape) {
            bytes = Math.multiplyHigh(bytes, n) == 0 ? bytes * n : -1;
            if (bytes < 0) {
                throw broken("tensor '" + name + "' has the shape " + members.get("shape")
                        + ", wanted fewer than 2^63 bytes");
            }
        }
        if (offsets[0] > offsets[1] || offsets[1] - offsets[0] != bytes) {
            throw broken("tensor '" + name + "' lies at the offsets " + members.get("data_offsets") + ", wanted "
                    + bytes + " bytes for " + type + " " + members.get("shape"));
        }
        return new Extent(name, type, shape, offsets[0], offsets[1]);
    }

    /** Returns a JSON array of natural numbers, or null for anything else. */
    private static long[] naturals(Object json) {
        if (!(json instanceof List<?> list) || !list.stream().allMatch(n -> n instanceof Long l && l >= 0)) {
            return null;
        }
        return list.stream().mapToLong(n -> (Long) n).toArray();
    }

    private void refuseHolesAndOverlaps(List<Extent> extents, long size) throws IOException {
        extents.sort(Comparator.comparingLong(Extent::begin).thenComparingLong(Extent::end));
        long end = 0;
        for (Extent e : extents) {
            if (e.begin != end) {
                throw broken("tensor '" + e.name + "' begins at offset " + e.begin + " of the data, wanted " + end
                        + ", the end of the tensor before it");
            }
            end = e.end;
        }
        if (end != size) {
            throw broken("its tensors end at offset " + end + " of the data, wanted the end of its " + size + " bytes");
        }
    }

    private IOException broken(String found) {
        return new IOException("cannot read " + file + " as safetensors: " + found
                + "; the file is truncated, damaged or of another kind: fetch it again");
    }
}
