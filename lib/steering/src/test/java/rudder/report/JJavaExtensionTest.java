package rudder.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.ServiceLoader;
import javax.imageio.ImageIO;
import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.DisplayStream;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.common.Image;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.XYChartBuilder;
import rudder.checkpoint.format.Progress;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.Table;

class JJavaExtensionTest {

    @Test
    void theKernelFindsIt() {
        assertInstanceOf(
                JJavaExtension.class,
                ServiceLoader.load(Extension.class).findFirst().orElseThrow());
    }

    @Test
    void chartsAndTablesShowThemselves() throws Exception {
        var renderer = new Renderer();
        JJavaExtension.register(renderer);
        var chart = new XYChartBuilder().width(300).height(200).title("energy").build();
        chart.addSeries("u", new double[] {0, 1}, new double[] {1, 0});
        var shown = renderer.render(chart);
        var png = Base64.getDecoder().decode((String) shown.getData(MIMEType.IMAGE_PNG));
        assertEquals(300, ImageIO.read(new ByteArrayInputStream(png)).getWidth());
        assertEquals("energy. u from 1 to 0.", shown.getData(MIMEType.TEXT_PLAIN));

        var table = renderer.render(Table.create("t", IntColumn.create("n", 1)));
        assertTrue(((String) table.getData(MIMEType.TEXT_HTML)).startsWith("<div style=\"overflow-x:auto\"><table>"));
    }

    /** The kernel's own renderer, which is there first, cuts a PNG's last bytes off. */
    @Test
    void anImageIsRenderedWhole() throws Exception {
        var renderer = new Renderer();
        Image.registerAll(renderer);
        JJavaExtension.register(renderer);
        for (int width = 300; width < 310; width++) {
            var chart = new XYChartBuilder().width(width).height(200).title("u").build();
            chart.addSeries("u", new double[] {0, 1}, new double[] {1, 0});
            var shown = renderer.renderAs(Notebook.image(chart), "image/png");
            var png = Base64.getDecoder().decode((String) shown.getData(MIMEType.IMAGE_PNG));
            assertEquals(width, CommittedFiguresTest.read(png).getWidth());
            assertEquals("u. u from 1 to 0.", shown.getData(MIMEType.TEXT_PLAIN));
        }
    }

    @Test
    void theImportsAreThoseOfTheSetUpScript() throws Exception {
        var imports = JJavaExtension.imports();
        assertTrue(
                imports.contains("import rudder.theory.*;")
                        && imports.contains("import static rudder.report.Notebook.*;"),
                imports.toString());
    }

    /** A job's label may hold a file's name, which may hold anything. */
    @Test
    void aJobIsOneDisplayUpdatedAndItsLabelIsNoMarkup() throws Exception {
        var sent = new ArrayList<String>();
        var html = new ArrayList<String>();
        var progress = new NotebookProgress(listTo(sent, html));
        try (var job = Progress.of("<script> & \"24\" Jacobians", 24)) {
            progress.show(job, 0.25);
            progress.show(job, 0.5);
            progress.end(job);
        }
        var id = sent.get(0).substring(4);
        assertEquals(List.of("new " + id, "old " + id, "old " + id), sent);
        for (var shown : html) {
            assertTrue(shown.contains("&lt;script&gt; &amp; &quot;24&quot; Jacobians"), shown);
            assertTrue(!shown.contains("<script"), shown);
        }
        assertTrue(html.get(1).contains("<progress max=\"1\" value=\"0.5\">"), html.get(1));
        assertTrue(!html.get(2).contains("<progress"), html.get(2));
    }

    @Test
    void aTextIsShownWhileItGrowsAndStaysIfItsJobWasStopped() {
        var html = new ArrayList<String>();
        var progress = new NotebookProgress(listTo(new ArrayList<>(), html));
        try (var job = Progress.of("Generating", 3)) {
            job.write("the <sea>\nis\u001b");
            job.advance(1);
            progress.show(job, 1 / 3.0);
            progress.end(job);
        }
        assertTrue(html.get(0).contains("<progress"), html.get(0));
        for (var shown : html) {
            assertTrue(shown.contains("the &lt;sea&gt;<br>is?</div>"), shown);
        }
        assertTrue(html.get(1).contains("Generating 33 %, 0 s, stopped"), html.get(1));
    }

    /** The text of a finished job is the cell's value, so the display does not repeat it. */
    @Test
    void aTextThatIsWholeLeavesOneLine() {
        var html = new ArrayList<String>();
        var progress = new NotebookProgress(listTo(new ArrayList<>(), html));
        try (var job = Progress.of("Generating", 1)) {
            progress.show(job, 0);
            job.write("the sea");
            job.advance(1);
            progress.end(job);
        }
        assertEquals("<div class=\"rudder-progress\">Generating 100 %, 0 s</div>", html.get(1));
    }

    private static DisplayStream listTo(List<String> sent, List<String> html) {
        return new DisplayStream() {
            @Override
            public void display(DisplayData data) {
                sent.add("new " + data.getDisplayId());
                html.add((String) data.getData(MIMEType.TEXT_HTML));
            }

            @Override
            public void updateDisplay(DisplayData data) {
                sent.add("old " + data.getDisplayId());
                html.add((String) data.getData(MIMEType.TEXT_HTML));
            }
        };
    }
}
