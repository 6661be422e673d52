package rudder.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

/** Every committed figure is a whole PNG: browsers forgive a missing end, other readers do not. */
class CommittedFiguresTest {

    private static final Path NOTEBOOKS = Path.of("../../notebooks");
    /** Length 0, the type, and the CRC of the type. */
    private static final byte[] END = {0, 0, 0, 0, 'I', 'E', 'N', 'D', (byte) 0xae, 0x42, 0x60, (byte) 0x82};

    /** Returns the decoded image, after a check that the file ends as a PNG must. */
    static BufferedImage read(byte[] png) throws IOException {
        assertArrayEquals(END, Arrays.copyOfRange(png, Math.max(0, png.length - END.length), png.length));
        var image = ImageIO.read(new ByteArrayInputStream(png));
        assertNotNull(image, "no PNG");
        return image;
    }

    @Test
    void everyFigureOfANotebookIsWhole() throws IOException {
        int figures = 0;
        for (var file : files(NOTEBOOKS, ".ipynb")) {
            for (var figure : figures(file).entrySet()) {
                assertWhole(file + ", " + figure.getKey(), figure.getValue());
                figures++;
            }
        }
        assertTrue(figures > 0, "no figures in " + NOTEBOOKS);
    }

    @Test
    void everyPictureOfResultsIsWhole() throws IOException {
        var pictures = files(NOTEBOOKS.resolve("results"), ".png");
        assertTrue(!pictures.isEmpty(), "no pictures in " + NOTEBOOKS.resolve("results"));
        for (var picture : pictures) {
            assertWhole(picture.toString(), Files.readAllBytes(picture));
        }
    }

    private static void assertWhole(String name, byte[] png) throws IOException {
        try {
            assertTrue(read(png).getWidth() > 100, name);
        } catch (AssertionError | IOException e) {
            throw new AssertionError(name + " is not a whole PNG", e);
        }
    }

    /** The PNGs among a notebook's outputs, by the cell's id and the output's number. */
    private static Map<String, byte[]> figures(Path notebook) throws IOException {
        var figures = new LinkedHashMap<String, byte[]>();
        var json = JsonParser.parseString(Files.readString(notebook)).getAsJsonObject();
        for (var cell : json.getAsJsonArray("cells")) {
            var outputs = cell.getAsJsonObject().getAsJsonArray("outputs");
            for (int i = 0; outputs != null && i < outputs.size(); i++) {
                var data = outputs.get(i).getAsJsonObject().getAsJsonObject("data");
                if (data != null && data.has("image/png")) {
                    figures.put(
                            "cell " + cell.getAsJsonObject().get("id").getAsString() + ", output " + i,
                            Base64.getMimeDecoder().decode(text(data.get("image/png"))));
                }
            }
        }
        return figures;
    }

    /** Notebooks keep text as one string or as a list of lines. */
    private static String text(JsonElement text) {
        if (text.isJsonPrimitive()) {
            return text.getAsString();
        }
        var lines = new ArrayList<String>();
        text.getAsJsonArray().forEach(line -> lines.add(line.getAsString()));
        return String.join("", lines);
    }

    private static List<Path> files(Path folder, String end) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(end)).sorted().toList();
        }
    }
}
