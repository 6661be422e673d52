package rudder.demo;

import org.dflib.jjava.jupyter.Extension;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;

/** Extends a JJava kernel: a cell whose value is a {@link Demo} shows its page in a frame. */
public final class DemoExtension implements Extension {

    /** Makes the extension. The kernel calls this constructor, after it found the class by its service file. */
    public DemoExtension() {}

    @Override
    public void install(BaseKernel kernel) {
        register(kernel.getRenderer());
    }

    static void register(Renderer renderer) {
        renderer.createRegistration(Demo.class)
                .preferring(MIMEType.TEXT_HTML)
                .supporting(MIMEType.TEXT_PLAIN)
                .register((demo, context) -> {
                    context.renderIfRequested(MIMEType.TEXT_HTML, () -> demo.frame());
                    context.renderIfRequested(MIMEType.TEXT_PLAIN, () -> demo.toString());
                });
    }
}
