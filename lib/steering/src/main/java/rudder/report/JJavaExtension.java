package rudder.report;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.knowm.xchart.internal.chartpart.Chart;
import rudder.checkpoint.format.Progress;
import tech.tablesaw.api.Table;

/**
 * Extends a JJava kernel as soon as Rudder's jar is on its class path. Charts, pictures and tables show themselves,
 * jobs become progress bars, and the imports of {@code imports.jshell} are made. Nothing else in Rudder needs JJava.
 */
public final class JJavaExtension implements Extension {

    /** Makes the extension. The kernel calls this constructor, after it found the class by its service file. */
    public JJavaExtension() {}

    @Override
    public void install(BaseKernel kernel) {
        register(kernel.getRenderer());
        Progress.showOn(new NotebookProgress(kernel.getIO().display));
        try {
            for (var line : imports()) {
                kernel.evalRaw(line);
            }
        } catch (Exception e) {
            throw new IllegalStateException("Rudder's imports do not compile in this kernel", e);
        }
    }

    static void register(Renderer renderer) {
        renderer.<Chart<?, ?>>createRegistration(cast(Chart.class))
                .preferring(MIMEType.IMAGE_PNG)
                .supporting(MIMEType.TEXT_PLAIN)
                .register((chart, context) -> {
                    var image = Notebook.image(chart);
                    context.renderIfRequested(MIMEType.IMAGE_PNG, () -> png(image));
                    context.getOutputContainer().putText(image.toString());
                });
        // The kernel's own renderer never closes its base64 stream: a PNG loses its last bytes.
        renderer.createRegistration(BufferedImage.class)
                .preferring(MIMEType.IMAGE_PNG)
                .register((image, context) -> context.renderIfRequested(MIMEType.IMAGE_PNG, () -> png(image)));
        renderer.createRegistration(Table.class)
                .preferring(MIMEType.TEXT_HTML)
                .supporting(MIMEType.TEXT_PLAIN)
                .register((table, context) -> {
                    context.renderIfRequested(MIMEType.TEXT_HTML, () -> Inline.html(table));
                    context.renderIfRequested(MIMEType.TEXT_PLAIN, () -> table.print());
                });
    }

    /** Returns the import lines of notebooks/imports.jshell, which the build packs. */
    static List<String> imports() throws IOException {
        try (var in = JJavaExtension.class.getResourceAsStream("/rudder/report/imports.jshell")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith("import "))
                    .toList();
        }
    }

    private static String png(BufferedImage image) {
        var bytes = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    @SuppressWarnings("unchecked")
    private static <T> Class<T> cast(Class<?> type) {
        return (Class<T>) type;
    }
}
