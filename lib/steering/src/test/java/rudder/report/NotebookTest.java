package rudder.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.XYChartBuilder;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

class NotebookTest {

    @Test
    void aClaimThatDoesNotHoldStopsTheNotebookAndSaysWhichItWas() {
        Notebook.check(true, "this holds");
        var error = assertThrows(IllegalStateException.class, () -> Notebook.check(false, "feedback tracks better"));
        assertEquals("does not hold: feedback tracks better", error.getMessage());
    }

    @Test
    void aClaimIsCheckedForTheModelsItWasMadeAboutAndRecordedForOthers() throws IOException {
        var about = List.of("small", "large");
        Notebook.claim(about, "small", true, "feedback, too, tracks");
        var error = assertThrows(
                IllegalStateException.class, () -> Notebook.claim(about, "large", false, "feedback tracks"));
        assertEquals("does not hold: large: feedback tracks", error.getMessage());
        Notebook.claim(about, "other", false, "feedback, too, tracks");
        Notebook.claim(List.of(), "another", true, "feedback tracks");
        assertEquals("no", Notebook.recorded("other: feedback too tracks"));
        assertEquals("yes", Notebook.recorded("another: feedback tracks"));
        assertNull(Notebook.recorded("small: feedback too tracks"));
    }

    @Test
    void numbersKeepTheirSignificantDigits() {
        assertEquals("0.333333", Inline.number(1.0 / 3, 6));
        assertEquals("1234.57", Inline.number(1234.5678, 6));
        assertEquals("-0.00012", Inline.number(-0.00012, 6));
        assertEquals("1.5E-9", Inline.number(1.5e-9, 6));
        assertEquals("1.5E+12", Inline.number(1.5e12, 6));
        assertEquals("100000", Inline.number(1e5, 6));
        assertEquals("0", Inline.number(-0.0, 6));
        assertEquals("NaN", Inline.number(Double.NaN, 6));
    }

    @Test
    void recordedValuesAreOneLineEachAndWordsAreQuotedWhereTheyMustBe() {
        var values = new LinkedHashMap<String, String>();
        values.put("tracking error", "0.25");
        values.put("text", "the sea, \"blue\"");
        assertEquals("name,value\ntracking error,0.25\ntext,\"the sea, \"\"blue\"\"\"\n", Notebook.csv(values));
        assertThrows(IllegalArgumentException.class, () -> Notebook.record("a,b", 1));
    }

    @Test
    void aTableKeepsItsWordsNumbersAndGaps() {
        var x = DoubleColumn.create("x", 0.123456, 2).appendMissing();
        var html = Notebook.html(Table.create(
                "strength & energy",
                StringColumn.create("controller", "none", "a<b", ""),
                x,
                IntColumn.create("n", 1, 2, 3)));
        assertTrue(html.startsWith("<div style=\"overflow-x:auto\"><table>") && html.endsWith("</table></div>"), html);
        assertTrue(html.contains("<caption>strength &amp; energy</caption>"), html);
        assertTrue(html.contains("a&lt;b"), html);
        assertTrue(html.contains("text-align:right\">0.1235<"), html);
        assertTrue(html.contains("text-align:right\"></td>"), html);
    }

    @Test
    void aChartIsDrawnAtItsSizeAndDescribed() {
        var chart = new XYChartBuilder()
                .width(320)
                .height(200)
                .title("strength per block")
                .build();
        chart.addSeries("beta", new double[] {0, 1}, new double[] {0, 1});
        var image = Notebook.image(chart);
        assertEquals(320, image.getWidth());
        assertEquals(200, image.getHeight());
        assertEquals("strength per block. beta from 0 to 1.", image.toString());
        var without =
                new XYChartBuilder().width(320).height(200).title("no values").build();
        without.addSeries("hidden", new double[] {0, 1}, new double[] {0, 1}).setShowInLegend(false);
        assertEquals("no values.", Notebook.image(without).toString());
        assertTrue(
                Stream.iterate(0, i -> i + 1).limit(320).anyMatch(i -> (image.getRGB(i, 100) & 0xffffff) != 0xffffff),
                "nothing was drawn");
    }

    @Test
    void nothingButTheExtensionNeedsJJava() throws Exception {
        var urls = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(p -> !p.contains("jjava"))
                .map(NotebookTest::url)
                .toArray(URL[]::new);
        try (var loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader())) {
            assertThrows(ClassNotFoundException.class, () -> loader.loadClass("org.dflib.jjava.jupyter.Extension"));
            assertEquals(
                    Notebook.modelName(),
                    loader.loadClass("rudder.report.Notebook")
                            .getMethod("modelName")
                            .invoke(null));
            var table = loader.loadClass("tech.tablesaw.api.Table");
            var html = loader.loadClass("rudder.report.Notebook").getMethod("html", table);
            assertTrue(html.invoke(null, table.getMethod("create", String.class).invoke(null, "empty"))
                    .toString()
                    .contains("empty"));
        }
    }

    private static URL url(String path) {
        try {
            return Path.of(path).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(path, e);
        }
    }
}
