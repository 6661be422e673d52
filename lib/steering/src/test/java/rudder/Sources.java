package rudder;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** The project's own texts: pages and notebooks. */
final class Sources {
    static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();

    private Sources() {}

    /** A piece of text and where it stands, such as {@code 00-quickstart.ipynb cell c03}. */
    record Piece(String where, String text) {}

    static List<Path> notebooks() throws IOException {
        return files(ROOT.resolve("notebooks"), ".ipynb");
    }

    /** Returns the Markdown pages that describe the present: the changelog names what is gone. */
    static List<Path> pages() throws IOException {
        var pages = new ArrayList<Path>();
        for (var folder : List.of("", "notebooks", "lib")) {
            pages.addAll(files(ROOT.resolve(folder), ".md"));
        }
        pages.removeIf(page -> page.endsWith("CHANGELOG.md"));
        return pages;
    }

    /** Returns a notebook's cells of one type, {@code code} or {@code markdown}. */
    static List<Piece> cells(Path notebook, String type) throws IOException {
        var pieces = new ArrayList<Piece>();
        var cells = JsonParser.parseString(Files.readString(notebook))
                .getAsJsonObject()
                .getAsJsonArray("cells");
        for (int i = 0; i < cells.size(); i++) {
            var cell = cells.get(i).getAsJsonObject();
            if (cell.get("cell_type").getAsString().equals(type)) {
                var id = cell.has("id") ? cell.get("id").getAsString() : "number " + i;
                pieces.add(new Piece(notebook.getFileName() + " cell " + id, text(cell.get("source"))));
            }
        }
        return pieces;
    }

    /** Returns a cell's source, which is a text or an array of lines. */
    static String text(JsonElement source) {
        return source.isJsonArray()
                ? StreamSupport.stream(source.getAsJsonArray().spliterator(), false)
                        .map(JsonElement::getAsString)
                        .collect(Collectors.joining())
                : source.getAsString();
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (var list = Files.list(folder)) {
            return list.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        }
    }
}
