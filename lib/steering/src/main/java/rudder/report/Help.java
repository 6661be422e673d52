package rudder.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What each public type and member is for: its declaration and the first sentence of its Javadoc. The build reads them
 * from the sources, because a kernel has no sources to look into.
 */
final class Help {

    private static final String RESOURCE = "/rudder/report/help.tsv";

    /** A type or a member. */
    private record Entry(String declaration, String sentence) {}

    private final Map<String, List<Entry>> types = new LinkedHashMap<>(); // a type first, its members behind it

    /** @param lines of three fields, as HelpIndex writes them */
    Help(List<String> lines) {
        List<Entry> type = new ArrayList<>();
        for (var line : lines) {
            var fields = line.split("\t", -1);
            if (!fields[0].isEmpty()) {
                type = new ArrayList<>();
                types.put(fields[0], type);
            }
            type.add(new Entry(fields[1], fields[2]));
        }
    }

    /** Returns the help that the build made. */
    static Help packed() {
        try (var in = Help.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("this build of Rudder has no " + RESOURCE + ": build it with Maven");
            }
            return new Help(new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /**
     * Returns a page about a type: what it is, then its public members, those of its supertypes too.
     *
     * @param about a class, or an object of one
     * @throws IllegalArgumentException if neither the class nor a supertype is a public one of Rudder
     */
    String page(Object about) {
        var type = about instanceof Class<?> given ? given : about.getClass();
        var known = new LinkedHashSet<String>();
        collect(type, known);
        if (known.isEmpty()) {
            throw new IllegalArgumentException(
                    "there is no help for " + type.getName() + ", only for Rudder's own public types, such as "
                            + "LanguageModel.class, and for objects of them");
        }
        var page = new StringBuilder();
        boolean first = true;
        for (var name : known) {
            var entries = types.get(name);
            page.append(first ? "" : "\nfrom ")
                    .append(entries.get(0).declaration())
                    .append('\n');
            indent(page, "  ", entries.get(0).sentence());
            for (var member : entries.subList(1, entries.size())) {
                page.append("\n  ").append(member.declaration()).append('\n');
                indent(page, "      ", member.sentence());
            }
            first = false;
        }
        return page.toString();
    }

    private static void indent(StringBuilder page, String by, String sentence) {
        if (!sentence.isEmpty()) {
            page.append(by).append(sentence).append('\n');
        }
    }

    /** Adds the names of the known types that a type is. */
    private void collect(Class<?> type, Set<String> known) {
        if (type == null) {
            return;
        }
        if (Modifier.isPublic(type.getModifiers()) && types.containsKey(type.getName())) {
            known.add(type.getName());
        }
        collect(type.getSuperclass(), known);
        for (var parent : type.getInterfaces()) {
            collect(parent, known);
        }
    }
}
