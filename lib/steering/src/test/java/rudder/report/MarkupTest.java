package rudder.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.dflib.jjava.jupyter.kernel.DisplayStream;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowm.xchart.XYChartBuilder;
import rudder.checkpoint.format.Progress;
import tech.tablesaw.api.StringColumn;
import tech.tablesaw.api.Table;

/** The name of a file, or a text that a model wrote, is text in a notebook, whatever it spells. */
class MarkupTest {

    /** Renders the text in every way that a notebook shows it; returns what a browser would take for markup. */
    private static List<String> rendered(String text) {
        var markup = new ArrayList<String>();
        var renderer = new Renderer();
        JJavaExtension.register(renderer);
        var table = Table.create(text, StringColumn.create(text, text));
        var chart = new XYChartBuilder().width(300).height(200).title(text).build();
        chart.addSeries(text, new double[] {0, 1}, new double[] {1, 0});
        for (var shown : List.of(table, chart, Notebook.image(chart))) {
            add(renderer.render(shown), markup);
        }
        markup.add(Notebook.html(table));
        var progress = new NotebookProgress(new DisplayStream() {
            @Override
            public void display(DisplayData data) {
                add(data, markup);
            }

            @Override
            public void updateDisplay(DisplayData data) {
                add(data, markup);
            }
        });
        try (var job = Progress.of(text, 2)) {
            job.write(text);
            progress.show(job, 0.5);
            progress.show(job, 0.6);
            progress.end(job);
        }
        return markup;
    }

    private static void add(DisplayData data, List<String> markup) {
        for (var type : List.of(MIMEType.TEXT_HTML, MIMEType.IMAGE_SVG, MIMEType.TEXT_MARKDOWN)) {
            if (data.getData(type) instanceof String text) {
                markup.add(text);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<script>alert(1)</script>.gguf",
                "<img src=x onerror=alert(1)>",
                "</td></table><svg onload='alert(1)'>",
                "\"><b onmouseover=\"alert(1)\">",
                "&lt;b&gt; & <b>"
            })
    void noRendererLetsMarkupThrough(String name) {
        var shown = rendered(name);
        assertEquals(5, shown.size(), "a table twice, a job three times");
        for (var html : shown) {
            assertFalse(html.contains(name), html);
            assertFalse(html.matches("(?s).*<(script|img|svg|b|/td></table><svg)[ >].*"), html);
            assertTrue(html.contains(Inline.escape(name)), html);
        }
    }

    @Test
    void whatIsEscapedIsSafeInAnAttributeToo() {
        assertEquals("&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt; &amp;", Inline.escape("<a href=\"x\" id='y'> &"));
    }

    @Test
    void aNameDoesNotSteerATerminal() {
        try (var job = Progress.of("a\u001b[2Jb\rc\n", 1)) {
            assertTrue(job.toString().startsWith("a?[2Jb?c?"), job.toString());
        }
    }
}
